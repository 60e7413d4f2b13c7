/* The model of five languages: how improbable it finds texts, with nothing and with each language's
 * neurons off, against PyTorch in float64 (golden/make_languages.py). MMN_LANGUAGES_DIR names
 * another such folder. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mmneuron.h"
#include "tests/tools/needs.h"
#include "tests/tools/slow.h"

/* As many times torch's float32's own largest error, as in every stage of test_golden. */
enum { ALLOWED = 4, PATH_SIZE = 1024 };

static mmn_error error;
static mmn_model *model;
static json_t *truth;
static char list[PATH_SIZE], neurons[PATH_SIZE];

static void set_up(void)
{
    char path[PATH_SIZE];
    const char *folder = getenv("MMN_LANGUAGES_DIR");
    if (!folder || !folder[0])
        folder = MMN_SOURCE_DIR "/models/five-languages";
    MMN_NEEDS("five-languages");
    snprintf(list, sizeof list, "%s/test.jsonl", folder);
    snprintf(neurons, sizeof neurons, "%s/cases/neurons.json", folder);
    snprintf(path, sizeof path, "%s/cases/likelihood.json", folder);
    truth = json_load_file(path, 0, NULL);
    cr_assert_not_null(truth, "%s", path);
    snprintf(path, sizeof path, "%s/model", folder);
    cr_assert_eq(mmn_model_open(&model, path, NULL, &error), MMN_OK, "%s", error.message);
}

static void tear_down(void)
{
    mmn_model_close(model);
    json_decref(truth);
}

TestSuite(languages, .init = set_up, .fini = tear_down);

/* A precision's sums over the windows of a language: with the neurons of `owner` off, NULL:
 * none. */
static const json_t *sums_of(const char *precision, const char *owner, const char *language)
{
    const json_t *sums = json_object_get(truth, precision);
    sums = owner ? json_object_get(json_object_get(sums, "off"), owner)
                 : json_object_get(sums, "nothing_off");
    return json_object_get(sums, language);
}

/* Nats per predicted token of the first windows. */
static double nats_of(const char *precision, const char *owner, const char *language,
                      size_t windows)
{
    const json_t *sums = sums_of(precision, owner, language);
    const json_t *lengths = json_object_get(json_object_get(truth, "tokens"), language);
    double nats = 0, tokens = 0;
    for (size_t i = 0; i < windows && i < json_array_size(sums); i++) {
        nats += json_number_value(json_array_get(sums, i));
        tokens += json_number_value(json_array_get(lengths, i)) - 1;
    }
    return nats / tokens;
}

/* How far torch's float32 is from float64 at most in any window, as a part of the whole. */
static double largest_error(void)
{
    json_t *tokens = json_object_get(truth, "tokens");
    const char *owner, *language;
    json_t *unused, *other;
    double largest = 0;
    json_object_foreach(tokens, owner, unused) json_object_foreach(
        tokens, language, other) for (size_t i = 0; i < json_array_size(other); i++)
    {
        double exact = json_number_value(json_array_get(sums_of("float64", owner, language), i));
        double found = json_number_value(json_array_get(sums_of("float32", owner, language), i));
        largest = fmax(largest, fabs(found - exact) / exact);
    }
    return largest;
}

Test(languages, are_as_improbable_as_pytorch_finds)
{
    /* Of some 13 windows in each language; one takes 9 seconds under an emulator. */
    size_t windows = is_slow() ? 1 : 4, runs = is_slow() ? 1 : 1 + 5, compared = 0;
    const mmn_perplexity_options options = {.size = sizeof(options),
                                            .list = list,
                                            .neurons = runs > 1 ? neurons : NULL,
                                            .samples = windows};
    mmn_result *perplexity;
    char *text;
    cr_assert_eq(mmn_perplexity_measure(&perplexity, model, &options, &error), MMN_OK, "%s: %s: %s",
                 error.file, error.where, error.message);
    cr_assert_eq(mmn_result_json(perplexity, &text, &error), MMN_OK);
    mmn_result_free(perplexity);
    json_t *result = json_loads(text, 0, NULL), *run;
    mmn_release(text);
    double bound = ALLOWED * largest_error();
    size_t i;
    json_array_foreach(json_object_get(result, "runs"), i, run)
    {
        const char *language = json_string_value(json_object_get(run, "domain"));
        const char *owner = json_string_value(json_object_get(run, "neurons_of"));
        double nats = json_number_value(json_object_get(run, "nats"));
        double expected = nats_of("float64", owner, language, windows);
        cr_assert_float_eq(nats, expected, bound * expected,
                           "%s with %s off: %.17g, not %.17g, bound %g", language,
                           owner ? owner : "nothing", nats, expected, bound * expected);
        compared++;
    }
    cr_assert_eq(compared, 5 * runs);
    json_decref(result);
}
