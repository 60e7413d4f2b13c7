/* Results read back from their JSON: written again, they are the same text; what is wrong in them
 * is named. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "mmneuron.h"
#include "tests/tools/failing_allocator.h"
#include "tests/tools/scratch.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5"
#define NEURONS MMN_SOURCE_DIR "/tests/mask/data/masked.json"
#define IMAGE MMN_SOURCE_DIR "/golden/images/grey.jpg"

static const char samples[] =
    "{\"domain\": \"medical\", \"image\": \"" IMAGE "\", \"question\": \"Is it?\", "
    "\"metric\": \"choice\", \"answers\": [\"A\"], \"choices\": [\"yes\", \"no\"]}\n"
    "{\"domain\": \"documents\", \"question\": \"Who?\", \"metric\": \"anls\", "
    "\"answers\": [\"he\", \"she\"]}\n";
static const char texts[] =
    "{\"domain\": \"medical\", \"text\": \"What is in the picture of the book?\"}\n"
    "{\"domain\": \"documents\", \"text\": \"Is there a cat? There is.\"}\n";

static mmn_error error;
static mmn_model *model;
static char list[sizeof(scratch) + 16], file[sizeof(list)];

static void set_up(void)
{
    scratch_make();
    snprintf(list, sizeof list, "%s/list.jsonl", scratch);
    snprintf(file, sizeof file, "%s/neurons.json", scratch);
    cr_assert_eq(mmn_write_file(list, samples, strlen(samples), &error), MMN_OK);
    cr_assert_eq(mmn_model_open(&model, MODEL, NULL, &error), MMN_OK, "%s", error.message);
}

static void tear_down(void)
{
    mmn_model_close(model);
    scratch_remove();
}

TestSuite(result_read, .init = set_up, .fini = tear_down);

/* Takes the result over, and returns it as it is read back. */
static mmn_result *read_back(mmn_result *result)
{
    mmn_result *read;
    char *before, *after;
    cr_assert_not_null(result, "%s", error.message);
    cr_assert_eq(mmn_result_write(result, file, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_result_json(result, &before, &error), MMN_OK);
    mmn_result_free(result);
    cr_assert_eq(mmn_result_read(&read, file, &error), MMN_OK, "%s: %s: %s", error.file,
                 error.where, error.message);
    cr_assert_eq(mmn_result_json(read, &after, &error), MMN_OK);
    cr_expect_str_eq(after, before);
    mmn_release(before);
    mmn_release(after);
    return read;
}

Test(result_read, evaluation)
{
    const char *const stop[] = {"a\"b"};
    const mmn_eval_options options = {.size = sizeof(options),
                                      .list = list,
                                      .neurons = NEURONS,
                                      .settings = "projector,all",
                                      .cross = "all",
                                      .seeds = 2,
                                      .tokens = 1,
                                      .stop_strings = stop,
                                      .stop_string_count = 1,
                                      .repetition_penalty = 1.25,
                                      .allow_unknown_keys = 1};
    mmn_result *result;
    mmn_eval(&result, model, &options, &error);
    result = read_back(result);
    cr_expect_eq(mmn_result_rows(result, "summary"), 4);
    cr_expect_str_eq(mmn_result_text(result, "summary", 2, "setting"), "all");
    cr_expect_eq(mmn_result_number(result, "summary", 2, "random_seeds"), 2);
    cr_expect_eq(mmn_result_parent(result, "cross_cells", 3), 1);
    mmn_result_free(result);
    /* Nothing off: means and intervals are not known. */
    mmn_eval(&result, model,
             &(mmn_eval_options){.size = sizeof(mmn_eval_options), .list = list, .tokens = 2},
             &error);
    mmn_result_free(read_back(result));
}

Test(result_read, perplexity)
{
    cr_assert_eq(mmn_write_file(list, texts, strlen(texts), &error), MMN_OK);
    for (int off = 0; off < 2; off++) {
        const mmn_perplexity_options options = {.size = sizeof(options),
                                                .list = list,
                                                .neurons = off ? NEURONS : NULL,
                                                .window = 8,
                                                .seeds = off ? 2 : 0};
        mmn_result *result;
        mmn_perplexity_measure(&result, model, &options, &error);
        result = read_back(result);
        cr_expect_eq(mmn_result_rows(result, "values"), off ? 4 : 0);
        mmn_result_free(result);
    }
}

Test(result_read, perturbation)
{
    const mmn_perturb_options options = {.size = sizeof(options),
                                         .list = list,
                                         .neurons = NEURONS,
                                         .settings = "projector,all",
                                         .seeds = 2};
    mmn_result *result;
    mmn_perturb(&result, model, &options, &error);
    result = read_back(result);
    const size_t layers = (size_t)mmn_result_number(result, "result", 0, "layers");
    cr_expect_eq(mmn_result_number(result, "states", layers - 1, "layer"), layers - 1);
    cr_expect(mmn_result_number(result, "states", layers - 1, "cosine") >= 0);
    cr_expect_str_eq(mmn_result_text(result, "positions", 1, "kind"), "image");
    cr_expect_eq(mmn_result_rows(result, "moved"), 0);
    mmn_result_free(result);
}

Test(result_read, lens)
{
    const mmn_lens_options options = {.size = sizeof(options),
                                      .list = list,
                                      .stages = "out,mid",
                                      .top = 2,
                                      .examples = 1,
                                      .positions = "last,image:2",
                                      .neuron = "vision:1:17",
                                      .neurons = NEURONS};
    mmn_result *result;
    mmn_lens_run(&result, model, &options, &error);
    result = read_back(result);
    cr_expect_str_eq(mmn_result_text(result, "readings", 0, "kind"), "text");
    cr_expect_eq(mmn_result_number(result, "readings", 1, "layer"), 1);
    cr_expect(mmn_result_number(result, "readings", 1, "entropy") > 0);
    cr_expect_not_null(mmn_result_text(result, "words", 3, "word"));
    mmn_result_free(result);
}

Test(result_read, contributions)
{
    const char *const images[] = {IMAGE};
    const mmn_contribution_options options = {.size = sizeof(options),
                                              .prompt = "<image>\nWhat is this?",
                                              .images = images,
                                              .image_count = 1,
                                              .tokens = 3,
                                              .all_words = 1,
                                              .top = 2,
                                              .names = 2,
                                              .seeds = 1};
    mmn_result *result;
    mmn_contributions_run(&result, model, &options, &error);
    result = read_back(result);
    cr_expect_eq(mmn_result_rows(result, "names"), 2 * mmn_result_rows(result, "neurons"));
    mmn_result_free(result);
}

Test(result_read, contributions_over_a_list)
{
    const mmn_contribution_options options = {.size = sizeof(options),
                                              .list = list,
                                              .tokens = 3,
                                              .all_words = 1,
                                              .top = 2,
                                              .names = 2,
                                              .seeds = 1,
                                              .shuffles = 1,
                                              .at_least = 2};
    mmn_result *result;
    mmn_contributions_run(&result, model, &options, &error);
    result = read_back(result);
    cr_expect_eq(mmn_result_rows(result, "neurons"), 4 * mmn_result_rows(result, "spoken"));
    cr_expect_eq(mmn_result_rows(result, "names"), 2 * mmn_result_rows(result, "neurons"));
    cr_expect_str_eq(mmn_result_text(result, "summary", 0, "order"), "contribution");
    cr_expect_gt(mmn_result_rows(result, "words"), 0);
    mmn_result_free(result);
}

Test(result_read, ranking)
{
    char counts[sizeof(list)];
    snprintf(counts, sizeof counts, "%s/counts", scratch);
    const mmn_count_options options = {
        .size = sizeof(options), .list = list, .output = counts, .modules = "language"};
    mmn_count_summary summary;
    cr_assert_eq(mmn_count(model, &options, &summary, &error), MMN_OK, "%s", error.message);
    mmn_result *result;
    mmn_rank(&result, counts,
             &(mmn_rank_options){.size = sizeof(mmn_rank_options), .rate = 0.5, .bar = 0.5},
             &error);
    result = read_back(result);
    cr_expect_not_null(mmn_result_text(result, "result", 0, "digest"));
    cr_expect_gt(mmn_result_rows(result, "neurons"), 10);
    /* The ranking's table stays as it was. */
    char *table, *before, *after;
    cr_assert_eq(mmn_ranking_table_file(&table, file, &error), MMN_OK);
    cr_assert_eq(mmn_read_file(&before, NULL, table, 1 << 20, &error), MMN_OK);
    cr_assert_eq(mmn_result_write(result, file, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_read_file(&after, NULL, table, 1 << 20, &error), MMN_OK);
    cr_expect_str_eq(after, before);
    mmn_release(table);
    mmn_free(before);
    mmn_free(after);
    cr_expect_eq(mmn_result_table(result, &table, &error), MMN_USAGE);
    cr_expect_null(table);
    mmn_result_free(result);
}

static void expect_wrong(const char *text, const char *where, const char *message)
{
    mmn_result *result;
    cr_assert_eq(mmn_write_file(file, text, strlen(text), &error), MMN_OK);
    cr_expect_eq(mmn_result_read(&result, file, &error), MMN_INPUT, "%s", text);
    cr_expect_null(result);
    cr_expect_str_eq(error.file, file);
    cr_expect_str_eq(error.where, where, "%s: %s", text, error.where);
    cr_expect_not_null(strstr(error.message, message), "%s: %s", text, error.message);
}

#define EVAL "{\"format\": \"mmneuron-eval-1\", "

Test(result_read, names_what_is_wrong)
{
    expect_wrong("[]", "", "must be a JSON object");
    expect_wrong("{}", "format", "is missing");
    expect_wrong("{\"format\": \"mmneuron-verification-1\"}", "format", "no result of rank");
    expect_wrong(EVAL "\"runs\": 7}", "runs", "must be an array");
    expect_wrong(EVAL "\"runs\": [{}, 7]}", "runs", "item 1 must be an object");
    expect_wrong(EVAL "\"runs\": [{\"accuracy\": \"x\"}]}", "runs[0].accuracy", "must be a number");
    expect_wrong(EVAL "\"runs\": [{\"samples\": -1}]}", "runs[0].samples",
                 "must be a whole number");
    expect_wrong(EVAL "\"runs\": [{\"setting\": 1}]}", "runs[0].setting", "must be a text");
    expect_wrong(EVAL "\"runs\": [{\"neurons\": []}]}", "runs[0].neurons", "must be an object");
    expect_wrong(EVAL "\"runs\": [{\"measures\": {\"vqa\": true}}]}", "runs[0].measures.vqa",
                 "must be a number");
    expect_wrong(EVAL "\"summary\": [{\"random_interval\": [1]}]}", "summary[0].random_interval",
                 "must have 2 numbers and has 1");
    expect_wrong(EVAL "\"cross\": [{\"accuracy\": [[1], [\"x\"]]}]}", "cross[0].accuracy",
                 "item 0 must be a number");
    expect_wrong("{\"format\": \"mmneuron-perplexity-1\", \"settings\": {\"begin_of_text\": 1}}",
                 "settings.begin_of_text", "must be true or false");
}

Test(result_read, passes_over_what_is_not_there)
{
    static const char text[] = EVAL
        "\"model\": null, \"more\": [1], \"summary\": [{\"domain\": \"a\"}]}";
    mmn_result *result;
    cr_assert_eq(mmn_write_file(file, text, strlen(text), &error), MMN_OK);
    cr_assert_eq(mmn_result_read(&result, file, &error), MMN_OK, "%s", error.message);
    cr_expect_null(mmn_result_text(result, "result", 0, "model"));
    cr_expect_eq(mmn_result_rows(result, "summary"), 1);
    cr_expect(isnan(mmn_result_number(result, "summary", 0, "plain")));
    mmn_result_free(result);
}

Test(result_read, out_of_memory)
{
    static const char text[] = EVAL
        "\"settings\": {\"list\": \"x\", \"generation_config\": {\"num_beams\": 2}},"
        " \"runs\": [{\"setting\": \"a\", \"neurons\": {\"vision\": 3}}]}";
    mmn_status status = MMN_SYSTEM;
    cr_assert_eq(mmn_write_file(file, text, strlen(text), &error), MMN_OK);
    for (unsigned long number = 1; status != MMN_OK; number++) {
        mmn_result *result;
        fail_allocation_at(number);
        status = mmn_result_read(&result, file, &error);
        fail_allocation_at(0);
        cr_assert(status == MMN_OK || (status == MMN_SYSTEM && !result), "%lu: %s", number,
                  error.message);
        mmn_result_free(result);
    }
}
