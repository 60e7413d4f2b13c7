/* Random weights: distributed as transformers' (golden/make_random_init.py), and the same bits with
 * any number of threads. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "model/binder.h"
#include "model/family.h"
#include "model/model.h"
#include "tests/tools/scratch.h"

#define CHECKPOINTS MMN_SOURCE_DIR "/golden/checkpoints/"

static mmn_error error;

/* Without its tokenizer, which a build may not read. */
static mmn_model *draw_model(const char *name, uint64_t seed, int threads)
{
    char folder[300];
    mmn_model *model;
    const mmn_model_options options = {.size = sizeof(options),
                                       .threads = threads,
                                       .without_tokenizer = 1,
                                       .random_weights = 1,
                                       .weights_seed = seed};
    snprintf(folder, sizeof(folder), "%s%s", name[0] == '/' ? "" : CHECKPOINTS, name);
    cr_assert_eq(mmn_model_open(&model, folder, &options, &error), MMN_OK, "%s: %s", name,
                 error.message);
    return model;
}

static void widen(double *values, const mmn_tensor *tensor)
{
    const mmn_weight_type type = (mmn_weight_type)mmn_stored_weight_type(tensor->type);
    for (size_t i = 0; i < mmn_tensor_elements(tensor); i++) {
        float value;
        mmn_kernels_reference()->widen(&value, tensor->data + i * mmn_weight_size(type), type, 1);
        values[i] = (double)value;
    }
}

static double greatest_of(const double *values, size_t count)
{
    double greatest = 0;
    for (size_t i = 0; i < count; i++)
        greatest = fmax(greatest, fabs(values[i]));
    return greatest;
}

/* The mean is 0 and the deviation the expected one, both up to five of their standard errors, to
 * which the four draws of the truth and the type of the weights add. */
static void compare_moments(const double *values, size_t count, double expected, const char *name)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
        squares += values[i] * values[i];
    }
    const double relative = 5 / sqrt(2.0 * (double)count) * sqrt(1.25) + 2e-3;
    const double found = sqrt(squares / (double)count);
    cr_expect(fabs(found / expected - 1) < relative, "%s: %g, expected %g", name, found, expected);
    cr_expect_lt(fabs(sum / (double)count), 5 * expected / sqrt((double)count), "%s", name);
}

/* `expected` is root mean square, largest magnitude, row of zeros. */
static void compare_tensor(const mmn_tensor *tensor, const char *name, const json_t *expected)
{
    const size_t rows = tensor->shape[0];
    size_t count = mmn_tensor_elements(tensor);
    const double mean_square = json_number_value(json_array_get(expected, 0));
    const double greatest = json_number_value(json_array_get(expected, 1));
    const json_t *padding = json_array_get(expected, 2);
    double *values = malloc(count * sizeof(double));
    widen(values, tensor);
    if (json_is_integer(padding)) {
        const size_t width = count / rows, row = (size_t)json_integer_value(padding);
        cr_expect_eq(greatest_of(values + row * width, width), 0, "%s", name);
        memmove(values + row * width, values + (row + 1) * width,
                (rows - row - 1) * width * sizeof(double));
        count -= width;
    }
    if (mean_square == greatest) { /* all 0, or all 1 */
        for (size_t i = 0; i < count; i++)
            cr_expect_eq(values[i], mean_square, "%s", name);
    } else {
        compare_moments(values, count, mean_square, name);
        /* Uniform numbers have a bound; others go farther, where they are many. */
        const bool are_bounded = greatest < 2.5 * mean_square;
        cr_expect(count < 500 || are_bounded == (greatest_of(values, count) < 2.5 * mean_square),
                  "%s", name);
    }
    free(values);
}

static const mmn_tensor *find(const mmn_model *model, const char *published)
{
    char name[256];
    mmn_normalise_name(name, published, model->config.language.form->name_rules);
    for (size_t i = 0; i < model->weights->tensor_count; i++)
        if (strcmp(model->weights->tensors[i].name, name) == 0)
            return model->weights->tensors[i].tensor;
    return NULL;
}

static void compare_model(const char *name, json_t *expected)
{
    mmn_model *model = draw_model(name, 5, 2);
    const char *published;
    json_t *tensor;
    size_t compared = 0;
    json_object_foreach(expected, published, tensor)
    {
        const mmn_tensor *found = find(model, published);
        /* A head that is the embedding is no tensor here, nor what nothing reads. */
        const bool is_left_out = strstr(published, "post_layernorm") ||
                                 strstr(published, ".head.") ||
                                 strcmp(published, "lm_head.weight") == 0;
        cr_expect(found || is_left_out, "%s: %s", name, published);
        if (found)
            compare_tensor(found, published, tensor);
        compared += found != NULL;
    }
    cr_expect_gt(compared, 10);
    mmn_model_close(model);
}

Test(draw_weights, are_distributed_as_in_transformers)
{
    json_t *truth = json_load_file(MMN_SOURCE_DIR "/tests/model/data/random_init.json", 0, NULL);
    const char *name;
    json_t *expected;
    cr_assert_not_null(truth);
    json_object_foreach(truth, name, expected) compare_model(name, expected);
    json_decref(truth);
}

static void digest_model(char digest[33], uint64_t seed, int threads)
{
    mmn_model *model = draw_model("llava-1.5", seed, threads);
    cr_assert_eq(mmn_model_digest(model, digest, &error), MMN_OK);
    cr_expect_not_null(strstr(mmn_model_describe(model)->remarks[0], "the weights are random"));
    mmn_model_close(model);
}

Test(draw_weights, are_the_same_with_any_number_of_threads)
{
    char first[33], second[33];
    digest_model(first, 1, 1);
    digest_model(second, 1, 3);
    cr_expect_str_eq(first, second);
    digest_model(second, 2, 1);
    cr_expect_str_neq(first, second);
}

/* All that the program runs, by its configuration alone. */
Test(draw_weights, need_the_configuration_alone)
{
    static const char *const names[] = {
        "llama-3",          "mistral",           "phi", "qwen2", "llava-1.5", "llava-native",
        "llava-linear-224", "llava-v1.6-mistral"};
    for (size_t i = 0; i < MMN_LENGTH(names); i++) {
        char folder[300], stored[33], drawn[33];
        mmn_model *model;
        const mmn_model_options options = {.size = sizeof(options), .without_tokenizer = 1};
        snprintf(folder, sizeof(folder), CHECKPOINTS "%s", names[i]);
        cr_assert_eq(mmn_model_open(&model, folder, &options, &error), MMN_OK);
        cr_assert_eq(mmn_model_digest(model, stored, &error), MMN_OK);
        mmn_model_close(model);
        model = draw_model(names[i], 0, 1);
        cr_assert_eq(mmn_model_digest(model, drawn, &error), MMN_OK);
        cr_expect_str_neq(stored, drawn);
        mmn_model_close(model);
    }
    scratch_make();
    scratch_link(CHECKPOINTS "llama-2", "config.json");
    mmn_model_close(draw_model(scratch, 1, 1));
    scratch_remove();
}

Test(draw_weights, are_not_those_of_a_judge)
{
    const mmn_model_options options = {
        .size = sizeof(options), .without_tokenizer = 1, .random_weights = 1};
    mmn_model *model;
    cr_expect_eq(mmn_model_open(&model, CHECKPOINTS "deberta-v3", &options, &error), MMN_USAGE);
    cr_expect_null(model);
}
