/* What the demo says at its end, against what PyTorch makes of it (golden/make_finding.py): right
 * answers and perplexity with a domain's own neurons off, and with as many random ones. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mmneuron.h"
#include "tests/tools/needs.h"
#include "tests/tools/slow.h"

enum { PATH_SIZE = 1024 };

static mmn_error error;
static mmn_model *model;
static json_t *truth;
static char list[PATH_SIZE], neurons[PATH_SIZE];

static void open_bundle(const char *bundle)
{
    char path[PATH_SIZE];
    MMN_NEEDS(bundle);
    if (is_slow())
        cr_skip_test("it answers a thousand questions");
    snprintf(list, sizeof list, "%s/models/%s/test.jsonl", MMN_SOURCE_DIR, bundle);
    snprintf(neurons, sizeof neurons, "%s/models/%s/cases/neurons.json", MMN_SOURCE_DIR, bundle);
    snprintf(path, sizeof path, "%s/models/%s/cases/finding.json", MMN_SOURCE_DIR, bundle);
    truth = json_load_file(path, 0, NULL);
    cr_assert_not_null(truth, "%s", path);
    snprintf(path, sizeof path, "%s/models/%s/model", MMN_SOURCE_DIR, bundle);
    cr_assert_eq(mmn_model_open(&model, path, NULL, &error), MMN_OK, "%s", error.message);
}

static void close_bundle(void)
{
    mmn_model_close(model);
    json_decref(truth);
}

/* What PyTorch found in the domain of a run; NULL where the demo has no such run. */
static const json_t *expected_of(const json_t *run)
{
    const json_t *domain = json_object_get(json_object_get(truth, "domains"),
                                           json_string_value(json_object_get(run, "domain")));
    const json_t *of = json_object_get(run, "neurons_of");
    const char *off = json_string_value(json_object_get(run, "off"));
    cr_assert_not_null(domain);
    if (strcmp(off, "nothing") == 0)
        return json_object_get(domain, "plain");
    if (!json_equal(of, json_object_get(run, "domain")))
        return NULL;
    return strcmp(off, "domain") == 0
               ? json_object_get(domain, "own_off")
               : json_array_get(json_object_get(domain, "random_off"),
                                (size_t)json_integer_value(json_object_get(run, "seed")) - 1);
}

/* Compares `measure` of all runs, within a part of itself. */
static void compare(mmn_result *result, const char *measure, double part)
{
    char *text;
    size_t i, compared = 0;
    json_t *run;
    cr_assert_eq(mmn_result_json(result, &text, &error), MMN_OK);
    mmn_result_free(result);
    json_t *found = json_loads(text, 0, NULL);
    mmn_release(text);
    json_array_foreach(json_object_get(found, "runs"), i, run)
    {
        const json_t *expected = expected_of(run);
        const double value = json_number_value(json_object_get(run, measure));
        if (!expected)
            continue;
        cr_expect_float_eq(value, json_number_value(expected), part * value,
                           "%s with %s off: %s %.9g, not %.9g",
                           json_string_value(json_object_get(run, "domain")),
                           json_string_value(json_object_get(run, "off")), measure, value,
                           json_number_value(expected));
        compared++;
    }
    /* Nothing off, own neurons, and five random choices, in five domains. */
    cr_expect_eq(compared, 35);
    json_decref(found);
}

/* Every answer of PyTorch's greedy generation is as right as ours; the scores are quotients of
 * small numbers. */
Test(finding, right_answers_are_those_of_pytorch, .fini = close_bundle)
{
#ifndef HAVE_LIBPNG
    cr_skip_test("pictures of documents are PNG, which this build does without");
#endif
    open_bundle("five-domains");
    const mmn_eval_options options = {.size = sizeof(options),
                                      .list = list,
                                      .neurons = neurons,
                                      .settings = "all",
                                      .seeds = 5,
                                      .first_seed = 1,
                                      .measures = "answers"};
    mmn_result *result;
    cr_assert_eq(mmn_eval(&result, model, &options, &error), MMN_OK, "%s: %s: %s", error.file,
                 error.where, error.message);
    compare(result, "accuracy", 1e-12);
}

/* The bound is some ten times the distance of PyTorch's float32 from its float64. */
Test(finding, perplexities_are_those_of_pytorch, .fini = close_bundle)
{
    open_bundle("five-languages");
    const mmn_perplexity_options options = {
        .size = sizeof(options), .list = list, .neurons = neurons, .seeds = 5, .first_seed = 1};
    mmn_result *result;
    cr_assert_eq(mmn_perplexity_measure(&result, model, &options, &error), MMN_OK, "%s: %s: %s",
                 error.file, error.where, error.message);
    compare(result, "perplexity", 1e-5);
}
