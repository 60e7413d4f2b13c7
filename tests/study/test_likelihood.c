/* ln p of answers behind their prompts, against what transformers makes of both in one pass in
 * float64 (golden/make_references.py): with nothing off, with neurons off, and steered. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "mask/mask.h"
#include "mmneuron.h"
#include "model/model.h"
#include "pass/follow.h"
#include "pass/session.h"
#include "study/likelihood.h"
#include "tests/tools/needs.h"

enum { WAYS = 3, IMAGES = 4, FACTOR = 4 /* times torch's error, as in the other golden tests */ };
static const char *const ways[WAYS] = {"plain", "off", "steered"};

static mmn_error error;
static mmn_model *model;
static mmn_study study;
static const mmn_study_kind no_kind;
static json_t *document;
static mmn_mask *masks[WAYS]; /* NULL: nothing is off */
static char folder[256];

/* The neurons of the case in the language model, at its values or off. */
static mmn_mask *make_mask(const json_t *neurons, bool off)
{
    const mmn_model_info *info = mmn_model_describe(model);
    mmn_mask *mask;
    size_t i, count = json_array_size(neurons);
    json_t *neuron;
    cr_assert_eq(mmn_mask_create(&mask, model->number, info->modules, info->module_count, &error),
                 MMN_OK);
    mmn_masked_module *masked = &mask->modules[info->module_count - 1];
    cr_assert_str_eq(masked->module->name, "language");
    masked->neurons = mmn_allocate(count, sizeof(*masked->neurons), &error);
    masked->values = mmn_allocate(count, sizeof(*masked->values), &error);
    json_array_foreach((json_t *)(uintptr_t)neurons, i, neuron)
    {
        const json_int_t layer = json_integer_value(json_array_get(neuron, 0));
        masked->neurons[i] = (uint32_t)json_integer_value(json_array_get(neuron, 1));
        masked->values[i] = off ? 0 : (float)json_number_value(json_array_get(neuron, 2));
        for (size_t l = (size_t)layer + 1; l <= masked->module->layers; l++)
            masked->first[l] = i + 1;
    }
    cr_assert_eq(mmn_mask_name_stages(mask, &error), MMN_OK);
    return mask;
}

static void open_bundle(const char *bundle)
{
    char path[512];
    snprintf(folder, sizeof folder, MMN_SOURCE_DIR "/models/%s", bundle);
    snprintf(path, sizeof path, "%s/model", folder);
    cr_assert_eq(mmn_model_open(&model, path, NULL, &error), MMN_OK, "%s", error.message);
    snprintf(path, sizeof path, "%s/cases/references.json", folder);
    document = json_load_file(path, 0, NULL);
    cr_assert_not_null(document, "%s", path);
    study = (mmn_study){.model = model, .samples = {.model = model, .template_name = ""}};
    cr_assert_eq(mmn_study_reserve_logits(&study, MMN_STUDY_ROWS, &error), MMN_OK);
    for (size_t way = 1; way < WAYS; way++)
        masks[way] = make_mask(json_object_get(document, "neurons"), way == 1);
}

static void close_bundle(void)
{
    for (size_t way = 1; way < WAYS; way++)
        mmn_mask_free(masks[way]);
    mmn_study_close(&no_kind, &study);
    mmn_model_close(model);
    json_decref(document);
}

/* ---- One prompt ------------------------------------------------------------------------------ */

/* A prompt with answers, and sessions of the three ways. */
typedef struct asking {
    mmn_sample sample;
    char paths[IMAGES][512];
    const char *images[IMAGES], *answers[8];
    mmn_input *input;
    mmn_references references;
    mmn_session *sessions[WAYS];
} asking;

static void ask(asking *a, const json_t *row, const char *const *answers, size_t count)
{
    const json_t *image;
    size_t i;
    memset(a, 0, sizeof(*a));
    json_array_foreach(json_object_get(row, "images"), i, image)
    {
        snprintf(a->paths[i], sizeof a->paths[i], "%s/%s", folder, json_string_value(image));
        a->images[i] = a->paths[i];
        a->sample.image_count++;
    }
    for (i = 0; i < count; i++)
        a->answers[i] = answers[i];
    a->sample.id = "one";
    a->sample.images = a->images;
    a->sample.prompt = json_string_value(json_object_get(row, "prompt"));
    a->sample.answers = a->answers;
    a->sample.answer_count = count;
    cr_assert_eq(mmn_input_from_prompt(&a->input, model, a->sample.prompt, a->images,
                                       a->sample.image_count, &error),
                 MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_references_make(&a->references, &study.samples, &a->sample, a->input, &error),
                 MMN_OK, "%s", error.message);
}

static void create_sessions(asking *a, int prompt_only, mmn_reference_rows *rows)
{
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = prompt_only};
    for (size_t way = 0; way < WAYS; way++) {
        cr_assert_eq(mmn_session_create(&a->sessions[way], model, &options, &error), MMN_OK);
        if (masks[way])
            cr_assert_eq(mmn_session_add_mask(a->sessions[way], masks[way], &error), MMN_OK);
        if (!rows)
            continue;
        const mmn_probe probe = mmn_reference_rows_probe(&rows[way]);
        cr_assert_eq(mmn_session_add_probe(a->sessions[way], &probe, &error), MMN_OK);
    }
}

static void free_sessions(asking *a)
{
    for (size_t way = 0; way < WAYS; way++)
        mmn_session_free(a->sessions[way]);
}

static void finish(asking *a)
{
    mmn_references_free(&a->references);
    mmn_input_free(a->input);
}

/* In sessions side by side that keep keys and values. */
static void find_behind(mmn_likelihood found[WAYS], asking *a)
{
    create_sessions(a, 0, NULL);
    cr_assert_eq(mmn_sessions_prefill(a->sessions, WAYS, NULL, a->input, &error), MMN_OK);
    cr_assert_eq(mmn_likelihoods_behind(found, &study, a->sessions, WAYS, &a->references, &error),
                 MMN_OK, "%s", error.message);
    free_sessions(a);
}

/* In sessions side by side for prompts only, whose prompt has the answer. */
static void find_within(mmn_likelihood found[WAYS], asking *a)
{
    const size_t width = model->config.language.hidden_size;
    const size_t rows = a->references.list[a->references.longest].count;
    float *normed = mmn_allocate(WAYS * rows, width * sizeof(*normed), &error);
    mmn_reference_rows kept[WAYS];
    const mmn_reference_rows *beside[WAYS];
    mmn_input *input;
    for (size_t way = 0; way < WAYS; way++) {
        kept[way] = (mmn_reference_rows){&a->references, normed + way * rows * width};
        beside[way] = &kept[way];
    }
    cr_assert(a->references.together);
    cr_assert_eq(mmn_references_input(&input, &a->references, a->input, &error), MMN_OK);
    create_sessions(a, 1, kept);
    cr_assert_eq(mmn_sessions_prefill(a->sessions, WAYS, NULL, input, &error), MMN_OK);
    cr_assert_eq(mmn_likelihoods_within(found, &study, beside, WAYS, &a->references, &error),
                 MMN_OK);
    free_sessions(a);
    mmn_input_free(input);
    mmn_free(normed);
}

/* ---- Against transformers -------------------------------------------------------------------- */

/* Errors of sums of ln p in one way. */
typedef struct errors {
    double truth, own, torch, own_largest, torch_largest;
} errors;

static double sum_of(const json_t *row, const char *way, const char *type)
{
    const json_t *values = json_object_get(json_object_get(row, way), type);
    double sum = 0;
    for (size_t i = 0; i < json_array_size(values); i++)
        sum += json_number_value(json_array_get(values, i));
    return sum;
}

static void note(errors *e, const json_t *row, const char *way, double own)
{
    const double truth = sum_of(row, way, "float64"), torch = sum_of(row, way, "float32");
    e->truth += truth * truth;
    e->own += (own - truth) * (own - truth);
    e->torch += (torch - truth) * (torch - truth);
    e->own_largest = fmax(e->own_largest, fabs(own - truth));
    e->torch_largest = fmax(e->torch_largest, fabs(torch - truth));
}

static void check_bundle(const char *bundle)
{
    errors found[WAYS] = {0};
    size_t i, replaced = 0;
    json_t *row;
    open_bundle(bundle);
    json_array_foreach(json_object_get(document, "answers"), i, row)
    {
        const char *text = json_string_value(json_object_get(row, "answer"));
        mmn_likelihood behind[WAYS], within[WAYS];
        asking a;
        ask(&a, row, &text, 1);
        find_behind(behind, &a);
        find_within(within, &a);
        replaced += a.references.list[0].first < a.references.prompt;
        for (size_t way = 0; way < WAYS; way++) {
            cr_expect_eq(behind[way].tokens,
                         (size_t)json_integer_value(json_object_get(row, "tokens")), "answer %zu",
                         i);
            cr_expect_eq(behind[way].sum, within[way].sum, "answer %zu, %s", i, ways[way]);
            note(&found[way], row, ways[way], behind[way].sum);
        }
        finish(&a);
    }
    for (size_t way = 0; way < WAYS; way++) {
        const errors *e = &found[way];
        printf("# %s, %s: %zu answers; relative RMS %.2g (torch %.2g), largest %.2g (%.2g)\n",
               bundle, ways[way], i, sqrt(e->own / e->truth), sqrt(e->torch / e->truth),
               e->own_largest, e->torch_largest);
        cr_expect_leq(e->own, FACTOR * FACTOR * e->torch, "%s, %s", bundle, ways[way]);
        cr_expect_leq(e->own_largest, FACTOR * e->torch_largest, "%s, %s", bundle, ways[way]);
    }
    /* Prompts that end in a space, whose token the answer takes over, are among the texts'. */
    cr_expect_eq(replaced > 0, strcmp(bundle, "five-languages") == 0, "%zu", replaced);
    cr_expect_gt(i, 20);
    close_bundle();
}

Test(likelihood, is_transformers_own_behind_pictures)
{
#ifndef HAVE_LIBPNG
    cr_skip_test("some of the pictures are PNG, which this build does without");
#endif
    check_bundle("five-domains");
}

Test(likelihood, is_transformers_own_behind_texts)
{
    MMN_NEEDS("five-languages");
    check_bundle("five-languages");
}

/* ---- Several references, and what comes after ------------------------------------------------ */

Test(likelihood, of_several_is_that_of_the_best)
{
    static const char *const three[] = {"  the quick brown fox ", "house", "house"};
    mmn_likelihood all[WAYS], alone[2][WAYS];
    asking a;
    open_bundle("five-domains");
    const json_t *row = json_array_get(json_object_get(document, "answers"), 0);
    for (size_t i = 0; i < 2; i++) {
        ask(&a, row, &three[i], 1);
        find_behind(alone[i], &a);
        finish(&a);
    }
    ask(&a, row, three, 3);
    cr_expect_eq(a.references.count, 2);
    cr_expect_str_eq(a.references.list[0].text, "the quick brown fox");
    find_behind(all, &a);
    for (size_t way = 0; way < WAYS; way++) {
        const double first = mmn_likelihood_per_token(&alone[0][way]);
        const double second = mmn_likelihood_per_token(&alone[1][way]);
        const size_t best = second > first;
        cr_expect_eq(all[way].reference, best);
        cr_expect_eq(all[way].sum, alone[best][way].sum);
    }
    finish(&a);
    close_bundle();
}

/* More references than run at once, and one longer than that. */
Test(likelihood, does_not_depend_on_what_runs_together)
{
    static const char *const words[] = {
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen", "red",
        "green and blue and white and black and brown and grey and pink and yellow",
        ("a house of cards that stands where the river bends, and a tree in front of the house,"
         " and a bird in the tree, and a cat below it, and nobody at the window"),
        "house"};
    mmn_likelihood all[WAYS], alone[WAYS];
    asking a;
    open_bundle("five-domains");
    const json_t *row = json_array_get(json_object_get(document, "answers"), 0);
    ask(&a, row, words, 5);
    cr_expect_not(a.references.together);
    cr_expect_lt(mmn_references_rows(&a.references), 128);
    find_behind(all, &a);
    for (size_t i = 0; i < 5; i++) {
        asking one;
        ask(&one, row, &words[i], 1);
        find_behind(alone, &one);
        for (size_t way = 0; way < WAYS; way++) {
            if (all[way].reference == i)
                cr_expect_eq(all[way].sum, alone[way].sum);
            cr_expect_geq(mmn_likelihood_per_token(&all[way]),
                          mmn_likelihood_per_token(&alone[way]));
        }
        finish(&one);
    }
    finish(&a);
    close_bundle();
}

/* What follows a prompt leaves nothing behind in the session. */
Test(likelihood, answers_afterwards_are_as_without)
{
    static const char *const text = "a rather long wrong answer";
    enum { TOKENS = 6 };
    int32_t with[WAYS * TOKENS] = {0}, without[WAYS * TOKENS] = {0};
    size_t counts[WAYS], others[WAYS];
    mmn_likelihood found[WAYS];
    asking a;
    open_bundle("five-domains");
    ask(&a, json_array_get(json_object_get(document, "answers"), 0), &text, 1);
    for (int likelihood = 0; likelihood < 2; likelihood++) {
        create_sessions(&a, 0, NULL);
        cr_assert_eq(mmn_sessions_prefill(a.sessions, WAYS, NULL, a.input, &error), MMN_OK);
        if (likelihood)
            cr_assert_eq(
                mmn_likelihoods_behind(found, &study, a.sessions, WAYS, &a.references, &error),
                MMN_OK);
        cr_assert_eq(mmn_sessions_generate(a.sessions, WAYS, TOKENS, likelihood ? with : without,
                                           likelihood ? counts : others, &error),
                     MMN_OK);
        free_sessions(&a);
    }
    cr_expect_arr_eq(with, without, sizeof with);
    cr_expect_arr_eq(counts, others, sizeof counts);
    finish(&a);
    close_bundle();
}

/* ---- Every family ---------------------------------------------------------------------------- */

/* What an evaluation by these measures finds of likelihood, as JSON without what only answers
 * have. */
static json_t *evaluate(const mmn_model *of, const char *list, const char *measures)
{
    const mmn_eval_options options = {.size = sizeof(options),
                                      .list = list,
                                      .template_name = "llava-1.5",
                                      .measures = measures,
                                      .tokens = 2};
    mmn_result *result;
    char *text;
    size_t i, k;
    json_t *run, *prediction, *found = json_array();
    cr_assert_eq(mmn_eval(&result, of, &options, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_result_json(result, &text, &error), MMN_OK);
    json_t *evaluation = json_loads(text, 0, NULL);
    json_array_foreach(json_object_get(evaluation, "runs"), i, run)
        json_array_foreach(json_object_get(run, "predictions"), k, prediction)
    {
        json_object_del(prediction, "answer");
        json_object_del(prediction, "score");
        json_array_append(found, prediction);
    }
    json_decref(evaluation);
    mmn_release(text);
    mmn_result_free(result);
    return found;
}

/* With the vision tower and without it, sliding windows, ALiBi, a Q-Former: references are the same
 * within the prompt and behind it. */
static void check_family(const char *name, const char *list)
{
    char path[512];
    mmn_model *of;
    snprintf(path, sizeof path, MMN_SOURCE_DIR "/golden/checkpoints/%s", name);
    cr_assert_eq(mmn_model_open(&of, path, NULL, &error), MMN_OK, "%s", error.message);
    json_t *both = evaluate(of, list, NULL), *alone = evaluate(of, list, "likelihood");
    cr_expect_eq(json_array_size(both), 3);
    cr_expect(json_equal(both, alone), "%s", name);
    json_decref(both);
    json_decref(alone);
    mmn_model_close(of);
}

Test(likelihood, is_the_same_within_a_prompt_and_behind_it)
{
    static const char *const names[] = {"opt",       "phi",         "bloom", "instructblip",
                                        "llama-3",   "mistral",     "qwen2", "llava-v1.6-mistral",
                                        "llava-1.5", "llava-native"};
    static const char text[] =
        "{\"domain\": \"a\", \"question\": \"Who is it?\", \"answers\": [\"no one at all, as "
        "far\"]}\n"
        "{\"domain\": \"a\", \"question\": \"What?\", \"answers\": [\"an eye\", \"the eye\", "
        "\"eye\"]}\n"
        "{\"domain\": \"a\", \"question\": \"A: grey B: red\", \"answers\": [\"B\"],"
        " \"choices\": [\"grey\", \"red\"], \"metric\": \"choice\"}\n";
    char list[] = "/tmp/mmneuron-likelihood-XXXXXX";
    const int descriptor = mkstemp(list);
    cr_assert_geq(descriptor, 0);
    close(descriptor);
    cr_assert_eq(mmn_write_file(list, text, strlen(text), &error), MMN_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (mmn_build_reads(names[i]))
            check_family(names[i], list);
    unlink(list);
}

/* ---- What cannot be -------------------------------------------------------------------------- */

static void expect_refused(const char *answer, const char *part)
{
    const json_t *row = json_array_get(json_object_get(document, "answers"), 0);
    mmn_references references;
    asking a;
    ask(&a, row, &(const char *){"house"}, 1);
    a.answers[0] = answer;
    cr_expect_eq(mmn_references_make(&references, &study.samples, &a.sample, a.input, &error),
                 MMN_INPUT);
    cr_expect_not_null(strstr(error.message, part), "\"%s\" instead of \"%s\"", error.message,
                       part);
    cr_expect_eq(references.count, 0);
    finish(&a);
}

Test(likelihood, refuses_answers_that_cannot_follow)
{
    static char longer[20000];
    open_bundle("five-domains");
    expect_refused("an <image>", "an image stands in the answer");
    for (size_t i = 0; i + 1 < sizeof longer; i++)
        longer[i] = i % 2 ? ' ' : 'a';
    expect_refused(longer, "--allow-long-prompts");
    close_bundle();
}

Test(likelihood, follows_only_what_is_kept)
{
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    const mmn_following one = {1, &(int32_t){5}, 1};
    mmn_session *session;
    float *normed;
    open_bundle("five-domains");
    for (int prompt_only = 0; prompt_only < 2; prompt_only++) {
        cr_assert_eq(mmn_session_create(&session, model, prompt_only ? &options : NULL, &error),
                     MMN_OK);
        cr_expect_eq(mmn_sessions_follow(&session, 1, &one, 1, &normed, &error), MMN_USAGE);
        cr_expect_null(normed);
        mmn_session_free(session);
    }
    close_bundle();
}
