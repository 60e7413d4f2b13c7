/* Stopping in the middle: whatever works with a model asks at every layer and during long
 * preparations whether to go on, ends with MMN_INTERRUPTED when it shall not, and writes
 * nothing. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "mmneuron.h"
#include "tests/tools/same_bytes.h"
#include "tests/tools/needs.h"

#define CHECKPOINTS MMN_SOURCE_DIR "/golden/checkpoints/"
#define IMAGES MMN_SOURCE_DIR "/golden/images/"

enum { LIST, TEXTS, COUNTS, RANKING, RANKING_TABLE, OUTPUT, STATE, WHOLE, PATHS };

static char folder[64], paths[PATHS][96];
static mmn_error error;
static mmn_model *model;

/* How often the library asked, and from which question on the answer is to stop; 0: never. A stop
 * that is said once is enough. */
static unsigned long questions, stop_at;

static int answer(void *context)
{
    (void)context;
    return ++questions == stop_at;
}

/* With one thread, so that the number of questions is the same each time. */
static void open_model(const char *name)
{
    const mmn_model_options options = {
        .size = sizeof(options), .threads = 1, .interrupted = answer};
    stop_at = 0;
    cr_assert_eq(mmn_model_open(&model, name, &options, &error), MMN_OK, "%s", error.message);
}

static void write_text(int path, const char *text)
{
    cr_assert_eq(mmn_write_file(paths[path], text, strlen(text), NULL), MMN_OK);
}

static void set_up(void)
{
    static const char *const names[PATHS] = {"list.jsonl",   "texts.jsonl", "counts",
                                             "neurons.json", "ranking.tsv", "output",
                                             "output.state", "whole"};
    snprintf(folder, sizeof(folder), "/tmp/mmneuron-interrupt-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    for (int i = 0; i < PATHS; i++)
        snprintf(paths[i], sizeof(paths[i]), "%s/%s", folder, names[i]);
    /* One sample, so that nothing stops between samples. */
    write_text(LIST,
               "{\"domain\": \"a\", \"image\": \"" IMAGES "tall.jpg\", \"question\": \"Who?\","
               " \"answers\": [\"x\"]}\n");
    write_text(TEXTS, "{\"domain\": \"a\", \"text\": \"a text of some words\"}\n");
}

static void tear_down(void)
{
    mmn_model_close(model);
    for (int i = 0; i < PATHS; i++)
        unlink(paths[i]);
    cr_assert_eq(rmdir(folder), 0, "something is left in %s", folder);
}

TestSuite(interrupt, .init = set_up, .fini = tear_down);

typedef mmn_status work(void);

/* The work asks at least `least` times, and stops at whichever question says so: here the first,
 * the last, and some between. */
static void check_stops(work *run, unsigned long least)
{
    questions = stop_at = 0;
    cr_assert_eq(run(), MMN_OK, "%s", error.message);
    unsigned long all = questions;
    cr_assert_geq(all, least);
    for (unsigned long at = 1; at <= all;
         at = at < all && at + 1 + all / 9 > all ? all : at + 1 + all / 9) {
        questions = 0;
        stop_at = at;
        cr_assert_eq(run(), MMN_INTERRUPTED, "question %lu of %lu", at, all);
        cr_assert_eq(error.status, MMN_INTERRUPTED);
        cr_assert_neq(access(paths[OUTPUT], F_OK), 0);
    }
    stop_at = 0;
    cr_assert_eq(run(), MMN_OK, "%s", error.message);
}

static mmn_input *input_of(const char *prompt, const char *image)
{
    mmn_input *input;
    cr_assert_eq(mmn_input_from_prompt(&input, model, prompt, &image, image != NULL, &error),
                 MMN_OK, "%s", error.message);
    return input;
}

static mmn_input *input;
static mmn_beam_search search;

static mmn_status answer_question(void)
{
    int32_t ids[4];
    size_t count;
    mmn_session *session;
    mmn_status status = mmn_session_create(&session, model, NULL, &error);
    if (status == MMN_OK)
        status = mmn_session_set_beam_search(session, &search, &error);
    if (status == MMN_OK)
        status = mmn_session_prefill(session, input, &error);
    if (status == MMN_OK)
        status = mmn_session_generate(session, 4, ids, &count, &error);
    mmn_session_free(session);
    return status;
}

/* Vision tower, Q-Former, projector, language model and every token ask, probes or not. */
Test(interrupt, stops_an_answer_at_any_layer)
{
    static const char *const names[] = {"llava-1.5", "instructblip", "llava-v1.6-mistral"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[200];
        if (!mmn_build_reads(names[i]))
            continue;
        snprintf(path, sizeof(path), "%s%s", CHECKPOINTS, names[i]);
        open_model(path);
        const mmn_model_info *info = mmn_model_describe(model);
        input = input_of("<image> Who?", IMAGES "tall.jpg");
        search = (mmn_beam_search){0};
        check_stops(answer_question, info->vision_layers + 4 * info->language_layers);
        search = (mmn_beam_search){.beams = 3, .length_penalty = 1};
        check_stops(answer_question, info->vision_layers + 4 * info->language_layers);
        mmn_input_free(input);
        mmn_model_close(model);
        model = NULL;
    }
}

static mmn_status look(void *context, const mmn_stage *stage, mmn_error *problem)
{
    (void)context, (void)stage, (void)problem;
    return MMN_OK;
}

static mmn_status prefill_two(void)
{
    mmn_input *second = NULL;
    mmn_session *session;
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    const int32_t ids[] = {5, 6, 7};
    mmn_status status = mmn_session_create(&session, model, &options, &error);
    if (status == MMN_OK)
        status = mmn_input_from_ids(&second, model, ids, 3, &error);
    const mmn_input *const both[] = {input, second};
    const mmn_probe probe = {.stages = "language.norm", .see = look};
    if (status == MMN_OK)
        status = mmn_session_add_probe(session, &probe, &error);
    if (status == MMN_OK)
        status = mmn_session_prefill_many(session, both, 2, &error);
    mmn_input_free(second);
    mmn_session_free(session);
    return status;
}

static mmn_status dump(void)
{
    unlink(paths[OUTPUT]);
    const mmn_dump_options options = {
        .size = sizeof(options), .stages = "*.out,generated_ids", .generate = 2};
    mmn_status status = mmn_dump(model, input, &options, paths[OUTPUT], &error);
    if (status == MMN_OK)
        unlink(paths[OUTPUT]);
    return status;
}

static mmn_status count(void)
{
    unlink(paths[STATE]);
    const mmn_count_options options = {
        .size = sizeof(options), .list = paths[LIST], .output = paths[OUTPUT]};
    mmn_status status = mmn_count(model, &options, NULL, &error);
    if (status == MMN_INTERRUPTED)
        cr_assert_neq(access(paths[STATE], F_OK), 0, "a state without a sample");
    if (status == MMN_OK)
        cr_assert_eq(rename(paths[OUTPUT], paths[WHOLE]), 0);
    return status;
}

static mmn_status count_texts(void)
{
    const mmn_count_options options = {
        .size = sizeof(options), .list = paths[TEXTS], .output = paths[OUTPUT], .window = 8};
    mmn_status status = mmn_count(model, &options, NULL, &error);
    unlink(paths[STATE]);
    if (status == MMN_OK)
        cr_assert_eq(rename(paths[OUTPUT], paths[WHOLE]), 0);
    return status;
}

static mmn_status evaluate(void)
{
    mmn_result *made;
    const mmn_eval_options options = {.size = sizeof(options), .list = paths[LIST], .tokens = 2};
    mmn_status status = mmn_eval(&made, model, &options, &error);
    if (status == MMN_OK)
        mmn_result_free(made);
    return status;
}

static mmn_status read_texts(void)
{
    mmn_result *made;
    const mmn_perplexity_options options = {
        .size = sizeof(options), .list = paths[TEXTS], .window = 8};
    mmn_status status = mmn_perplexity_measure(&made, model, &options, &error);
    if (status == MMN_OK)
        mmn_result_free(made);
    return status;
}

static mmn_status perturb(void)
{
    mmn_result *made;
    const mmn_perturb_options options = {.size = sizeof(options),
                                         .list = paths[LIST],
                                         .neurons = paths[RANKING],
                                         .seeds = 1,
                                         .settings = "language"};
    mmn_status status = mmn_perturb(&made, model, &options, &error);
    if (status == MMN_OK)
        mmn_result_free(made);
    return status;
}

static mmn_status look_through_lens(void)
{
    mmn_result *made;
    const mmn_lens_options options = {.size = sizeof(options), .list = paths[LIST]};
    mmn_status status = mmn_lens_run(&made, model, &options, &error);
    if (status == MMN_OK)
        mmn_result_free(made);
    return status;
}

static mmn_status contribute(void)
{
    mmn_result *made;
    const mmn_contribution_options options = {.size = sizeof(options),
                                              .prompt = "Who?",
                                              .tokens = 2,
                                              .all_words = 1,
                                              .seeds = 1,
                                              .top = 2};
    mmn_status status = mmn_contributions_run(&made, model, &options, &error);
    if (status == MMN_OK)
        mmn_result_free(made);
    return status;
}

static mmn_status digest(void)
{
    char text[33];
    return mmn_model_digest(model, text, &error);
}

Test(interrupt, stops_every_command_within_one_sample)
{
    open_model(CHECKPOINTS "llava-1.5");
    const mmn_model_info *info = mmn_model_describe(model);
    input = input_of("<image> Who?", IMAGES "tall.jpg");
    check_stops(prefill_two, info->vision_layers + info->language_layers);
    check_stops(dump, info->vision_layers + 2 * info->language_layers);
    mmn_input_free(input);
    check_stops(count, info->vision_layers + info->language_layers);
    check_stops(count_texts, info->language_layers);
    check_stops(evaluate, info->vision_layers + 2 * info->language_layers);
    check_stops(read_texts, info->language_layers);
    check_stops(look_through_lens, info->vision_layers + 2 * info->language_layers);
    check_stops(contribute, 2 * info->language_layers);
    check_stops(digest, 1);

    const mmn_count_options options = {
        .size = sizeof(options), .list = paths[LIST], .output = paths[COUNTS]};
    cr_assert_eq(mmn_count(model, &options, NULL, &error), MMN_OK);
    const mmn_rank_options rank_options = {.size = sizeof(rank_options), .rate = 0.05, .bar = 0.5};
    mmn_result *ranking;
    cr_assert_eq(mmn_rank(&ranking, paths[COUNTS], &rank_options, &error), MMN_OK, "%s",
                 error.message);
    cr_assert_eq(mmn_result_write(ranking, paths[RANKING], &error), MMN_OK);
    mmn_result_free(ranking);
    check_stops(perturb, info->vision_layers + 2 * info->language_layers);
}

/* What an interrupted run kept is as good as new: the same session goes on to the same answer. */
Test(interrupt, leaves_a_session_that_answers_as_before)
{
    open_model(CHECKPOINTS "llava-1.5");
    input = input_of("<image> Who?", IMAGES "tall.jpg");
    mmn_session *session;
    int32_t first[4], again[4];
    size_t count_of_first, count_again;
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
    cr_assert_eq(mmn_session_generate(session, 4, first, &count_of_first, &error), MMN_OK);
    for (unsigned long at = 1; at < 20; at += 3) {
        mmn_session *other;
        stop_at = 0;
        cr_assert_eq(mmn_session_create(&other, model, NULL, &error), MMN_OK);
        questions = 0;
        stop_at = at;
        mmn_status status = mmn_session_prefill(other, input, &error);
        if (status == MMN_OK)
            status = mmn_session_generate(other, 4, again, &count_again, &error);
        cr_assert_eq(status, MMN_INTERRUPTED);
        cr_assert_neq(mmn_session_generate(other, 4, again, &count_again, &error), MMN_OK);
        cr_assert_eq(mmn_session_prefill(other, input, &error), MMN_OK);
        cr_assert_eq(mmn_session_generate(other, 4, again, &count_again, &error), MMN_OK);
        cr_assert_eq(count_again, count_of_first);
        cr_assert_arr_eq(again, first, count_of_first * sizeof(*first));
        mmn_session_free(other);
    }
    mmn_session_free(session);
    mmn_input_free(input);
}

static char *long_text;

static mmn_status encode(void)
{
    int32_t *ids;
    size_t found;
    mmn_status status = mmn_model_encode(model, long_text, 1, &ids, &found, &error);
    if (status == MMN_OK)
        mmn_release(ids);
    return status;
}

/* Of 200,000 bytes, whether they are many words or one. */
Test(interrupt, stops_in_the_middle_of_a_text)
{
    static const char *const names[] = {"llava-1.5", "qwen2", "instructblip"};
    enum { SIZE = 200000 };
    long_text = malloc(SIZE + 1);
    for (size_t i = 0; i < SIZE; i++)
        long_text[i] = "the quick brown fox "[i % 20];
    long_text[SIZE] = '\0';
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[200];
        snprintf(path, sizeof(path), "%s%s", CHECKPOINTS, names[i]);
        if (mmn_model_open(&model, path, NULL, &error) != MMN_OK)
            continue; /* this build leaves out what its tokenizer needs */
        mmn_model_close(model);
        open_model(path);
        check_stops(encode, 20);
        mmn_model_close(model);
        model = NULL;
    }
    free(long_text);
}
