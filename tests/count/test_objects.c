/* Counts and neurons as a program sees them: against the numbers that were put in, PyTorch's
 * ranking, and the JSON of the same ranking. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "count/counts.h"
#include "tests/tools/failing_allocator.h"

#define CASES MMN_SOURCE_DIR "/tests/count/data/rank_cases.json"
#define LISTED MMN_SOURCE_DIR "/tests/mask/data/masked.json"

static mmn_error error;
static char file[] = "/tmp/mmneuron-objects-XXXXXX", neurons_file[64], table_file[64];

static void set_up(void)
{
    int descriptor = mkstemp(file);
    cr_assert_geq(descriptor, 0);
    close(descriptor);
    snprintf(neurons_file, sizeof(neurons_file), "%s.json", file);
    snprintf(table_file, sizeof(table_file), "%s.ranking.tsv", file);
}

static void tear_down(void)
{
    unlink(file);
    unlink(neurons_file);
    unlink(table_file);
}

TestSuite(objects, .init = set_up, .fini = tear_down);

/* Writes a case as counts of two modules of one layer that are alike, and reads them. */
static mmn_counts *counts_of(const json_t *test)
{
    const json_t *active = json_object_get(test, "active");
    const json_t *tokens = json_object_get(test, "tokens");
    const size_t neurons = json_array_size(json_array_get(active, 0));
    const mmn_counted_module modules[] = {{"vision", 1, (uint32_t)neurons, 0, false},
                                          {"language", 1, (uint32_t)neurons, 1, false}};
    mmn_counts *counts, *read;
    cr_assert_eq(mmn_counts_create(&counts, modules, 2, &error), MMN_OK);
    snprintf(counts->version, sizeof(counts->version), "0.1.0");
    memset(counts->model, 'a', 32);
    memset(counts->data, '7', 32);
    counts->settings = mmn_copy_text("{}", NULL);
    for (size_t d = 0; d < json_array_size(tokens); d++) {
        char name[] = "a";
        name[0] = (char)('a' + d);
        cr_assert_eq(mmn_counts_add_domain(counts, name, &error), MMN_OK);
        counts->domains[d].samples = 1 + d;
    }
    for (size_t d = 0; d < json_array_size(tokens); d++)
        for (size_t m = 0; m < 2; m++) {
            int64_t **fields = counts->domains[d].cells[m].fields;
            fields[MMN_FIELD_TOKENS][0] = json_integer_value(json_array_get(tokens, d));
            for (size_t n = 0; n < neurons; n++)
                fields[MMN_FIELD_COUNT][n] =
                    json_integer_value(json_array_get(json_array_get(active, d), n));
        }
    cr_assert_eq(mmn_counts_write(counts, file, &error), MMN_OK, "%s", error.message);
    mmn_counts_free(counts);
    cr_assert_eq(mmn_counts_read(&read, file, &error), MMN_OK, "%s", error.message);
    return read;
}

static json_t *load_cases(void)
{
    json_t *cases;
    cr_assert_eq(mmn_json_load(&cases, CASES, 1 << 24, &error), MMN_OK, "%s", error.message);
    return cases;
}

static mmn_neurons *rank_case(const mmn_counts *counts, const json_t *test)
{
    const mmn_rank_options options = {
        .size = sizeof(options),
        .rate = json_number_value(json_object_get(test, "rate")),
        .bar = json_number_value(json_object_get(test, "bar")),
        .assignment_bar = json_number_value(json_object_get(test, "assignment_bar")),
        .float32 = json_is_true(json_object_get(test, "float32"))};
    mmn_neurons *neurons;
    cr_assert_eq(mmn_neurons_rank(&neurons, counts, &options, &error), MMN_OK, "%s", error.message);
    return neurons;
}

/* ---- Counts ---------------------------------------------------------------------------------- */

Test(objects, counts_are_those_of_the_file)
{
    json_t *cases = load_cases();
    const json_t *test = json_array_get(cases, 0), *active = json_object_get(test, "active");
    mmn_counts *counts = counts_of(test);
    const mmn_counts_info info = *mmn_counts_describe(counts);
    cr_assert(info.module_count == 2 && info.domain_count == 5 && info.samples == 15);
    cr_assert(info.shard == 1 && info.shards == 1 && !info.unfinished && !info.unchecked);
    cr_assert_str_eq(info.version, "0.1.0");
    cr_assert_str_eq(info.settings, "{}");
    mmn_module module;
    cr_assert(mmn_counts_module(counts, 0, &module));
    cr_assert_str_eq(module.name, "vision");
    cr_assert(module.layers == 1 && module.first_inert_layer == 0);
    cr_assert_eq(mmn_counts_module(counts, 2, &module), 0);
    uint64_t samples;
    cr_assert_str_eq(mmn_counts_domain(counts, 4, &samples), "e");
    cr_assert_eq(samples, 5);
    cr_assert_null(mmn_counts_domain(counts, 5, NULL));
    mmn_activity activity;
    double p[5];
    cr_assert(mmn_counts_activity(counts, 1, 3, &activity));
    cr_assert_eq(activity.positions, 100);
    cr_assert_eq(activity.sum[3], 0);
    for (uint32_t n = 0; n < module.neurons; n++) {
        cr_assert_eq(activity.active[n],
                     json_integer_value(json_array_get(json_array_get(active, 3), n)));
        cr_assert_eq(mmn_counts_probabilities(counts, "language", 0, n, p, &error), MMN_OK);
        cr_assert(p[3] == (double)activity.active[n] / 100);
    }
    cr_assert_eq(mmn_counts_activity(counts, 1, 5, &activity), 0);
    cr_assert_eq(mmn_counts_probabilities(counts, "query", 0, 0, p, &error), MMN_USAGE);
    cr_assert_eq(mmn_counts_probabilities(counts, "vision", 1, 0, p, &error), MMN_USAGE);
    mmn_counts_free(counts);
    json_decref(cases);
}

/* ---- Neurons --------------------------------------------------------------------------------- */

/* The neurons of a domain in a setting of one module are those of PyTorch, with their entropies. */
static void check_domain(const mmn_neurons *neurons, const mmn_counts *counts, size_t domain,
                         const json_t *expected)
{
    const json_t *numbers = json_array_get(json_object_get(expected, "lists"), domain);
    const json_t *ranked = json_object_get(expected, "ranked");
    const json_t *entropies = json_object_get(expected, "entropy");
    const size_t domains = mmn_counts_describe(counts)->domain_count;
    mmn_neuron *list;
    size_t count;
    cr_assert_eq(mmn_neurons_list(&list, &count, neurons, mmn_neurons_domain(neurons, domain),
                                  "vision", &error),
                 MMN_OK, "%s", error.message);
    cr_assert_eq(count, json_array_size(numbers));
    for (size_t i = 0; i < count; i++) {
        double p[8];
        size_t rank = 0;
        cr_assert_str_eq(list[i].module, "vision");
        cr_assert_eq(list[i].layer, 0);
        cr_assert_eq(list[i].neuron, json_integer_value(json_array_get(numbers, i)));
        while (json_integer_value(json_array_get(ranked, rank)) != list[i].neuron)
            rank++;
        cr_assert_float_eq(list[i].entropy, json_number_value(json_array_get(entropies, rank)),
                           1e-6);
        cr_assert_eq(mmn_counts_probabilities(counts, "vision", 0, list[i].neuron, p, &error),
                     MMN_OK);
        for (size_t d = 0; d < domains; d++)
            cr_assert_float_eq(list[i].p[d], p[d], 1e-7);
    }
    mmn_release(list);
}

Test(objects, neurons_are_those_of_pytorch)
{
    json_t *cases = load_cases();
    const json_t *test;
    size_t number;
    json_array_foreach(cases, number, test)
    {
        mmn_counts *counts = counts_of(test);
        mmn_neurons *neurons = rank_case(counts, test);
        for (size_t d = 0; mmn_neurons_domain(neurons, d); d++)
            check_domain(neurons, counts, d, json_object_get(test, "expected"));
        mmn_counts_free(counts);
        mmn_neurons_free(neurons);
    }
    cr_assert_gt(number, 10);
    json_decref(cases);
}

Test(objects, settings_and_unions_are_taken_as_masks_take_them)
{
    json_t *cases = load_cases();
    mmn_counts *counts = counts_of(json_array_get(cases, 0));
    mmn_neurons *neurons = rank_case(counts, json_array_get(cases, 0));
    mmn_neuron *list;
    size_t count;
    cr_assert_eq(mmn_neurons_list(&list, &count, neurons, NULL, "all", &error), MMN_OK);
    cr_assert_eq(count, 30);
    cr_assert_str_eq(list[14].module, "vision");
    cr_assert_str_eq(list[15].module, "language");
    mmn_release(list);
    cr_assert_eq(mmn_neurons_list(&list, &count, neurons, "a,b,a", "language+vision", &error),
                 MMN_OK);
    cr_assert_eq(count, 12);
    for (size_t i = 1; i < 6; i++)
        cr_assert_gt(list[i].neuron, list[i - 1].neuron);
    mmn_release(list);
    cr_assert_eq(mmn_neurons_list(&list, &count, neurons, "a", "none", &error), MMN_OK);
    cr_assert_eq(count, 0);
    mmn_release(list);
    cr_assert_eq(mmn_neurons_list(&list, &count, neurons, "f", "all", &error), MMN_USAGE);
    cr_assert_not_null(strstr(error.message, "no domain \"f\""), "%s", error.message);
    cr_assert_eq(mmn_neurons_list(&list, &count, neurons, "a", "query", &error), MMN_USAGE);
    cr_assert_null(list);
    mmn_counts_free(counts);
    mmn_neurons_free(neurons);
    json_decref(cases);
}

/* A program that ranks counts, and one that reads the file which rank wrote of them. */
Test(objects, ranked_neurons_are_those_of_their_file)
{
    json_t *cases = load_cases();
    mmn_counts *counts = counts_of(json_array_get(cases, 1));
    mmn_neurons *neurons = rank_case(counts, json_array_get(cases, 1)), *read;
    mmn_result *result, *again;
    char *json, *text;
    cr_assert_eq(mmn_neurons_result(&result, neurons, &error), MMN_OK);
    cr_assert_eq(mmn_result_write(result, neurons_file, &error), MMN_OK, "%s", error.message);
    const mmn_rank_options options = {
        .size = sizeof(options), .rate = 0.1, .bar = 0.8, .assignment_bar = 0.9};
    cr_assert_eq(mmn_rank(&again, file, &options, &error), MMN_OK);
    cr_assert_eq(mmn_result_json(result, &json, &error), MMN_OK);
    cr_assert_eq(mmn_result_json(again, &text, &error), MMN_OK);
    cr_assert_str_eq(json, text);
    mmn_release(json);
    mmn_release(text);
    mmn_result_free(result);
    mmn_result_free(again);

    cr_assert_eq(mmn_neurons_read(&read, neurons_file, &error), MMN_OK, "%s", error.message);
    cr_assert_str_eq(mmn_neurons_digest(read), mmn_neurons_digest(neurons));
    cr_assert_str_eq(mmn_neurons_model(read), mmn_counts_describe(counts)->model);
    mmn_neuron *ranked, *listed;
    size_t count, other;
    cr_assert_eq(mmn_neurons_list(&ranked, &count, neurons, NULL, "all", &error), MMN_OK);
    cr_assert_eq(mmn_neurons_list(&listed, &other, read, NULL, "all", &error), MMN_OK);
    cr_assert_eq(count, other);
    for (size_t i = 0; i < count; i++) {
        cr_assert_str_eq(ranked[i].module, listed[i].module);
        cr_assert(ranked[i].layer == listed[i].layer && ranked[i].neuron == listed[i].neuron);
        cr_assert(ranked[i].p && isfinite(ranked[i].entropy));
        cr_assert(!listed[i].p && isnan(listed[i].entropy));
    }
    mmn_release(ranked);
    mmn_release(listed);
    mmn_module one, two;
    cr_assert(mmn_neurons_module(neurons, 0, &one) && mmn_neurons_module(read, 0, &two));
    cr_assert(one.neurons == two.neurons && one.first_inert_layer == two.first_inert_layer);
    cr_assert_eq(mmn_neurons_module(read, 2, &two), 0);
    cr_assert_eq(mmn_neurons_result(&result, read, &error), MMN_USAGE);
    cr_assert_null(result);
    mmn_neurons_free(neurons);
    mmn_neurons_free(read);
    mmn_counts_free(counts);
    json_decref(cases);
}

Test(objects, null_is_allowed_or_said)
{
    mmn_counts *counts;
    mmn_neurons *neurons;
    mmn_module module;
    size_t count;
    cr_assert_null(mmn_counts_describe(NULL));
    cr_assert(!mmn_counts_module(NULL, 0, &module) && !mmn_neurons_module(NULL, 0, &module));
    cr_assert(!mmn_counts_domain(NULL, 0, NULL) && !mmn_neurons_domain(NULL, 0));
    cr_assert(*mmn_neurons_digest(NULL) == '\0' && *mmn_neurons_model(NULL) == '\0');
    cr_assert_eq(mmn_counts_read(&counts, NULL, &error), MMN_USAGE);
    cr_assert_eq(mmn_neurons_read(&neurons, NULL, &error), MMN_USAGE);
    cr_assert_eq(mmn_neurons_rank(&neurons, NULL, NULL, &error), MMN_USAGE);
    cr_assert_eq(mmn_neurons_list(NULL, &count, NULL, NULL, NULL, &error), MMN_USAGE);
    cr_assert_eq(mmn_counts_read(&counts, LISTED, &error), MMN_INPUT);
    cr_assert_null(counts);
    mmn_counts_free(NULL);
    mmn_neurons_free(NULL);
}

Test(objects, survive_every_failed_allocation)
{
    json_t *cases = load_cases();
    mmn_counts_free(counts_of(json_array_get(cases, 0)));
    json_decref(cases);
    unsigned long number = 1;
    for (mmn_status status = MMN_SYSTEM; status != MMN_OK; number++) {
        mmn_counts *counts;
        mmn_neurons *neurons = NULL;
        mmn_neuron *list = NULL;
        size_t count;
        fail_allocation_at(number);
        status = mmn_counts_read(&counts, file, &error);
        if (status == MMN_OK)
            status = mmn_neurons_rank(&neurons, counts, NULL, &error);
        if (status == MMN_OK)
            status = mmn_neurons_list(&list, &count, neurons, "a,c", "all", &error);
        fail_allocation_at(0);
        cr_assert(status == MMN_OK || status == MMN_SYSTEM, "%lu: %s", number, error.message);
        cr_assert_eq(status == MMN_OK, list != NULL);
        mmn_release(list);
        mmn_neurons_free(neurons);
        mmn_counts_free(counts);
    }
    cr_assert_gt(number, 20);
}
