/* Similarity of parallel sentences: against transformers in float64, which compares each pair
 * (golden/make_similarity.py), and what lists it refuses. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mmneuron.h"
#include "tests/tools/failing_allocator.h"
#include "tests/tools/needs.h"
#include "tests/tools/scratch.h"

#define CHECKPOINTS MMN_SOURCE_DIR "/golden/checkpoints/"
#define DATA MMN_SOURCE_DIR "/tests/mask/data/"

/* Of cosines: the forward pass is in float32. */
static const double bound = 1e-5;

static mmn_error error;
static json_t *truth;

static void set_up(void)
{
    size_t i;
    json_t *sentence;
    scratch_make();
    truth = json_load_file(MMN_SOURCE_DIR "/tests/study/data/similarity.json", 0, NULL);
    cr_assert_not_null(truth);
    FILE *list = fopen(scratch_path("list.jsonl"), "w");
    json_array_foreach(json_object_get(truth, "sentences"), i, sentence)
        fprintf(list, "{\"id\": \"%s\", \"domain\": \"%s\", \"prompt\": \"%s\"}\n",
                json_string_value(json_array_get(sentence, 0)),
                json_string_value(json_array_get(sentence, 1)),
                json_string_value(json_array_get(sentence, 2)));
    fclose(list);
}

static void tear_down(void)
{
    json_decref(truth);
    scratch_remove();
}

TestSuite(similarity, .init = set_up, .fini = tear_down);

static mmn_model *open_model(const char *name)
{
    char folder[300];
    mmn_model *model;
    snprintf(folder, sizeof(folder), CHECKPOINTS "%s", name);
    cr_assert_eq(mmn_model_open(&model, folder, NULL, &error), MMN_OK, "%s", error.message);
    return model;
}

static mmn_status run(mmn_result **result, const mmn_model *model, const char *list,
                      const char *neurons, const char *settings)
{
    const mmn_study_options options = {.size = sizeof(options),
                                       .list = scratch_path(list),
                                       .neurons = neurons,
                                       .settings = settings,
                                       .seeds = 2,
                                       .first_seed = 3};
    return mmn_study_run(result, model, "similarity", &options, &error);
}

static json_t *document_of(const mmn_result *result)
{
    char *json;
    cr_assert_eq(mmn_result_json(result, &json, &error), MMN_OK);
    json_t *document = json_loads(json, 0, NULL);
    cr_assert_not_null(document);
    mmn_release(json);
    return document;
}

static void expect_near(const json_t *found, const json_t *expected, const char *name)
{
    size_t i;
    json_t *value;
    cr_assert_gt(json_array_size(expected), 0);
    cr_assert_eq(json_array_size(found), json_array_size(expected));
    json_array_foreach(expected, i, value) cr_expect_float_eq(
        json_number_value(json_array_get(found, i)), json_number_value(value), bound,
        "%s: state %zu: %.9g", name, i, json_number_value(json_array_get(found, i)));
}

/* The pair of German and English with nothing off comes first, then that with each one's own
 * neurons off, then random ones. */
static void compare_pairs(const json_t *document, const json_t *expected)
{
    static const char *const offs[] = {"nothing", "domain", "random", "random"};
    const json_t *pairs = json_object_get(document, "pairs");
    cr_assert_eq(json_array_size(pairs), 4);
    for (size_t i = 0; i < 4; i++) {
        const json_t *pair = json_array_get(pairs, i), *own = json_object_get(expected, offs[i]);
        cr_expect_str_eq(json_string_value(json_object_get(pair, "off")), offs[i]);
        cr_expect_eq(json_integer_value(json_object_get(pair, "sentences")), 3);
        cr_expect_eq(json_integer_value(json_object_get(pair, "others")), 9);
        if (i >= 2) {
            cr_expect_eq(json_integer_value(json_object_get(pair, "seed")), 3 + (json_int_t)i - 2);
            continue;
        }
        expect_near(json_object_get(pair, "parallel"), json_object_get(own, "parallel"), offs[i]);
        expect_near(json_object_get(pair, "other"), json_object_get(own, "other"), offs[i]);
    }
    cr_expect_not(json_equal(json_object_get(json_array_get(pairs, 2), "parallel"),
                             json_object_get(json_array_get(pairs, 3), "parallel")));
}

Test(similarity, is_that_of_transformers)
{
    const char *name;
    json_t *expected;
    json_object_foreach(json_object_get(truth, "checkpoints"), name, expected)
    {
        char neurons[300];
        size_t d;
        json_t *one;
        mmn_result *result;
        MMN_NEEDS(name);
        mmn_model *model = open_model(name);
        snprintf(neurons, sizeof(neurons), DATA "language-%s-neurons.json", name);
        cr_assert_eq(run(&result, model, "list.jsonl", neurons, "all"), MMN_OK, "%s",
                     error.message);
        json_t *document = document_of(result);
        compare_pairs(document, expected);
        json_array_foreach(json_object_get(document, "neurons_by_layer"), d, one)
        {
            const char *domain = json_string_value(json_object_get(one, "domain"));
            const json_t *own = json_object_get(json_object_get(expected, "neurons"), domain);
            cr_expect(json_equal(json_object_get(one, "layers"), own), "%s: %s", name, domain);
        }
        cr_expect_eq(d, 2);
        json_decref(document);
        mmn_result_free(result);
        mmn_model_close(model);
    }
}

/* With nothing off alone, the numbers are those of the same runs among others. */
Test(similarity, needs_no_neurons)
{
    mmn_result *result, *other;
    mmn_model *model = open_model("llama-2");
    cr_assert_eq(run(&result, model, "list.jsonl", NULL, NULL), MMN_OK, "%s", error.message);
    json_t *document = document_of(result);
    const json_t *pairs = json_object_get(document, "pairs");
    cr_expect_eq(json_array_size(pairs), 1);
    cr_expect_eq(json_array_size(json_object_get(document, "neurons_by_layer")), 0);

    cr_assert_eq(mmn_result_write(result, scratch_path("result.json"), &error), MMN_OK);
    cr_assert_eq(mmn_result_read(&other, scratch_path("result.json"), &error), MMN_OK, "%s",
                 error.message);
    json_t *again = document_of(other);
    cr_expect(json_equal(document, again));
    json_decref(again);
    mmn_result_free(other);
    json_decref(document);
    mmn_result_free(result);

    cr_expect_eq(run(&result, model, "list.jsonl", NULL, "all"), MMN_USAGE);
    cr_expect_eq(mmn_study_needs_neurons("similarity"), 0);
    cr_expect_eq(mmn_study_needs_neurons("agree"), 1);
    cr_expect_eq(mmn_study_needs_neurons("agreee"), 0);
    cr_expect_eq(mmn_study_needs_neurons(NULL), 0);
    mmn_model_close(model);
}

/* A sentence beside itself in two domains is as alike as can be. */
Test(similarity, of_the_same_is_1)
{
    mmn_result *result;
    mmn_model *model = open_model("llama-2");
    scratch_write("same.jsonl", "{\"id\": 1, \"domain\": \"a\", \"prompt\": \"the same words\"}\n"
                                "{\"id\": 1, \"domain\": \"b\", \"prompt\": \"the same words\"}\n");
    cr_assert_eq(run(&result, model, "same.jsonl", NULL, NULL), MMN_OK, "%s", error.message);
    json_t *document = document_of(result), *value;
    const json_t *pair = json_array_get(json_object_get(document, "pairs"), 0);
    size_t i;
    cr_expect_eq(json_integer_value(json_object_get(pair, "others")), 0);
    json_array_foreach(json_object_get(pair, "parallel"), i, value)
        cr_expect_float_eq(json_number_value(value), 1, 1e-14);
    cr_expect_eq(i, mmn_model_describe(model)->modules[0].layers + 1);
    json_array_foreach(json_object_get(pair, "other"), i, value) cr_expect(json_is_null(value));
    json_decref(document);
    mmn_result_free(result);
    mmn_model_close(model);
}

Test(similarity, says_what_is_wrong)
{
    static const struct {
        const char *list, *says;
    } wrong[] = {
        {"{\"id\": \"a\", \"domain\": \"de\", \"prompt\": \"x\"}\n"
         "{\"id\": \"b\", \"domain\": \"en\", \"prompt\": \"x\"}\n",
         "no two domains"},
        {"{\"id\": \"a\", \"domain\": \"de\", \"prompt\": \"x\"}\n"
         "{\"id\": \"a\", \"domain\": \"en\", \"prompt\": \"x\"}\n"
         "{\"id\": \"a\", \"domain\": \"de\", \"prompt\": \"y\"}\n",
         "another sample of the domain \"de\""},
        {"{\"id\": \"a\", \"domain\": \"de\", \"text\": \"x\"}\n"
         "{\"id\": \"a\", \"domain\": \"en\", \"text\": \"x\"}\n",
         "has texts"},
        {"{\"id\": \"a\", \"domain\": \"de\", \"prompt\": \"x\"}\n"
         "{\"id\": \"a\", \"domain\": \"en\", \"prompt\": \"\"}\n",
         "no text whose states"},
    };
    mmn_model *model = open_model("llama-2");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        mmn_result *result;
        scratch_write("wrong.jsonl", wrong[i].list);
        cr_expect_eq(run(&result, model, "wrong.jsonl", NULL, NULL), MMN_INPUT);
        cr_expect(strstr(error.message, wrong[i].says), "%zu: %s", i, error.message);
        cr_expect(i != 1 || strcmp(error.where, "line 3, id") == 0, "%s", error.where);
    }
    mmn_model_close(model);
}

/* Everything that fails is borne: no result, and nothing is lost. */
Test(similarity, bears_short_memory)
{
    mmn_model *model = open_model("llama-2");
    mmn_status status = MMN_SYSTEM;
    for (unsigned long at = 1; status != MMN_OK; at++) {
        mmn_result *result;
        fail_allocation_at(at);
        status = run(&result, model, "list.jsonl", NULL, NULL);
        fail_allocation_at(0);
        cr_assert(status == MMN_OK || status == MMN_SYSTEM, "allocation %lu: %s", at,
                  error.message);
        cr_assert_eq(status == MMN_OK, result != NULL);
        mmn_result_free(result);
    }
    mmn_model_close(model);
}
