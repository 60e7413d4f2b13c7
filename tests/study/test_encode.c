/* The study of encoding: against an implementation in Python (golden/make_encode.py), the same
 * bytes by every table of kernels and number of threads, and files that are wrong. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "format/safetensors.h"
#include "kernels.h"
#include "mmneuron.h"

#define FOLDER MMN_SOURCE_DIR "/tests/study/data/encode/"

static const char *const features[] = {"both=" FOLDER "both.safetensors",
                                       "vision=" FOLDER "vision.safetensors"};
static const char *const comparisons[] = {"both:vision", "vision:both"};

static mmn_encode_options options_of(int threads, const char *simd)
{
    return (mmn_encode_options){.size = sizeof(mmn_encode_options),
                                .responses = FOLDER "responses.safetensors",
                                .features = features,
                                .feature_count = 2,
                                .comparisons = comparisons,
                                .comparison_count = 2,
                                .draws = 60,
                                .seed = 1,
                                .threads = threads,
                                .simd = simd};
}

/* Networks with roles, on recordings of two alignments. */
#define ROLES MMN_SOURCE_DIR "/tests/study/data/encode-roles/"
static const char *const networks[] = {
    "vision=" ROLES "vision.safetensors", "language=" ROLES "language.safetensors",
    "multimodal=" ROLES "multimodal.safetensors", "control=" ROLES "control.safetensors",
    "random=" ROLES "random.safetensors"};
static const char *const roles[] = {"vision=vision", "language=language", "multimodal=multimodal",
                                    "control=control:multimodal", "random=random:multimodal"};
static const char *const joins[] = {"joined=vision+language"};
static const char *const asked[] = {"control:multimodal"};

static mmn_encode_options roles_options(int threads, const char *simd)
{
    return (mmn_encode_options){.size = sizeof(mmn_encode_options),
                                .responses = ROLES "responses.safetensors",
                                .features = networks,
                                .feature_count = 5,
                                .comparisons = asked,
                                .comparison_count = 1,
                                .roles = roles,
                                .role_count = 5,
                                .joins = joins,
                                .join_count = 1,
                                .draws = 20,
                                .seed = 1,
                                .rate = 0.2,
                                .threads = threads,
                                .simd = simd};
}

/* The JSON of a run, to be freed with mmn_release. */
static char *run(mmn_encode_options options)
{
    mmn_error error;
    mmn_result *result;
    char *json;
    cr_assert_eq(mmn_encode(&result, &options, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_result_json(result, &json, &error), MMN_OK);
    mmn_result_free(result);
    return json;
}

/* Fails unless `found` has all that `expected` has, numbers within 1e-10. */
static void expect_all(const json_t *expected, const json_t *found, const char *place)
{
    if (json_is_number(expected)) {
        cr_assert(json_is_number(found), "%s", place);
        cr_expect_float_eq(json_number_value(found), json_number_value(expected), 1e-10,
                           "%s: %.17g and %.17g", place, json_number_value(found),
                           json_number_value(expected));
    } else if (json_is_array(expected)) {
        cr_assert_eq(json_array_size(found), json_array_size(expected), "%s", place);
        for (size_t i = 0; i < json_array_size(expected); i++) {
            char inner[256];
            snprintf(inner, sizeof(inner), "%s[%zu]", place, i);
            expect_all(json_array_get(expected, i), json_array_get(found, i), inner);
        }
    } else if (json_is_object(expected)) {
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)(uintptr_t)expected, key, value)
        {
            char inner[256];
            snprintf(inner, sizeof(inner), "%s.%s", place, key);
            expect_all(value, json_object_get(found, key), inner);
        }
    } else {
        cr_expect(json_equal(expected, found), "%s", place);
    }
}

static void expect_file(mmn_encode_options options, const char *file)
{
    char *text = run(options);
    json_t *found = json_loads(text, 0, NULL);
    json_t *expected = json_load_file(file, 0, NULL);
    cr_assert_not_null(found);
    cr_assert_not_null(expected);
    expect_all(expected, found, "");
    json_decref(found);
    json_decref(expected);
    mmn_release(text);
}

static void refuses(mmn_encode_options options, mmn_status status, const char *message)
{
    mmn_error error;
    mmn_result *result;
    options.draws = 1;
    cr_expect_eq(mmn_encode(&result, &options, &error), status);
    cr_expect_null(result);
    cr_expect_not_null(strstr(error.message, message), "%s", error.message);
}

Test(encode, is_pythons)
{
    expect_file(options_of(1, "reference"), FOLDER "expected.json");
}

Test(encode, compares_and_tests_by_roles)
{
    expect_file(roles_options(1, "reference"), ROLES "expected.json");
}

Test(encode, has_the_same_bytes_everywhere)
{
    char *first = run(roles_options(1, "reference"));
    for (const char *const *name = mmn_kernels_names(); *name; name++) {
        if (!mmn_kernels_select(*name))
            continue;
        char *other = run(roles_options(3, *name));
        cr_expect_str_eq(other, first, "%s", *name);
        mmn_release(other);
    }
    mmn_release(first);
}

/* ---- Best against second --------------------------------------------------------------------- */

/* The row of "compared_sites" of a comparison, the first of its alignment of these names, at a
 * site. */
static size_t find_site(const mmn_result *result, const char *first, const char *second,
                        const char *site)
{
    for (size_t row = 0; row < mmn_result_rows(result, "compared_sites"); row++) {
        const size_t pair = mmn_result_parent(result, "compared_sites", row);
        if (strcmp(mmn_result_text(result, "comparisons", pair, "first"), first) == 0 &&
            strcmp(mmn_result_text(result, "comparisons", pair, "second"), second) == 0 &&
            strcmp(mmn_result_text(result, "compared_sites", row, "site"), site) == 0)
            return row;
    }
    cr_assert(false, "no %s:%s at %s", first, second, site);
    return 0;
}

/* The mean validation of a model at a site, from the result's columns; of alignment 0, whose
 * models are the first. */
static double validation_of(const mmn_result *result, size_t model, const char *site)
{
    double sum = 0;
    for (size_t row = 0; row < mmn_result_rows(result, "columns"); row++)
        if (mmn_result_parent(result, "columns", row) == model &&
            strcmp(mmn_result_text(result, "columns", row, "site"), site) == 0)
            sum += mmn_result_number(result, "columns", row, "validation");
    return sum;
}

/* At each site it says which models these are, and what comparing just these two gives. */
Test(encode, compares_the_best_with_the_second)
{
    static const char *const pairs[] = {
        "best:second",       "vision:language",     "language:vision",    "vision:multimodal",
        "multimodal:vision", "language:multimodal", "multimodal:language"};
    mmn_encode_options options = roles_options(1, NULL);
    mmn_error error;
    mmn_result *result;
    options.comparisons = pairs;
    options.comparison_count = 7;
    options.feature_count = 3;
    options.role_count = options.join_count = 0;
    cr_assert_eq(mmn_encode(&result, &options, &error), MMN_OK, "%s", error.message);
    const size_t sites = (size_t)mmn_result_number(result, "alignments", 0, "sites");
    for (size_t row = 0; row < sites; row++) {
        const char *site = mmn_result_text(result, "compared_sites", row, "site");
        size_t order[3] = {0, 1, 2};
        for (size_t i = 0; i < 3; i++)
            for (size_t k = i + 1; k < 3; k++)
                if (validation_of(result, order[k], site) > validation_of(result, order[i], site)) {
                    const size_t other = order[i];
                    order[i] = order[k];
                    order[k] = other;
                }
        const char *best = mmn_result_text(result, "models", order[0], "model");
        const char *second = mmn_result_text(result, "models", order[1], "model");
        cr_expect_str_eq(mmn_result_text(result, "compared_sites", row, "best_model"), best);
        cr_expect_str_eq(mmn_result_text(result, "compared_sites", row, "second_model"), second);
        const size_t same = find_site(result, best, second, site);
        cr_expect_null(mmn_result_text(result, "compared_sites", same, "best_model"));
        cr_expect_str_eq(mmn_result_text(result, "compared_sites", row, "outcome"),
                         mmn_result_text(result, "compared_sites", same, "outcome"));
        const double p = mmn_result_number(result, "compared_sites", row, "p");
        const double other = mmn_result_number(result, "compared_sites", same, "p");
        cr_expect(p == other || (isnan(p) && isnan(other)));
    }
    mmn_result_free(result);
}

/* Random twins are never the best. */
Test(encode, needs_two_models_for_a_best_one)
{
    const char *pair = "best:second", *twin = "vision=random:both";
    mmn_encode_options options = options_of(1, NULL);
    options.comparisons = &pair;
    options.comparison_count = 1;
    options.roles = &twin;
    options.role_count = 1;
    refuses(options, MMN_USAGE, "where two are not random");
}

/* ---- Columns --------------------------------------------------------------------------------- */

static const char column_fields[][16] = {"r",         "penalty",        "mean",
                                         "low",       "high",           "validation",
                                         "predicted", "validation_low", "validation_high"};

/* A number of the file's tensor ALIGNMENT/MODEL/FIELD. */
static double in_file(const mmn_safetensors *file, const mmn_result *whole, size_t model,
                      const char *field, size_t column)
{
    char name[128];
    const size_t alignment = mmn_result_parent(whole, "models", model);
    snprintf(name, sizeof(name), "%s/%s/%s",
             mmn_result_text(whole, "alignments", alignment, "alignment"),
             mmn_result_text(whole, "models", model, "model"), field);
    const mmn_tensor *tensor = mmn_safetensors_find(file, name);
    cr_assert_not_null(tensor, "%s", name);
    return mmn_load_f64(tensor->data + 8 * column);
}

/* The file's columns are those of a result without it, and the result's bins are their means. */
static void compare_columns(const mmn_safetensors *file, const mmn_result *whole,
                            const mmn_result *means)
{
    const size_t rows = mmn_result_rows(whole, "columns"), bins = mmn_result_rows(means, "means");
    const size_t models = mmn_result_rows(whole, "models"), each = rows / models;
    cr_assert_eq(mmn_result_rows(means, "columns"), 0);
    for (size_t row = 0; row < rows; row++) {
        const size_t model = row / each, column = row % each;
        for (size_t f = 0; f < sizeof(column_fields) / sizeof(column_fields[0]); f++) {
            const char *field = column_fields[f];
            cr_expect_eq(in_file(file, whole, model, field, column),
                         mmn_result_number(whole, "columns", row, field), "%s %zu", field, row);
        }
        const size_t layer = (size_t)in_file(file, whole, model, "best", column);
        size_t first = 0;
        while (mmn_result_parent(whole, "layers", first) != model)
            first++;
        cr_expect_str_eq(mmn_result_text(whole, "layers", first + layer, "name"),
                         mmn_result_text(whole, "columns", row, "best"));
    }
    for (size_t bin = 0; bin < bins; bin++) {
        const double number = mmn_result_number(means, "means", bin, "bin");
        double sum = 0, sites = 0, predicted = 0;
        for (size_t row = 0; row < rows; row++) {
            if (row / each != bin / (bins / models) ||
                mmn_result_number(whole, "columns", row, "bin") != number)
                continue;
            sum += mmn_result_number(whole, "columns", row, "r");
            predicted += mmn_result_number(whole, "columns", row, "predicted");
            sites++;
        }
        cr_expect_float_eq(mmn_result_number(means, "means", bin, "r"), sum / sites, 1e-15);
        cr_expect_eq(mmn_result_number(means, "means", bin, "sites"), sites);
        cr_expect_eq(mmn_result_number(means, "means", bin, "predicted"), predicted);
    }
}

Test(encode, puts_columns_into_a_file)
{
    mmn_encode_options options = roles_options(2, NULL);
    mmn_error error;
    mmn_result *whole, *means, *read;
    mmn_safetensors *file;
    char path[] = "/tmp/encode-XXXXXX", json[] = "/tmp/encode-XXXXXX";
    close(mkstemp(path));
    close(mkstemp(json));
    cr_assert_eq(mmn_encode(&whole, &options, &error), MMN_OK);
    options.columns = path;
    cr_assert_eq(mmn_encode(&means, &options, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_safetensors_open(&file, path, &error), MMN_OK, "%s", error.message);
    cr_expect_str_eq(mmn_safetensors_metadata(file, "format"), "mmneuron-encode-columns-1");
    compare_columns(file, whole, means);
    cr_assert_eq(mmn_result_write(means, json, &error), MMN_OK);
    cr_assert_eq(mmn_result_read(&read, json, &error), MMN_OK, "%s", error.message);
    compare_columns(file, whole, read);
    mmn_safetensors_close(file);
    mmn_result_free(whole);
    mmn_result_free(means);
    mmn_result_free(read);
    unlink(path);
    unlink(json);
}

/* ---- What is wrong --------------------------------------------------------------------------- */

Test(encode, refuses_wrong_usage)
{
    const char *wrong[] = {"both=" FOLDER "both.safetensors", "both"};
    mmn_encode_options options = options_of(1, NULL);
    options.features = wrong;
    refuses(options, MMN_USAGE, "expected NAME=FILE");
    wrong[1] = "both=" FOLDER "vision.safetensors";
    refuses(options, MMN_USAGE, "two models are called \"both\"");
    wrong[1] = "other=" FOLDER "vision.safetensors";
    refuses(options, MMN_USAGE, "\"both:vision\" is no comparison");
    wrong[1] = "a+b=" FOLDER "vision.safetensors";
    refuses(options, MMN_USAGE, "\"a+b\" names no model");
    options = options_of(1, NULL);
    options.rate = 1;
    refuses(options, MMN_USAGE, "between 0 and 1");
    options = options_of(1, NULL);
    options.draws = 65536;
    mmn_error error;
    mmn_result *result;
    cr_expect_eq(mmn_encode(&result, &options, &error), MMN_USAGE);
}

static void refuses_role(const char *role, const char *join, const char *message)
{
    mmn_encode_options options = options_of(1, NULL);
    options.roles = &role;
    options.role_count = role != NULL;
    options.joins = &join;
    options.join_count = join != NULL;
    refuses(options, MMN_USAGE, message);
}

Test(encode, refuses_wrong_roles)
{
    refuses_role("both", NULL, "\"both\" is no role");
    refuses_role("neither=vision", NULL, "is no role");
    refuses_role("both=visual", NULL, "is no role");
    refuses_role("both=", NULL, "is no role");
    refuses_role("both=joined", NULL, "is no role");
    refuses_role("both=random:neither", NULL, "is no role");
    refuses_role("both=control:both", NULL, "is no role");
    refuses_role("two=vision", "two=both+vision", "is no role");
    refuses_role(NULL, "two", "\"two\" joins nothing");
    refuses_role(NULL, "two=both", "joins nothing");
    refuses_role(NULL, "two=both+", "joins nothing");
    refuses_role(NULL, "two=both+neither", "joins nothing");
    refuses_role(NULL, "both=both+vision", "two models are called \"both\"");
    const char *twice[] = {"both=vision", "both=language"};
    mmn_encode_options options = options_of(1, NULL);
    options.roles = twice;
    options.role_count = 2;
    refuses(options, MMN_USAGE, "\"both=language\" is no role");
}

/* Responses of one site in one bin, as many numbers as wanted, the last of which is `last`. */
static void check_responses(size_t events, double last, const char *sites, const char *message)
{
    double numbers[64] = {0};
    char path[] = "/tmp/encode-XXXXXX";
    mmn_encode_options options = options_of(1, NULL);
    mmn_error error;
    for (size_t i = 0; i < events; i++)
        numbers[i] = (double)(i % 7);
    numbers[events - 1] = last;
    close(mkstemp(path));
    const mmn_tensor tensor = {.name = "words",
                               .type = MMN_TYPE_F64,
                               .dimensions = 2,
                               .shape = {1, events},
                               .data = (const uint8_t *)numbers,
                               .bytes = events * sizeof(double)};
    const char *const metadata[] = {"sites", sites, NULL};
    cr_assert_eq(mmn_safetensors_write(path, &tensor, 1, sites ? metadata : NULL, &error), MMN_OK);
    options.responses = path;
    refuses(options, MMN_INPUT, message);
    unlink(path);
}

Test(encode, refuses_wrong_responses)
{
    check_responses(60, NAN, "[\"a\"]", "has nan at [0, 59]");
    check_responses(60, 1e200, "[\"a\"]", "below 1e100");
    check_responses(60, 1, NULL, "has no \"sites\"");
    check_responses(60, 1, "[]", "is no array of names");
    check_responses(60, 1, "[1]", "expected a text");
    check_responses(60, 1, "[\"a\", \"b\"]", "has 1 columns for 2 sites");
    check_responses(19, 1, "[\"a\"]", "expected at least 20");
    check_responses(59, 1, "[\"a\"]", "has 60 events; expected 59");
}
