/* Every study over a list that keeps rows, on a small model: what tests of all of them run. */
#ifndef MMN_TESTS_STUDY_EVERY_STUDY_H
#define MMN_TESTS_STUDY_EVERY_STUDY_H

#include <criterion/criterion.h>
#include <stdio.h>

#include "mmneuron.h"
#include "tests/tools/scratch.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5"
#define NEURONS MMN_SOURCE_DIR "/tests/mask/data/masked.json"
#define GREY MMN_SOURCE_DIR "/golden/images/grey.jpg"
#define TALL MMN_SOURCE_DIR "/golden/images/tall.jpg"

/* Their samples are dealt out to shards unevenly, and one is long. */
static const char questions[] =
    "{\"id\": \"a\", \"domain\": \"medical\", \"image\": \"" GREY
    "\", \"question\": \"Is \\\"it\\\"?\","
    " \"metric\": \"choice\", \"answers\": [\"A\"], \"choices\": [\"yes\", \"no\"]}\n"
    "{\"id\": \"b\", \"domain\": \"documents\", \"question\": \"Who?\", \"metric\": \"anls\","
    " \"answers\": [\"he\", \"she\"]}\n"
    "{\"domain\": \"medical\", \"question\": \"Where is it\\n?\", \"answers\": [\"here\"]}\n"
    "{\"domain\": \"documents\", \"image\": \"" TALL "\", \"question\": \"What?\","
    " \"answers\": [\"that\"]}\n"
    "{\"domain\": \"documents\", \"question\": \"\", \"prompt\": \"Say when\","
    " \"answers\": [\"now\"]}\n";
static const char texts[] =
    "{\"domain\": \"medical\", \"text\": \"the heart of the matter is a pump of some kind\"}\n"
    "{\"domain\": \"documents\", \"text\": \"a page with words\"}\n"
    "{\"domain\": \"medical\", \"text\": \"and it stops\"}\n";

static const char sentences[] =
    "{\"id\": 1, \"domain\": \"medical\", \"prompt\": \"the heart of the matter\"}\n"
    "{\"id\": 2, \"domain\": \"documents\", \"prompt\": \"a page\"}\n"
    "{\"id\": 2, \"domain\": \"medical\", \"prompt\": \"a side\"}\n"
    "{\"id\": 1, \"domain\": \"documents\", \"prompt\": \"its pump\"}\n"
    "{\"id\": 3, \"domain\": \"documents\", \"prompt\": \"and it stops\"}\n";

static mmn_error error;
static mmn_model *model;
static char list[300], text_list[300], sentence_list[300], file[300];

/* Writes the lists; the model, which the studies need, is the test's. */
static void write_lists(void)
{
    scratch_make();
    scratch_write("list.jsonl", questions);
    scratch_write("texts.jsonl", texts);
    scratch_write("sentences.jsonl", sentences);
    snprintf(list, sizeof(list), "%s", scratch_path("list.jsonl"));
    snprintf(text_list, sizeof(text_list), "%s", scratch_path("texts.jsonl"));
    snprintf(sentence_list, sizeof(sentence_list), "%s", scratch_path("sentences.jsonl"));
    snprintf(file, sizeof(file), "%s", scratch_path("rows.jsonl"));
}

/* ---- The studies ----------------------------------------------------------------------------- */

/* How often a study told its progress, and at which time it shall stop; 0: never. */
static unsigned long told, stop_at;
static uint64_t already;

static int show(void *context, const mmn_progress *progress)
{
    (void)context;
    already = progress->already;
    return ++told == stop_at;
}

typedef mmn_status study(mmn_result **result, const mmn_rows_options *rows);

static mmn_status run_eval(mmn_result **result, const mmn_rows_options *rows)
{
    const mmn_eval_options options = {.size = sizeof(options),
                                      .list = list,
                                      .neurons = NEURONS,
                                      .settings = "projector,all",
                                      .cross = "all",
                                      .seeds = 2,
                                      .tokens = 2,
                                      .progress = show,
                                      .rows = *rows};
    return mmn_eval(result, model, &options, &error);
}

static mmn_status run_perplexity(mmn_result **result, const mmn_rows_options *rows)
{
    const mmn_perplexity_options options = {.size = sizeof(options),
                                            .list = text_list,
                                            .neurons = NEURONS,
                                            .window = 5,
                                            .seeds = 2,
                                            .progress = show,
                                            .rows = *rows};
    return mmn_perplexity_measure(result, model, &options, &error);
}

static mmn_status run_agree(mmn_result **result, const mmn_rows_options *rows)
{
    const mmn_study_options options = {.size = sizeof(options),
                                       .list = text_list,
                                       .neurons = NEURONS,
                                       .settings = "all",
                                       .window = 7,
                                       .seeds = 1,
                                       .progress = show,
                                       .rows = *rows};
    return mmn_study_run(result, model, "agree", &options, &error);
}

static mmn_status run_sweep(mmn_result **result, const mmn_rows_options *rows)
{
    const mmn_study_options options = {.size = sizeof(options),
                                       .list = text_list,
                                       .neurons = NEURONS,
                                       .settings = "all",
                                       .window = 6,
                                       .seeds = 1,
                                       .progress = show,
                                       .rows = *rows};
    return mmn_study_run(result, model, "sweep", &options, &error);
}

static mmn_status run_similarity(mmn_result **result, const mmn_rows_options *rows)
{
    const mmn_study_options options = {.size = sizeof(options),
                                       .list = sentence_list,
                                       .neurons = NEURONS,
                                       .settings = "all",
                                       .seeds = 1,
                                       .progress = show,
                                       .rows = *rows};
    return mmn_study_run(result, model, "similarity", &options, &error);
}

static mmn_status run_perturb(mmn_result **result, const mmn_rows_options *rows)
{
    const mmn_perturb_options options = {.size = sizeof(options),
                                         .list = list,
                                         .neurons = NEURONS,
                                         .settings = "projector,all",
                                         .seeds = 2,
                                         .progress = show,
                                         .rows = *rows};
    return mmn_perturb(result, model, &options, &error);
}

static mmn_status run_lens(mmn_result **result, const mmn_rows_options *rows)
{
    const mmn_lens_options options = {.size = sizeof(options),
                                      .list = list,
                                      .stages = "out,mid",
                                      .top = 2,
                                      .examples = 2,
                                      .positions = "last,image:2",
                                      .neuron = "vision:1:17",
                                      .neurons = NEURONS,
                                      .progress = show,
                                      .rows = *rows};
    return mmn_lens_run(result, model, &options, &error);
}

static mmn_status run_contributions(mmn_result **result, const mmn_rows_options *rows)
{
    const mmn_contribution_options options = {.size = sizeof(options),
                                              .list = list,
                                              .tokens = 3,
                                              .all_words = 1,
                                              .top = 3,
                                              .names = 2,
                                              .seeds = 1,
                                              .shuffles = 1,
                                              .at_least = 2,
                                              .weight_noise = 0.5,
                                              .progress = show,
                                              .rows = *rows};
    return mmn_contributions_run(result, model, &options, &error);
}

static study *const studies[] = {run_eval,       run_perplexity, run_agree, run_sweep,
                                 run_similarity, run_perturb,    run_lens,  run_contributions};
enum { STUDIES = sizeof(studies) / sizeof(studies[0]) };

/* The JSON of a run, which must succeed. */
static char *result_of(study *run, const mmn_rows_options *rows)
{
    mmn_result *result;
    char *json;
    told = 0;
    cr_assert_eq(run(&result, rows), MMN_OK, "%s: %s: %s", error.file, error.where, error.message);
    cr_assert_eq(mmn_result_json(result, &json, &error), MMN_OK);
    mmn_result_free(result);
    return json;
}

#endif
