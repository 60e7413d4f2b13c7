/* The selections that a ranking by entropy is compared with, and the sums and weights that they go
 * by, against PyTorch and NumPy in float64 (golden/make_selections.py). */
#include <criterion/criterion.h>
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "count/counts.h"
#include "count/neurons.h"
#include "count/parameter_change.h"
#include "mask/mask.h"
#include "mmneuron.h"
#include "tests/tools/needs.h"
#include "tests/tools/same_bytes.h"
#include "tests/tools/scratch.h"

#define CHECKPOINTS MMN_SOURCE_DIR "/golden/checkpoints/"

enum { PATH_SIZE = 1024 };

static mmn_error error;
static json_t *truth;

static void set_up(void)
{
    scratch_make();
    truth = json_load_file(MMN_SOURCE_DIR "/tests/count/data/selections.json", 0, NULL);
    cr_assert_not_null(truth);
}

static void tear_down(void)
{
    json_decref(truth);
    scratch_remove();
}

TestSuite(selections, .init = set_up, .fini = tear_down);

static const char *text_of(const char *key)
{
    return json_string_value(json_object_get(truth, key));
}

static double real_of(const char *key)
{
    return json_number_value(json_object_get(truth, key));
}

static mmn_model *open_model(const char *folder, int threads)
{
    mmn_model *model;
    const mmn_model_options options = {.size = sizeof(options), .threads = threads};
    cr_assert_eq(mmn_model_open(&model, folder, &options, &error), MMN_OK, "%s", error.message);
    return model;
}

/* Turns bit 5 of some of the 16-bit words behind a file's header, as the script says. */
static void turn_words(char *bytes, size_t size)
{
    uint64_t start = 8;
    for (size_t i = 0; i < 8; i++)
        start += (uint64_t)(uint8_t)bytes[i] << 8 * i;
    for (size_t i = 0; start + 2 * i + 1 < size; i++)
        if ((uint32_t)(i * UINT64_C(2654435761)) >> 29 == 0)
            bytes[start + 2 * i] ^= 1 << 5;
}

/* Makes the second checkpoint of a pair in the test's folder. */
static void make_second(const char *checkpoint)
{
    char folder[PATH_SIZE], path[2 * PATH_SIZE];
    snprintf(folder, sizeof(folder), CHECKPOINTS "%s", checkpoint);
    DIR *listing = opendir(folder);
    cr_assert_not_null(listing);
    for (const struct dirent *entry; (entry = readdir(listing));) {
        const char *end = strstr(entry->d_name, ".safetensors");
        if (entry->d_name[0] == '.')
            continue;
        if (!end || end[12] != '\0') {
            scratch_link(folder, entry->d_name);
            continue;
        }
        char *bytes;
        size_t size;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        cr_assert_eq(mmn_read_file(&bytes, &size, path, 1 << 24, &error), MMN_OK);
        turn_words(bytes, size);
        scratch_write_bytes(entry->d_name, bytes, size);
        mmn_release(bytes);
    }
    closedir(listing);
}

/* Counts the texts with so many threads, in so many together. */
static const char *count_texts(const mmn_model *model, const char *name, uint32_t batch,
                               int magnitudes)
{
    const char *domain;
    json_t *text;
    FILE *list = fopen(scratch_path("list.jsonl"), "w");
    json_object_foreach(json_object_get(truth, "texts"), domain, text)
        fprintf(list, "{\"domain\": \"%s\", \"text\": \"%s\"}\n", domain, json_string_value(text));
    fclose(list);
    const char *output = scratch_path(name);
    const mmn_count_options options = {.size = sizeof(options),
                                       .list = scratch_path("list.jsonl"),
                                       .output = output,
                                       .window = (uint64_t)real_of("window"),
                                       .batch = batch,
                                       .magnitudes = magnitudes};
    cr_assert_eq(mmn_count(model, &options, NULL, &error), MMN_OK, "%s", error.message);
    return output;
}

/* Checks the lists of one selection, and its order and scores. */
static void check_selection(const char *by, const mmn_neurons *neurons)
{
    const json_t *expected = json_object_get(json_object_get(truth, "selections"), by);
    const json_t *ranked = json_object_get(expected, "ranked");
    const json_t *score = json_object_get(expected, "score");
    const mmn_listed_module *module = &neurons->modules[0];
    cr_assert_eq(module->result.selected, json_array_size(ranked), "%s", by);
    for (size_t i = 0; i < module->result.selected; i++) {
        cr_assert_eq((json_int_t)module->result.ranked[i],
                     json_integer_value(json_array_get(ranked, i)), "%s: place %zu", by, i);
        if (!module->result.score)
            continue;
        /* What is summed in steps of 2^-20, of float32 activations, is off by as much. */
        const double allowed = strcmp(by, "value-entropy") == 0 ? 1e-5 : 1e-12;
        const double wanted = json_number_value(json_array_get(score, i));
        cr_assert(fabs(module->result.score[i] - wanted) <= allowed, "%s: place %zu: %.17g, %.17g",
                  by, i, module->result.score[i], wanted);
    }
    for (size_t d = 0; d < neurons->domain_count; d++) {
        const json_t *list = json_array_get(json_object_get(expected, "lists"), d);
        cr_assert_eq(module->lists[d].count, json_array_size(list), "%s: domain %zu", by, d);
        for (size_t i = 0; i < module->lists[d].count; i++)
            cr_assert_eq((json_int_t)module->lists[d].numbers[i],
                         json_integer_value(json_array_get(list, i)), "%s: domain %zu, %zu", by, d,
                         i);
    }
}

static mmn_neurons *rank_by(const char *by, const char *file, const mmn_model *model,
                            const mmn_model *second)
{
    mmn_neurons *neurons;
    mmn_counts *counts;
    const mmn_rank_options options = {.size = sizeof(options),
                                      .rate = real_of("rate"),
                                      .bar = real_of("bar"),
                                      .by = by,
                                      .seed = (uint64_t)real_of("seed"),
                                      .model = model,
                                      .second = second};
    cr_assert_eq(mmn_counts_read(&counts, file, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_neurons_rank(&neurons, counts, &options, &error), MMN_OK, "%s", error.message);
    mmn_counts_free(counts);
    return neurons;
}

/* And what the file says, when it is read again. */
static void check_file(const char *by, const mmn_neurons *neurons)
{
    mmn_result *result, *again;
    mmn_neurons *read;
    char *before, *after;
    const char *file = scratch_path("selected.json");
    cr_assert_eq(mmn_neurons_result(&result, neurons, &error), MMN_OK);
    cr_assert_eq(mmn_result_write(result, file, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_neurons_read(&read, file, &error), MMN_OK, "%s", error.message);
    cr_assert_str_eq(mmn_neurons_digest(read), mmn_neurons_digest(neurons));
    cr_assert_str_eq(mmn_selection_names[read->selection], by);
    cr_assert_eq(mmn_result_read(&again, file, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_result_json(result, &before, &error), MMN_OK);
    cr_assert_eq(mmn_result_json(again, &after, &error), MMN_OK);
    cr_assert_str_eq(before, after, "%s", by);
    mmn_release(before);
    mmn_release(after);
    mmn_result_free(result);
    mmn_result_free(again);
    mmn_neurons_free(read);
}

Test(selections, are_those_of_numpy)
{
    static const char *const all[] = {"entropy", "probability", "value-entropy", "parameter-change",
                                      "random"};
    const char *checkpoint = text_of("checkpoint");
    char folder[PATH_SIZE];
    snprintf(folder, sizeof(folder), CHECKPOINTS "%s", checkpoint);
    MMN_NEEDS(folder);
    make_second(checkpoint);
    mmn_model *model = open_model(folder, 0), *second = open_model(scratch, 0);
    const char *file = count_texts(model, "counts", 0, 1);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        mmn_neurons *neurons = rank_by(all[i], file, model, second);
        check_selection(all[i], neurons);
        check_file(all[i], neurons);
        mmn_neurons_free(neurons);
    }
    mmn_model_close(model);
    mmn_model_close(second);
}

/* The random neurons of all domains are what a random mask of theirs switches off. */
Test(selections, draw_as_masks_do)
{
    const char *checkpoint = text_of("checkpoint");
    char folder[PATH_SIZE];
    snprintf(folder, sizeof(folder), CHECKPOINTS "%s", checkpoint);
    MMN_NEEDS(folder);
    mmn_model *model = open_model(folder, 0);
    const char *file = count_texts(model, "counts", 0, 0);
    mmn_neurons *own = rank_by("entropy", file, NULL, NULL);
    mmn_neurons *drawn = rank_by("random", file, NULL, NULL);
    mmn_mask *of_own, *random, *of_drawn;
    cr_assert_eq(mmn_mask_from_neurons(&of_own, model, own, NULL, "all", 0, &error), MMN_OK);
    cr_assert_eq(mmn_mask_random(&random, of_own, (uint64_t)real_of("seed"), &error), MMN_OK);
    cr_assert_eq(mmn_mask_from_neurons(&of_drawn, model, drawn, NULL, "all", 0, &error), MMN_OK);
    const mmn_masked_module *a = &random->modules[0], *b = &of_drawn->modules[0];
    const size_t layers = a->module->layers;
    cr_assert_gt(a->first[layers], 0);
    cr_assert_arr_eq(a->first, b->first, (layers + 1) * sizeof(*a->first));
    cr_assert_arr_eq(a->neurons, b->neurons, a->first[layers] * sizeof(*a->neurons));
    mmn_mask_free(of_own);
    mmn_mask_free(random);
    mmn_mask_free(of_drawn);
    mmn_neurons_free(own);
    mmn_neurons_free(drawn);
    mmn_model_close(model);
}

/* Sums of absolute values are those of float64 up to the steps of 2^-20; and threads, batches and
 * an interruption change no bit of the file. */
Test(selections, sum_absolute_values)
{
    const char *checkpoint = text_of("checkpoint");
    char folder[PATH_SIZE];
    snprintf(folder, sizeof(folder), CHECKPOINTS "%s", checkpoint);
    MMN_NEEDS(folder);
    mmn_model *model = open_model(folder, 1), *other = open_model(folder, 3);
    const char *file = count_texts(model, "one", 1, 1);
    check_same_bytes(file, count_texts(other, "another", 0, 1));
    const json_t *expected = json_object_get(truth, "magnitude");
    mmn_counts *counts;
    mmn_activity activity;
    cr_assert_eq(mmn_counts_read(&counts, file, &error), MMN_OK, "%s", error.message);
    for (size_t d = 0; d < json_array_size(expected); d++) {
        const json_t *sums = json_array_get(expected, d);
        cr_assert(mmn_counts_activity(counts, 0, d, &activity));
        cr_assert_not_null(activity.magnitude);
        for (size_t n = 0; n < json_array_size(sums); n++) {
            const double wanted = json_number_value(json_array_get(sums, n));
            const double found = (double)activity.magnitude[n] * 0x1p-20;
            cr_assert(fabs(found - wanted) <= 1e-5 * wanted + 0x1p-21 * (double)activity.positions,
                      "domain %zu, neuron %zu: %.9g, %.9g", d, n, found, wanted);
        }
    }
    mmn_counts_free(counts);
    mmn_model_close(model);
    mmn_model_close(other);
}

Test(selections, compare_weights_of_every_family)
{
    const char *checkpoint, *module;
    json_t *modules, *layers;
    json_object_foreach(json_object_get(truth, "changes"), checkpoint, modules)
    {
        char folder[PATH_SIZE];
        snprintf(folder, sizeof(folder), CHECKPOINTS "%s", checkpoint);
        MMN_NEEDS(folder);
        make_second(checkpoint);
        mmn_model *model = open_model(folder, 3), *second = open_model(scratch, 0);
        json_object_foreach(modules, module, layers)
        {
            const size_t width = json_array_size(json_array_get(layers, 0));
            const size_t count = json_array_size(layers) * width;
            double *change = calloc(count, sizeof(*change));
            cr_assert_eq(mmn_parameter_changes(change, model, second, module, &error), MMN_OK, "%s",
                         error.message);
            for (size_t n = 0; n < count; n++) {
                const json_t *layer = json_array_get(layers, n / width);
                const double wanted = json_number_value(json_array_get(layer, n % width));
                cr_assert(fabs(change[n] - wanted) <= 1e-12 * wanted, "%s, %s, neuron %zu: %g, %g",
                          checkpoint, module, n, change[n], wanted);
            }
            free(change);
        }
        mmn_model_close(model);
        mmn_model_close(second);
        scratch_remove();
        scratch_make();
    }
}

static void check_refused(const mmn_rank_options *options, const char *file, mmn_status status,
                          const char *words)
{
    mmn_result *result;
    cr_assert_eq(mmn_rank(&result, file, options, &error), status, "%s", words);
    cr_assert(strstr(error.message, words), "%s", error.message);
}

Test(selections, say_what_is_missing)
{
    MMN_NEEDS(CHECKPOINTS "qwen2");
    mmn_model *model = open_model(CHECKPOINTS "qwen2", 0),
              *other = open_model(CHECKPOINTS "llama-3", 0);
    const char *file = count_texts(model, "counts", 0, 0);
    mmn_rank_options options = {.size = sizeof(options), .by = "value-entropy"};
    check_refused(&options, file, MMN_INPUT, "count --magnitudes");
    options.by = "luck";
    check_refused(&options, file, MMN_USAGE, "but by entropy, probability");
    options.by = "random";
    options.float32 = 1;
    check_refused(&options, file, MMN_USAGE, "by entropy");
    options.float32 = 0;
    options.rate = 1;
    options.bar = 0.01;
    check_refused(&options, file, MMN_INPUT, "not so many others");
    options.by = "parameter-change";
    check_refused(&options, file, MMN_USAGE, "two models");
    options.model = other;
    options.second = model;
    check_refused(&options, file, MMN_INPUT, "not the model that was counted");
    options.model = model;
    options.second = other;
    check_refused(&options, file, MMN_INPUT, "other modules, layers or neurons");
    mmn_model_close(model);
    mmn_model_close(other);
}
