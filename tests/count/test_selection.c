/* Selection: of every module of every family, the neurons of all domains together are as many as
 * LAPE selects, round(rate x layers x neurons), unless fewer pass the bar, which the test finds
 * itself. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "mmneuron.h"
#include "count/counts.h"
#include "count/neurons.h"
#include "tests/tools/needs.h"

#define CHECKPOINTS MMN_SOURCE_DIR "/golden/checkpoints/"
#define IMAGES MMN_SOURCE_DIR "/golden/images/"

static mmn_error error;
static char list[] = "/tmp/mmneuron-selection-XXXXXX", counted[64], ranked[64], rows[64];

static const char questions[] =
    "{\"domain\": \"everyday\", \"image\": \"" IMAGES "cat.jpg\", \"question\": \"Who is it?\"}\n"
    "{\"domain\": \"medical\", \"image\": \"" IMAGES
    "retina.jpg\", \"question\": \"What is seen?\"}\n"
    "{\"domain\": \"shapes\", \"image\": \"" IMAGES "wide.jpg\", \"question\": \"How many?\"}\n";
static const char texts[] =
    "{\"domain\": \"de\", \"text\": \"Jedes Neuron einer Schicht liest dieselben Zahlen.\"}\n"
    "{\"domain\": \"en\", \"text\": \"Every neuron of a layer reads the same numbers as the "
    "rest.\"}\n"
    "{\"domain\": \"fr\", \"text\": \"Chaque neurone d'une couche lit les m\xc3\xaames "
    "nombres.\"}\n";

static void set_up(void)
{
    int descriptor = mkstemp(list);
    cr_assert_geq(descriptor, 0);
    close(descriptor);
    snprintf(counted, sizeof counted, "%s.counts", list);
    snprintf(ranked, sizeof ranked, "%s.json", list);
    snprintf(rows, sizeof rows, "%s.ranking.tsv", list);
}

static void tear_down(void)
{
    unlink(list);
    unlink(counted);
    unlink(ranked);
    unlink(rows);
}

TestSuite(selection, .init = set_up, .fini = tear_down);

static int compare_shares(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

/* How many neurons of a module are active in some domain more often than `bar` of all shares. */
static size_t passing(const mmn_counts *counts, size_t module, double bar)
{
    size_t neurons = (size_t)counts->modules[module].layers * counts->modules[module].neurons;
    size_t domains = counts->domain_count, passed = 0;
    double *shares = calloc(neurons * domains, sizeof *shares), *sorted;
    sorted = calloc(neurons * domains, sizeof *sorted);
    for (size_t n = 0; n < neurons; n++)
        for (size_t d = 0; d < domains; d++) {
            const mmn_count_cell *cell = &counts->domains[d].cells[module];
            shares[n * domains + d] = (double)cell->fields[MMN_FIELD_COUNT][n] /
                                      (double)cell->fields[MMN_FIELD_TOKENS][0];
        }
    memcpy(sorted, shares, neurons * domains * sizeof *sorted);
    qsort(sorted, neurons * domains, sizeof *sorted, compare_shares);
    double limit = sorted[(size_t)rint(bar * (double)(neurons * domains)) - 1];
    for (size_t n = 0; n < neurons; n++) {
        bool above = false;
        for (size_t d = 0; d < domains; d++)
            above = above || shares[n * domains + d] > limit;
        passed += above;
    }
    free(shares);
    free(sorted);
    return passed;
}

/* How many neurons are in any domain's list. */
static size_t united(const mmn_listed_module *module, size_t domains)
{
    size_t neurons = (size_t)module->layers * module->neurons, count = 0;
    bool *listed = calloc(neurons, sizeof *listed);
    for (size_t d = 0; d < domains; d++)
        for (size_t i = 0; i < module->lists[d].count; i++)
            listed[module->lists[d].numbers[i]] = true;
    for (size_t n = 0; n < neurons; n++)
        count += listed[n];
    free(listed);
    return count;
}

static void check_rate(const char *model, double rate, double bar)
{
    const mmn_rank_options options = {.size = sizeof(options), .rate = rate, .bar = bar};
    mmn_result *ranking;
    mmn_counts *counts;
    mmn_neurons *lists;
    cr_assert_eq(mmn_rank(&ranking, counted, &options, &error), MMN_OK, "%s: %s", model,
                 error.message);
    cr_assert_eq(mmn_result_write(ranking, ranked, &error), MMN_OK);
    mmn_result_free(ranking);
    cr_assert_eq(mmn_counts_read(&counts, counted, &error), MMN_OK);
    cr_assert_eq(mmn_neurons_read(&lists, ranked, &error), MMN_OK);
    cr_assert_eq(lists->module_count, counts->module_count, "%s", model);
    for (size_t m = 0; m < counts->module_count; m++) {
        const mmn_counted_module *module = &counts->modules[m];
        size_t wanted = (size_t)rint(rate * (double)((size_t)module->layers * module->neurons));
        size_t passed = passing(counts, m, bar);
        size_t found = united(mmn_neurons_find_module(lists, module->name), lists->domain_count);
        cr_assert_eq(found, wanted < passed ? wanted : passed,
                     "%s, %s, rate %g: %zu of %zu, %zu pass", model, module->name, rate, found,
                     wanted, passed);
    }
    mmn_counts_free(counts);
    mmn_neurons_free(lists);
}

/* `lines` is the list's text. */
static void check_model(const char *name, const char *lines, size_t modules)
{
    char folder[512];
    mmn_model *model;
    mmn_counts *counts;
    const mmn_count_options options = {.size = sizeof(options), .list = list, .output = counted};
    snprintf(folder, sizeof folder, CHECKPOINTS "%s", name);
    if (!mmn_build_reads(folder))
        return;
    cr_assert_eq(mmn_write_file(list, lines, strlen(lines), &error), MMN_OK);
    cr_assert_eq(mmn_model_open(&model, folder, NULL, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_count(model, &options, NULL, &error), MMN_OK, "%s: %s", name, error.message);
    mmn_model_close(model);
    cr_assert_eq(mmn_counts_read(&counts, counted, &error), MMN_OK);
    cr_assert_eq(counts->module_count, modules, "%s", name);
    mmn_counts_free(counts);
    check_rate(name, 0.01, 0.95);
    check_rate(name, 0.05, 0.8);
    check_rate(name, 0.5, 0.95); /* more than pass */
}

Test(selection, of_models_that_read_images)
{
    check_model("llava-1.5", questions, 3);
    check_model("llava-v1.6-mistral", questions, 3);
    check_model("llava-interleave-qwen", questions, 3);
    check_model("instructblip", questions, 4);
}

Test(selection, of_models_that_read_texts)
{
    static const char *const names[] = {"llama-2", "llama-3", "mistral", "qwen2",
                                        "bloom",   "opt",     "phi"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        check_model(names[i], texts, 1);
    check_model("llava-1.5", texts, 1);
}
