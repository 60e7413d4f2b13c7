/* The figure of parallel sentences: its table has what the pairs say, and its lines the means. */
#include <math.h>

#include "drawn.h"

TestSuite(report_similarity, .init = make_folder, .fini = remove_folder);

static const char *const similarity_file = DATA "similarity.json";

enum { STATES = 7 };

static double value_of(const json_t *pair, const char *key, size_t state)
{
    const json_t *value = json_array_get(json_object_get(pair, key), state);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

Test(report_similarity, repeats_the_pairs)
{
    json_t *result = load(similarity_file);
    const json_t *pairs = json_object_get(result, "pairs");
    mmn_report *report = report_of(&similarity_file, 1);
    csv table = read_csv(report, "similarity");
    cr_assert_eq(table.rows, json_array_size(pairs) * STATES);
    for (size_t r = 0; r < table.rows; r++) {
        const json_t *pair = json_array_get(pairs, r / STATES);
        const json_t *domains = json_object_get(pair, "domains");
        static const char *const texts[] = {"setting", "off"}, *const keys[] = {"parallel",
                                                                                "other"};
        for (size_t i = 0; i < 2; i++) {
            const double value = value_of(pair, keys[i], r % STATES);
            cr_expect_str_eq(field(&table, r, i), text_of(pair, texts[i]));
            cr_expect_str_eq(field(&table, r, 3 + i),
                             json_string_value(json_array_get(domains, i)));
            if (isnan(value))
                cr_expect_str_empty(field(&table, r, 7 + i));
            else
                cr_expect_eq(number(&table, r, 7 + i), value);
        }
        cr_expect_eq(number(&table, r, 5), real_of(pair, "sentences"));
        cr_expect_eq(number(&table, r, 6), r % STATES);
    }
    free_csv(&table);
    mmn_report_free(report);
    json_decref(result);
}

static bool has_domain(const json_t *pair, const char *domain)
{
    const json_t *domains = json_object_get(pair, "domains");
    return strcmp(json_string_value(json_array_get(domains, 0)), domain) == 0 ||
           strcmp(json_string_value(json_array_get(domains, 1)), domain) == 0;
}

/* The mean over a domain's pairs that have sentences in common, with this off. */
static double mean_of(const json_t *result, const char *off, const char *domain, const char *key,
                      size_t state)
{
    double sum = 0;
    size_t count = 0, i;
    json_t *pair;
    json_array_foreach(json_object_get(result, "pairs"), i, pair)
    {
        if (!says(pair, "off", off) || !has_domain(pair, domain) || real_of(pair, "sentences") == 0)
            continue;
        sum += value_of(pair, key, state);
        count++;
    }
    return sum / (double)count;
}

/* Cosines of all panels have one scale, which the ends of the first line give. */
Test(report_similarity, draws_the_means)
{
    static const char *const off[] = {"nothing", "domain", "random"};
    static const char *const keys[] = {"parallel", "other"}, *const domains[] = {"de", "en", "ja"};
    json_t *result = load(similarity_file);
    mmn_report *report = report_of(&similarity_file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    double first[STATES], heights[STATES];
    cr_assert_eq(drawn_line(first, STATES, page, "similarity", "s0", 0), STATES);
    const double from = mean_of(result, off[0], domains[0], keys[0], 0);
    const double slope = (first[STATES - 1] - first[0]) /
                         (mean_of(result, off[0], domains[0], keys[0], STATES - 1) - from);
    for (size_t panel = 0; panel < 3; panel++)
        for (size_t line = 0; line < 6; line++) {
            char classes[24];
            snprintf(classes, sizeof(classes), "%ss%zu", line % 2 ? "dashed " : "", line / 2);
            cr_assert_eq(drawn_line(heights, STATES, page, "similarity", classes, panel), STATES);
            for (size_t state = 0; state < STATES; state++) {
                const double mean =
                    mean_of(result, off[panel], domains[line / 2], keys[line % 2], state);
                cr_expect_float_eq(heights[state], first[0] + slope * (mean - from), 0.05);
            }
        }
    mmn_free(page);
    mmn_report_free(report);
    json_decref(result);
}

/* The last panel's lines are as high as there are neurons, from the axis on. */
Test(report_similarity, draws_the_neurons)
{
    json_t *result = load(similarity_file), *neurons;
    mmn_report *report = report_of(&similarity_file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    double heights[STATES], zero = 0, slope = 0;
    size_t domain;
    json_array_foreach(json_object_get(result, "neurons_by_layer"), domain, neurons)
    {
        const char classes[] = {'s', (char)('0' + domain), '\0'};
        cr_assert_eq(drawn_line(heights, STATES, page, "similarity", classes, 3), STATES - 1);
        for (size_t layer = 0; layer < STATES - 1; layer++) {
            const double count = item_of(neurons, "layers", layer);
            if (domain == 0 && layer < 2) {
                slope = layer == 0 ? count : (heights[1] - heights[0]) / (count - slope);
                zero = heights[layer] - slope * count;
            } else {
                cr_expect_float_eq(heights[layer], zero + slope * count, 0.1);
            }
        }
    }
    cr_expect_eq(domain, 3);
    mmn_free(page);
    mmn_report_free(report);
    json_decref(result);
}
