/* Edits over a list: what PyTorch finds in float64 by changing the weights (golden/make_edit.py),
 * of the word and of other pictures' answers; the same as of one edit; rows; and what is refused.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "model/model.h"
#include "study/edit_list.h"
#include "tests/study/result_json.h"
#include "tests/tools/needs.h"
#include "tests/tools/scratch.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5"
#define IMAGES MMN_SOURCE_DIR "/golden/images/"

static mmn_error error;
static mmn_model *model;
static json_t *golden;
static mmn_edits_options options;
static char list[300];

static void set_up(void)
{
    scratch_make();
    cr_assert_eq(mmn_model_open(&model, MODEL, NULL, &error), MMN_OK, "%s", error.message);
    cr_assert_not_null(golden = json_load_file(MMN_SOURCE_DIR "/golden/edit.json", 0, NULL));
    snprintf(list, sizeof list, "%s", scratch_path("edits.jsonl"));
    options = (mmn_edits_options){.size = sizeof(options),
                                  .list = list,
                                  .tokens = json_array_size(json_object_get(golden, "ids")),
                                  .first_seed = 1};
}

static void tear_down(void)
{
    json_decref(golden);
    mmn_model_close(model);
    scratch_remove();
}

TestSuite(edit_list, .init = set_up, .fini = tear_down);

/* Lines of the golden edit: tried on its own picture, on one whose answer has not the word, and on
 * PyTorch's others; `from` is the second line's word. */
static void write_list(const char *from)
{
    json_t *line = json_pack(
        "{s:s, s:s, s:O, s:O, s:O, s:[{}, {s:s, s:[]}], s:[{s:s}, {s:s}]}", "domain", "a", "image",
        IMAGES "wide.jpg", "prompt", json_object_get(golden, "prompt"), "from",
        json_object_get(golden, "from"), "to", json_object_get(golden, "to"), "general", "prompt",
        "Who?", "image", "local", "image", IMAGES "tall.jpg", "image", IMAGES "square.jpg");
    cr_assert_not_null(line);
    char *first = json_dumps(line, 0);
    json_object_set_new(line, "domain", json_string("b"));
    json_object_set_new(line, "from", json_string(from));
    char *second = json_dumps(line, 0);
    mmn_text text = {0};
    mmn_text_add(&text, "%s\n%s\n", first, second);
    cr_assert_eq(mmn_write_file(list, text.text, text.length, &error), MMN_OK);
    mmn_text_free(&text);
    free(first);
    free(second);
    json_decref(line);
}

static json_t *run(void)
{
    mmn_result *result;
    cr_assert_eq(mmn_edits_run(&result, model, &options, &error), MMN_OK, "%s: %s: %s", error.file,
                 error.where, error.message);
    return json_of_result(result);
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const json_t *item(const json_t *object, const char *key, size_t number)
{
    return json_array_get(json_object_get(object, key), number);
}

/* The direct way with the neurons of the word, on other pictures; and all of a layer, optimised. */
Test(edit_list, is_that_of_pytorch)
{
    write_list("elephant");
    json_t *made = run();
    const json_t *edit = item(made, "edits", 0), *others = json_object_get(golden, "others");
    double fall = 0, same = 0;
    for (size_t i = 0; i < 2; i++) {
        fall += number_of(json_array_get(others, i), "fall") / 2;
        same += json_is_true(json_object_get(json_array_get(others, i), "same")) / 2.0;
    }
    cr_assert_eq(json_array_size(json_object_get(edit, "ways")), 3);
    const json_t *direct = item(edit, "ways", 0), *optimised = item(edit, "ways", 1);
    const json_t *layer = item(edit, "ways", 2), *expected = json_object_get(golden, "layer");
    cr_expect_float_eq(number_of(direct, "after"), number_of(golden, "to_after"), 5e-3);
    cr_expect_float_eq(number_of(direct, "fall"), fall, 2e-3);
    cr_expect_float_eq(number_of(direct, "locality"), same, 1e-9);
    const json_t *course = json_object_get(json_object_get(golden, "optimised"), "course");
    cr_expect_eq(number_of(optimised, "passes"), (double)json_array_size(course));
    cr_expect_eq(number_of(json_object_get(made, "settings"), "layer"),
                 number_of(expected, "number"));
    cr_expect_eq(number_of(layer, "passes"), number_of(expected, "passes"));
    cr_expect_float_eq(number_of(layer, "after"), number_of(expected, "after"), 1e-3);
    /* Of the other picture's answer, which has not the word, nothing counts; its own says so. */
    for (size_t i = 0; i < 3; i++)
        cr_expect_eq(number_of(item(edit, "ways", i), "generality"),
                     number_of(item(edit, "ways", i), "reliability"));
    /* The second line's answer has no such word. */
    cr_expect_eq(number_of(made, "edits_tried"), 2);
    cr_expect_eq(number_of(made, "edits_said"), 1);
    cr_expect_eq(json_array_size(json_object_get(item(made, "edits", 1), "ways")), 0);
    json_decref(made);
}

/* One edit alone has the same, by its seed too. */
Test(edit_list, finds_what_one_edit_does)
{
    write_list("shal");
    options.method = "direct";
    options.seeds = 2;
    json_t *made = run();
    const char *const images[] = {IMAGES "wide.jpg"};
    mmn_edit_options one = {.size = sizeof(one),
                            .prompt = json_string_value(json_object_get(golden, "prompt")),
                            .images = images,
                            .image_count = 1,
                            .tokens = options.tokens,
                            .from = "shal",
                            .to = "in"};
    for (size_t line = 0; line < 2; line++)
        for (size_t i = 0; i < 3; i++) {
            const json_t *way = item(item(made, "edits", line), "ways", i);
            const mmn_edit_way seeded = {.seed = (uint64_t)number_of(way, "seed")};
            mmn_result *result;
            one.random = i > 0;
            one.seed = mmn_edit_seed(&seeded, line + 1);
            const mmn_status status = mmn_edit(&result, model, &one, &error);
            cr_assert_eq(status == MMN_OK, json_is_true(json_object_get(way, "found")));
            if (status != MMN_OK)
                continue;
            json_t *alone = json_of_result(result);
            cr_expect_eq(number_of(item(alone, "words", 1), "after"), number_of(way, "after"));
            cr_expect_eq(number_of(alone, "passes"), number_of(way, "passes"));
            cr_expect_str_eq(
                json_string_value(json_object_get(item(alone, "answers", 1), "answer")),
                json_string_value(json_object_get(way, "answer")));
            json_decref(alone);
        }
    cr_expect_eq(json_array_size(json_object_get(made, "comparisons")), 4);
    json_decref(made);
}

/* Rows of two shards, put together, are one run. */
Test(edit_list, goes_on_with_rows)
{
    char names[2][300];
    const char *const files[] = {names[0], names[1]};
    snprintf(names[0], sizeof names[0], "%s", scratch_path("part-1"));
    snprintf(names[1], sizeof names[1], "%s", scratch_path("part-2"));
    write_list("elephant");
    options.method = "direct";
    options.seeds = 1;
    json_t *whole = run();
    for (uint32_t shard = 1; shard <= 2; shard++) {
        mmn_result *nothing;
        options.rows = (mmn_rows_options){.file = files[shard - 1], .shard = shard, .shards = 2};
        cr_assert_eq(mmn_edits_run(&nothing, model, &options, &error), MMN_OK, "%s", error.message);
    }
    options.rows = (mmn_rows_options){.parts = files, .part_count = 2};
    json_t *merged = run();
    cr_expect(json_equal(whole, merged));
    json_decref(whole);
    json_decref(merged);
}

static void expect(mmn_status status, const char *message)
{
    mmn_result *result;
    cr_expect_eq(mmn_edits_run(&result, model, &options, &error), status, "%s", message);
    cr_expect_null(result);
    cr_expect(strstr(error.message, message), "%s", error.message);
}

Test(edit_list, refuses_what_cannot_be)
{
    write_list("shal");
    options.method = "other";
    expect(MMN_USAGE, "no method");
    options.method = NULL;
    options.probability = 1;
    expect(MMN_USAGE, "below 1");
    options.probability = 0;
    options.seeds = 101;
    expect(MMN_USAGE, "100 random choices");
    options.seeds = 0;
    options.rows.plan = 1;
    expect(MMN_USAGE, "nobody knows");
    options.rows.plan = 0;
    scratch_write("edits.jsonl", "{\"domain\": \"a\", \"prompt\": \"Who?\"}\n");
    expect(MMN_INPUT, "has no edit");
}
