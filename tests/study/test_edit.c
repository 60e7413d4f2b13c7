/* Editing: the same additions as PyTorch finds in float64 by changing the weights themselves
 * (golden/make_edit.py), which do the same when a model is opened with them; words, and what is
 * refused. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "model/model.h"
#include "study/edit.h"
#include "tests/study/result_json.h"
#include "tests/tools/needs.h"
#include "tests/tools/scratch.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5"
#define IMAGE MMN_SOURCE_DIR "/golden/images/wide.jpg"

static const char *const images[] = {IMAGE};
static mmn_error error;
static mmn_model *model;
static json_t *golden;
static mmn_edit_options options;

static void set_up(void)
{
    scratch_make();
    cr_assert_eq(mmn_model_open(&model, MODEL, NULL, &error), MMN_OK, "%s", error.message);
    cr_assert_not_null(golden = json_load_file(MMN_SOURCE_DIR "/golden/edit.json", 0, NULL));
    options = (mmn_edit_options){.size = sizeof(options),
                                 .prompt = json_string_value(json_object_get(golden, "prompt")),
                                 .images = images,
                                 .image_count = 1,
                                 .tokens = json_array_size(json_object_get(golden, "ids")),
                                 .from = json_string_value(json_object_get(golden, "from")),
                                 .to = json_string_value(json_object_get(golden, "to"))};
}

static void tear_down(void)
{
    json_decref(golden);
    mmn_model_close(model);
    scratch_remove();
}

TestSuite(edit, .init = set_up, .fini = tear_down);

static json_t *run(const mmn_model *of)
{
    mmn_result *result;
    cr_assert_eq(mmn_edit(&result, of, &options, &error), MMN_OK, "%s", error.message);
    return json_of_result(result);
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const json_t *item(const json_t *object, const char *list, size_t number)
{
    return json_array_get(json_object_get(object, list), number);
}

Test(edit, finds_what_pytorch_finds)
{
    json_t *made = run(model);
    const json_t *from = item(made, "words", 0), *to = item(made, "words", 1);
    cr_expect_eq(number_of(from, "id"), number_of(golden, "from_id"));
    cr_expect_eq(number_of(to, "id"), number_of(golden, "to_id"));
    cr_expect_float_eq(number_of(from, "before"), number_of(golden, "from_before"), 2e-5);
    cr_expect_float_eq(number_of(to, "before"), number_of(golden, "to_before"), 2e-5);
    /* The last halving may go the other way. */
    const double strength = number_of(golden, "strength");
    cr_expect_float_eq(number_of(made, "strength"), strength, strength / 512);
    cr_expect_float_eq(number_of(to, "after"), number_of(golden, "to_after"), 5e-3);
    cr_expect_geq(number_of(to, "after"), log(0.9));
    cr_assert_eq(json_array_size(json_object_get(made, "edited")), 10);
    for (size_t i = 0; i < 10; i++) {
        const json_t *found = item(made, "edited", i), *expected = item(golden, "neurons", i);
        cr_expect_eq(number_of(found, "layer"), number_of(expected, "layer"));
        cr_expect_eq(number_of(found, "neuron"), number_of(expected, "neuron"));
        cr_expect_float_eq(number_of(found, "given"), number_of(expected, "given"), 1e-5);
    }
    json_decref(made);
}

/* In as many steps as autograd and torch's Adam. */
Test(edit, optimises_as_pytorch_does)
{
    options.method = "optimised";
    json_t *made = run(model);
    const json_t *expected = json_object_get(golden, "optimised");
    const json_t *course = json_object_get(expected, "course"), *from = item(made, "words", 0);
    const size_t passes = json_array_size(course);
    cr_expect_eq(number_of(made, "passes"), (double)passes);
    cr_expect_float_eq(number_of(item(made, "words", 1), "after"),
                       json_number_value(json_array_get(course, passes - 1)), 1e-3);
    cr_expect_float_eq(number_of(from, "after"), number_of(expected, "from_after"), 1e-2);
    json_decref(made);

    options.steps = 3;
    mmn_result *result;
    cr_expect_eq(mmn_edit(&result, model, &options, &error), MMN_INPUT);
    cr_expect(strstr(error.message, "after 4 passes"), "%s", error.message);
}

/* A model that is opened with the file answers as the edit said, and what it is found in is not
 * changed. */
Test(edit, holds_in_a_model_that_is_opened_with_it)
{
    options.output = scratch_path("delta.safetensors");
    json_t *made = run(model);
    mmn_model *edited;
    const mmn_model_options with = {
        .size = sizeof(with), .deltas = &options.output, .delta_count = 1};
    cr_assert_eq(mmn_model_open(&edited, MODEL, &with, &error), MMN_OK, "%s", error.message);
    cr_expect_str_eq(mmn_model_describe(edited)->deltas[0],
                     json_string_value(json_object_get(made, "delta")));
    mmn_contribution_options asked = {.size = sizeof(asked),
                                      .prompt = options.prompt,
                                      .images = images,
                                      .image_count = 1,
                                      .tokens = options.tokens,
                                      .all_words = 1};
    mmn_result *result;
    cr_assert_eq(mmn_contributions_run(&result, edited, &asked, &error), MMN_OK);
    json_t *again = json_of_result(result);
    cr_expect_str_eq(json_string_value(json_object_get(again, "answer")),
                     json_string_value(json_object_get(item(made, "answers", 1), "answer")));
    bool said = false;
    for (size_t i = 0; i < json_array_size(json_object_get(again, "words")); i++) {
        const json_t *word = item(again, "words", i), *to = item(made, "words", 1);
        if (number_of(word, "id") == number_of(to, "id") && number_of(word, "token") == 2) {
            said = true;
            cr_expect_eq(number_of(word, "log_probability"), number_of(to, "after"));
        }
    }
    cr_expect(said);
    mmn_model_close(edited);
    json_decref(made);
    json_decref(again);
}

Test(edit, takes_random_neurons_by_their_seed)
{
    options.random = 1;
    options.seed = 5;
    options.top = 40;
    json_t *made = run(model), *again = run(model);
    cr_expect(json_equal(made, again));
    options.seed = 6;
    json_t *other = run(model);
    cr_expect_not(json_equal(json_object_get(made, "edited"), json_object_get(other, "edited")));
    json_decref(made);
    json_decref(again);
    json_decref(other);
}

/* Behind a space where the word's token has one, also where the tokenizer puts none there itself.
 */
Test(edit, reads_words_as_they_stand)
{
    int32_t id, like, *ids;
    size_t count;
    mmn_model *bloom;
    MMN_NEEDS("bloom");
    cr_assert_eq(mmn_model_open(&bloom, MMN_SOURCE_DIR "/golden/checkpoints/bloom", NULL, &error),
                 MMN_OK);
    cr_assert_eq(mmn_model_encode(bloom, " the cat", 0, &ids, &count, &error), MMN_OK);
    like = ids[0];
    cr_assert_eq(mmn_edit_token(&id, bloom, "in", like, &error), MMN_OK, "%s", error.message);
    mmn_release(ids);
    cr_assert_eq(mmn_model_encode(bloom, " in", 0, &ids, &count, &error), MMN_OK);
    cr_expect_eq(id, ids[0]);
    cr_expect_eq(mmn_edit_token(&id, bloom, "in", ids[0], &error), MMN_USAGE);
    mmn_release(ids);
    mmn_model_close(bloom);
}

static void expect(mmn_status status, const char *message)
{
    mmn_result *result;
    cr_expect_eq(mmn_edit(&result, model, &options, &error), status, "%s", message);
    cr_expect_null(result);
    cr_expect(strstr(error.message, message), "%s", error.message);
}

Test(edit, refuses_what_cannot_be)
{
    options.from = "elephant";
    expect(MMN_USAGE, "has no word \"elephant\"");
    options.from = "shal";
    options.to = "shallow";
    expect(MMN_USAGE, "begins with the token");
    options.to = "in";
    options.probability = 1;
    expect(MMN_USAGE, "below 1");
    options.probability = 0;
    options.method = "other";
    expect(MMN_USAGE, "no method");
    options.method = "optimised";
    options.learning_rate = -1;
    expect(MMN_USAGE, "learning rate");
    options.learning_rate = 0;
    options.method = "direct";
    options.output = "/nowhere/delta.safetensors";
    mmn_result *result;
    cr_expect_neq(mmn_edit(&result, model, &options, &error), MMN_OK);
}
