/* Statistics of encoding, against NumPy, SciPy and scikit-learn (golden/make_encoding.py). */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>

#include "study/encoding.h"

enum { MOST = 1024 };

static json_t *expected;

static void open_file(void)
{
    expected = json_load_file(MMN_SOURCE_DIR "/tests/study/data/encoding.json", 0, NULL);
    cr_assert_not_null(expected);
}

static void close_file(void)
{
    json_decref(expected);
}

TestSuite(encoding, .init = open_file, .fini = close_file);

static size_t number(const json_t *row, const char *key)
{
    return (size_t)json_integer_value(json_object_get(row, key));
}

static size_t read_numbers(double numbers[MOST], const json_t *array)
{
    const size_t count = json_array_size(array);
    cr_assert_leq(count, MOST);
    for (size_t i = 0; i < count; i++)
        numbers[i] = json_number_value(json_array_get(array, i));
    return count;
}

Test(encoding, draws_events)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(expected, "draws"), i, row)
    {
        uint32_t drawn[MOST], counts[MOST];
        double wanted[MOST];
        const size_t events = read_numbers(wanted, json_object_get(row, "drawn"));
        mmn_encoding_draw(drawn, counts, (uint32_t)events, number(row, "seed"),
                          (uint32_t)number(row, "draw"));
        for (size_t j = 0; j < events; j++)
            cr_expect_eq(drawn[j], (uint32_t)wanted[j], "draw %zu, place %zu", i, j);
    }
    cr_expect_eq(i, 2);
}

Test(encoding, intervals)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(expected, "intervals"), i, row)
    {
        double scores[MOST], wanted[MOST];
        const size_t count = read_numbers(scores, json_object_get(row, "scores"));
        read_numbers(wanted, json_object_get(row, "interval"));
        const mmn_interval found = mmn_encoding_interval(scores, count);
        cr_expect_float_eq(found.mean, wanted[0], 1e-14);
        cr_expect_float_eq(found.low, wanted[1], 1e-14);
        cr_expect_float_eq(found.high, wanted[2], 1e-14);
    }
    cr_expect_eq(i, 4);
    cr_expect(isnan(mmn_encoding_interval(NULL, 0).low));
}

static void compare(const json_t *row)
{
    double first[MOST], second[MOST];
    bool predicted[2][MOST];
    uint32_t room[MOST];
    const size_t bins = number(row, "bins"), draws = number(row, "draws");
    read_numbers(first, json_object_get(row, "first"));
    read_numbers(second, json_object_get(row, "second"));
    for (size_t model = 0; model < 2; model++)
        for (size_t bin = 0; bin < bins; bin++)
            predicted[model][bin] =
                json_integer_value(json_array_get(
                    json_array_get(json_object_get(row, "predicted"), model), bin)) != 0;
    const mmn_encoding_site sites[] = {{first, draws, predicted[0]}, {second, draws, predicted[1]}};
    const mmn_encoding_comparison found = mmn_encoding_compare(&sites[0], &sites[1], bins, draws,
                                                               number(row, "seed"),
                                                               (uint32_t)number(row, "site"), room);
    const json_t *p = json_object_get(row, "p");
    if (json_is_null(p)) {
        cr_expect_eq(found.outcome, MMN_ENCODING_SECOND_ALONE);
        cr_expect(isnan(found.p) && isnan(found.difference));
        return;
    }
    cr_expect_eq(found.outcome, MMN_ENCODING_COMPARED);
    cr_expect_float_eq(found.p, json_number_value(p), 1e-14);
    cr_expect_float_eq(found.difference, json_number_value(json_object_get(row, "difference")),
                       1e-13);
}

Test(encoding, compares_sites)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(expected, "comparisons"), i, row) compare(row);
    cr_expect_eq(i, 4);
}

Test(encoding, leaves_out_sites_that_no_model_predicts)
{
    const double scores[12] = {0};
    const bool predicted[12] = {true, true, true};
    uint32_t room[12];
    const mmn_encoding_site site = {scores, 1, predicted};
    const mmn_encoding_comparison found = mmn_encoding_compare(&site, &site, 12, 1, 1, 0, room);
    cr_expect_eq(found.outcome, MMN_ENCODING_UNTESTED);
    cr_expect_eq(found.bins, 3);
    cr_expect(isnan(found.p));
}

Test(encoding, finds_discoveries)
{
    size_t i;
    const json_t *row;
    mmn_error error;
    json_array_foreach(json_object_get(expected, "discoveries"), i, row)
    {
        double p[MOST], wanted[MOST];
        bool found[MOST];
        size_t count = read_numbers(p, json_object_get(row, "p"));
        read_numbers(wanted, json_object_get(row, "found"));
        p[count++] = NAN; /* is none, and changes no other */
        cr_assert_eq(mmn_encoding_discoveries(found, p, count, 0.05, &error), MMN_OK);
        cr_expect_not(found[--count]);
        for (size_t j = 0; j < count; j++)
            cr_expect_eq(found[j], wanted[j] > 0, "list %zu, place %zu", i, j);
    }
    cr_expect_eq(i, 3);
}

Test(encoding, projects)
{
    size_t i;
    const json_t *row;
    mmn_error error;
    double x[MOST], wanted[MOST], found[2][MOST];
    json_array_foreach(json_object_get(expected, "dimensions"), i, row)
    {
        read_numbers(x, row);
        cr_expect_eq(mmn_encoding_dimension((size_t)x[0], x[1]), (size_t)x[2]);
    }
    cr_expect_eq(i, 3);
    row = json_object_get(expected, "projection");
    read_numbers(x, json_object_get(row, "x"));
    const size_t count = read_numbers(wanted, json_object_get(row, "projected"));
    for (int threads = 1; threads <= 2; threads++)
        cr_assert_eq(mmn_encoding_project(found[threads - 1], x, number(row, "events"),
                                          number(row, "features"), number(row, "dimension"),
                                          number(row, "seed"), threads, &error),
                     MMN_OK);
    for (size_t j = 0; j < count; j++) {
        cr_expect_float_eq(found[0][j], wanted[j], 1e-13, "number %zu", j);
        cr_expect_eq(found[0][j], found[1][j]);
    }
}
