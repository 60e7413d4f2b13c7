/* Reports of counts files: the neurons they are ranked to, and the distribution of entropy. */
#include <math.h>

#include "count/counts.h"
#include "results.h"

enum { LAYERS = 4, NEURONS = 50, ALL = LAYERS * NEURONS, DOMAINS = 3, TOKENS = 1000, BINS = 40 };

TestSuite(report_counts, .init = make_folder, .fini = remove_folder);

static const char *const domains[DOMAINS] = {"driving", "everyday", "medical"};
static int64_t active[DOMAINS][ALL];

/* Counts that look random, of which some neurons are active in one domain only. */
static void write_counts(const char *file)
{
    static const mmn_counted_module module = {"language", LAYERS, NEURONS, LAYERS, false};
    mmn_counts *counts;
    uint64_t state = 7;
    cr_assert_eq(mmn_counts_create(&counts, &module, 1, NULL), MMN_OK);
    for (size_t d = 0; d < DOMAINS; d++)
        cr_assert_eq(mmn_counts_add_domain(counts, domains[d], NULL), MMN_OK);
    snprintf(counts->version, sizeof(counts->version), "0.1.0");
    memset(counts->model, 'a', 32);
    memset(counts->data, '7', 32);
    counts->settings = mmn_copy_text("{}", NULL);
    for (size_t d = 0; d < DOMAINS; d++) {
        counts->domains[d].cells[0].fields[MMN_FIELD_TOKENS][0] = TOKENS;
        for (size_t i = 0; i < ALL; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            active[d][i] = i % 9 == 0 && i % DOMAINS != d ? 0 : (int64_t)(state >> 40) % TOKENS;
            counts->domains[d].cells[0].fields[MMN_FIELD_COUNT][i] = active[d][i];
        }
    }
    cr_assert_eq(mmn_counts_write(counts, file, &error), MMN_OK, "%s", error.message);
    mmn_counts_free(counts);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The entropies of the neurons above the bar, ascending: the definition, by the C library's log. */
static size_t entropies(double *entropy, double quantile)
{
    double p[ALL * DOMAINS];
    size_t passed = 0;
    for (size_t i = 0; i < ALL * DOMAINS; i++)
        p[i] = (double)active[i % DOMAINS][i / DOMAINS] / TOKENS;
    qsort(p, ALL * DOMAINS, sizeof(double), compare);
    const double bar = p[(size_t)nearbyint(quantile * ALL * DOMAINS) - 1];
    for (size_t i = 0; i < ALL; i++) {
        double sum = 0, largest = 0, h = 0;
        for (size_t d = 0; d < DOMAINS; d++) {
            sum += (double)active[d][i] / TOKENS;
            largest = fmax(largest, (double)active[d][i] / TOKENS);
        }
        for (size_t d = 0; d < DOMAINS; d++)
            if (active[d][i] > 0)
                h -= active[d][i] / (TOKENS * sum) * log(active[d][i] / (TOKENS * sum));
        if (largest > bar)
            entropy[passed++] = fabs(h);
    }
    qsort(entropy, passed, sizeof(double), compare);
    return passed;
}

static void is_distribution(const mmn_report *report, double quantile, size_t selected)
{
    double entropy[ALL];
    const size_t passed = entropies(entropy, quantile);
    const double from = entropy[0], width = (log(DOMAINS) - from) / BINS;
    csv table = read_csv(report, "entropy");
    cr_assert_eq(table.rows, BINS);
    cr_assert(passed > selected && selected > 0);
    size_t counted = 0;
    for (size_t b = 0; b < BINS; b++) {
        size_t expected = 0;
        for (size_t i = 0; i < passed; i++)
            expected += entropy[i] >= from + (double)b * width &&
                        (entropy[i] < from + (double)(b + 1) * width || b + 1 == BINS);
        cr_assert_float_eq(number(&table, b, 1), from + (double)b * width, 1e-12);
        cr_assert_float_eq(number(&table, b, 2), from + (double)(b + 1) * width, 1e-12);
        cr_assert_eq(number(&table, b, 3), expected, "bin %zu", b);
        cr_assert_float_eq(number(&table, b, 4), entropy[selected - 1], 1e-12);
        counted += expected;
    }
    cr_assert_eq(counted, passed);
    free_csv(&table);
}

/* The same by exp(H), rounded: in how many domains neurons are active. */
static void is_by_domains(const mmn_report *report, double quantile, size_t selected)
{
    double entropy[ALL];
    const size_t passed = entropies(entropy, quantile);
    csv table = read_csv(report, "effective");
    cr_assert_eq(table.rows, DOMAINS);
    for (size_t d = 0; d < DOMAINS; d++) {
        size_t all = 0, chosen = 0;
        for (size_t i = 0; i < passed; i++) {
            const bool there = nearbyint(exp(entropy[i])) == (double)d + 1;
            all += there;
            chosen += there && i < selected;
        }
        cr_assert_eq(number(&table, d, 1), d + 1);
        cr_assert_eq(number(&table, d, 2), all, "%zu domains", d + 1);
        cr_assert_eq(number(&table, d, 3), chosen, "%zu domains", d + 1);
    }
    free_csv(&table);
}

Test(report_counts, are_ranked_as_by_default)
{
    const char *const file = in_folder("counts");
    write_counts(file);
    mmn_report *report = report_of(&file, 1);
    cr_assert_eq(mmn_report_figure_count(report), 5);
    is_distribution(report, 0.95, 2);
    is_by_domains(report, 0.95, 2);
    mmn_report_free(report);
}

Test(report_counts, are_ranked_as_the_neurons)
{
    char file[128];
    mmn_result *ranking;
    snprintf(file, sizeof(file), "%s", in_folder("counts"));
    write_counts(file);
    const mmn_rank_options options = {.size = sizeof(options), .rate = 0.1, .bar = 0.8};
    cr_assert_eq(mmn_rank(&ranking, file, &options, &error), MMN_OK);
    cr_assert_eq(mmn_result_write(ranking, in_folder("neurons.json"), &error), MMN_OK);
    mmn_result_free(ranking);
    const char *const files[] = {in_folder("neurons.json"), file};
    mmn_report *report = report_of(files, 2);
    is_distribution(report, 0.8, 20);
    is_by_domains(report, 0.8, 20);
    mmn_report_free(report);
}
