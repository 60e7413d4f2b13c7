/* Bias over a list: the step and the answers are those of one picture alone, which are compared
 * with PyTorch's (test_locate.c); scores of rows made by hand; rows; and what is refused. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "model/model.h"
#include "study/bias.h"
#include "tests/study/open_two.h"
#include "tests/study/result_json.h"
#include "tests/tools/needs.h"
#include "tests/tools/scratch.h"

#define GOLDEN MMN_SOURCE_DIR "/golden/"
#define PROMPT "<image> Is it a {property}?"

static mmn_error error;

TestSuite(bias, .init = scratch_make, .fini = scratch_remove);

/* ---- Rows made by hand ----------------------------------------------------------------------- */

static mmn_status take(mmn_bias *bias, size_t domain, const char *before, const char *after)
{
    const mmn_planned_sample planned = {.sample = {.id = "a", .property = "cook"},
                                        .domain = domain};
    char texts[2][16];
    mmn_bias_row row = {.before = -1, .after = 1};
    snprintf(texts[0], sizeof(texts[0]), "%s", before);
    snprintf(texts[1], sizeof(texts[1]), "%s", after ? after : "");
    row.answer_before = texts[0];
    row.answer_after = after ? texts[1] : NULL;
    return mmn_bias_row_take(bias, &planned, 0, &row, &error);
}

static double number_in(const mmn_result *result, const char *table, size_t row, const char *column)
{
    const mmn_table *found = mmn_result_find(result, table, strlen(table));
    cr_assert(row < found->rows, "%s %zu", table, row);
    const mmn_value *value =
        mmn_result_value(found, row, mmn_result_column(found, column, strlen(column)));
    return value->kind == MMN_VALUE_WHOLE  ? (double)value->whole
           : value->kind == MMN_VALUE_REAL ? value->real
                                           : (double)NAN;
}

/* Answers that are no scores are in no mean, and in the count of lines. */
Test(bias, scores_rows)
{
    mmn_bias bias = {0};
    mmn_result *result;
    cr_assert_eq(mmn_domains_add(&bias.base.study.samples.domains, "x", &error), MMN_OK);
    cr_assert_eq(mmn_domains_add(&bias.base.study.samples.domains, "y", &error), MMN_OK);
    cr_assert_eq(take(&bias, 0, "3", "5"), MMN_OK);
    cr_assert_eq(take(&bias, 0, " 10\n", "9"), MMN_OK);
    cr_assert_eq(take(&bias, 0, "3", "about 8"), MMN_OK);
    cr_assert_eq(take(&bias, 0, "11", "1"), MMN_OK);
    cr_assert_eq(take(&bias, 1, "7", "7"), MMN_OK);
    cr_expect_eq(take(&bias, 1, "7", NULL), MMN_INPUT);
    cr_expect_str_eq(error.where, "answer_after");
    cr_assert_eq(mmn_result_begin(&result, &mmn_bias_form, &error), MMN_OK);
    mmn_result_row(result, &result->tables[0], 0);
    mmn_bias_fill(result, &bias);
    cr_assert_eq(mmn_result_end(&result, &error), MMN_OK);
    cr_expect_eq(number_in(result, "summary", 0, "asked"), 4);
    cr_expect_eq(number_in(result, "summary", 0, "scored"), 2);
    cr_expect_eq(number_in(result, "summary", 0, "score_before"), 6.5);
    cr_expect_eq(number_in(result, "summary", 0, "score_after"), 7);
    cr_expect_eq(number_in(result, "summary", 0, "delta"), 0.5);
    /* Student's t of 2 and -1: their mean -+ 12.706 times half their distance. */
    cr_expect_float_eq(number_in(result, "summary", 0, "low"), 0.5 - 12.7062 * 1.5, 1e-3);
    cr_expect_eq(number_in(result, "summary", 1, "delta"), 0);
    cr_expect(isnan(number_in(result, "summary", 1, "low")));
    cr_expect_float_eq(number_in(result, "summary", 2, "delta"), 1.0 / 3, 1e-15);
    cr_expect_eq(number_in(result, "summary", 2, "asked"), 5);
    cr_expect_eq(number_in(result, "lines", 1, "delta"), -1);
    cr_expect(isnan(number_in(result, "lines", 2, "delta")));
    cr_expect_eq(number_in(result, "lines", 3, "score_after"), 1);
    cr_expect_eq(number_in(result, "lines", 4, "after"), 1);
    mmn_result_free(result);
    mmn_domains_free(&bias.base.study.samples.domains);
    mmn_blocks_free(&bias.base.study.blocks);
}

/* ---- A list ---------------------------------------------------------------------------------- */

typedef struct models {
    mmn_model *detector, *language;
    mmn_bias_options options;
} models;

static models open_models(void)
{
    static char list[300];
    MMN_NEEDS("owlvit-bf16");
    models opened = {.detector = open_with_two_threads(GOLDEN "checkpoints/owlvit-bf16"),
                     .language = open_with_two_threads(GOLDEN "checkpoints/llava-1.5")};
    scratch_write("list.jsonl", "{\"domain\": \"a\", \"image\": \"" GOLDEN "images/cat.jpg\"}\n"
                                "{\"domain\": \"b\", \"image\": \"" GOLDEN
                                "images/wide.jpg\", \"property\": \"cook\"}\n");
    snprintf(list, sizeof(list), "%s", scratch_path("list.jsonl"));
    opened.options = (mmn_bias_options){.size = sizeof(opened.options),
                                        .list = list,
                                        .detector = opened.detector,
                                        .alignment = GOLDEN "joint/relu.safetensors",
                                        .from = "cat",
                                        .to = "dog",
                                        .epsilon = 0.5,
                                        .property = "dog",
                                        .prompt = PROMPT,
                                        .tokens = 4};
    return opened;
}

static void close_models(const models *opened)
{
    mmn_model_close(opened->detector);
    mmn_model_close(opened->language);
}

static json_t *run(const models *opened)
{
    mmn_result *result;
    cr_assert_eq(mmn_bias_run(&result, opened->language, &opened->options, &error), MMN_OK,
                 "%s: %s: %s", error.file, error.where, error.message);
    return json_of_result(result);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void expect_line(const models *opened, const json_t *line, const char *image,
                        const char *prompt)
{
    const mmn_locate_options options = {.size = sizeof(options),
                                        .alignment = opened->options.alignment,
                                        .image = image,
                                        .prompt = prompt,
                                        .from = "cat",
                                        .to = "dog",
                                        .epsilon = 0.5,
                                        .tokens = 4};
    mmn_result *result;
    cr_assert_eq(mmn_locate(&result, opened->detector, opened->language, &options, &error), MMN_OK);
    json_t *alone = json_of_result(result);
    const json_t *step = json_array_get(json_object_get(alone, "perturbations"), 0);
    cr_expect_str_eq(text_of(line, "answer_before"), text_of(alone, "answer"));
    cr_expect_str_eq(text_of(line, "answer_after"), text_of(step, "answer"));
    for (int i = 0; i < 2; i++) {
        const char *key = i == 0 ? "before" : "after";
        cr_expect_eq(json_real_value(json_object_get(line, key)),
                     json_real_value(json_object_get(step, key)), "%s", key);
    }
    json_decref(alone);
}

/* A line's own property goes before that of all; and shards make the whole. */
Test(bias, does_what_is_done_of_one_picture)
{
    models opened = open_models();
    char names[2][300];
    const char *const files[] = {names[0], names[1]};
    snprintf(names[0], sizeof names[0], "%s", scratch_path("part-1"));
    snprintf(names[1], sizeof names[1], "%s", scratch_path("part-2"));
    json_t *whole = run(&opened);
    const json_t *lines = json_object_get(whole, "lines");
    expect_line(&opened, json_array_get(lines, 0), GOLDEN "images/cat.jpg", "<image> Is it a dog?");
    expect_line(&opened, json_array_get(lines, 1), GOLDEN "images/wide.jpg",
                "<image> Is it a cook?");
    cr_expect_str_eq(text_of(json_array_get(lines, 1), "property"), "cook");
    for (uint32_t shard = 1; shard <= 2; shard++) {
        mmn_result *nothing;
        opened.options.rows =
            (mmn_rows_options){.file = files[shard - 1], .shard = shard, .shards = 2};
        cr_assert_eq(mmn_bias_run(&nothing, opened.language, &opened.options, &error), MMN_OK, "%s",
                     error.message);
    }
    opened.options.rows = (mmn_rows_options){.parts = files, .part_count = 2};
    json_t *merged = run(&opened);
    cr_expect(json_equal(whole, merged));
    json_decref(whole);
    json_decref(merged);
    close_models(&opened);
}

static void expect(const models *opened, mmn_status status, const char *message)
{
    mmn_result *result;
    cr_expect_eq(mmn_bias_run(&result, opened->language, &opened->options, &error), status, "%s",
                 message);
    cr_expect_null(result);
    cr_expect(strstr(error.message, message), "%s", error.message);
}

Test(bias, refuses_what_cannot_be)
{
    models opened = open_models();
    opened.options.property = NULL;
    expect(&opened, MMN_INPUT, "none was named");
    cr_expect_str_eq(error.where, "line 1, property");
    opened.options.property = "dog";
    opened.options.epsilon = -1;
    expect(&opened, MMN_USAGE, "0 or more");
    opened.options.epsilon = 0;
    opened.options.prompt = "<image> What?";
    expect(&opened, MMN_USAGE, "no {property}");
    opened.options.prompt = PROMPT;
    opened.options.detector = opened.language;
    expect(&opened, MMN_INPUT, "no detector");
    opened.options.detector = opened.detector;
    scratch_write("two.jsonl", "{\"domain\": \"a\", \"image\": [\"x.jpg\", \"y.jpg\"]}\n");
    opened.options.list = scratch_path("two.jsonl");
    expect(&opened, MMN_INPUT, "the line has 2");
    close_models(&opened);
}
