/* Bootstrap intervals: against those that Python makes of the same draws
 * (golden/make_bootstrap.py), against all draws that there are, and how often they hold the mean.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "study/bootstrap.h"

enum { MOST = 64 };

static size_t read_numbers(double numbers[MOST], const json_t *array)
{
    const size_t count = json_array_size(array);
    cr_assert_leq(count, MOST);
    for (size_t i = 0; i < count; i++)
        numbers[i] = json_number_value(json_array_get(array, i));
    return count;
}

Test(bootstrap, is_pythons_of_the_same_draws)
{
    json_t *cases = json_load_file(MMN_SOURCE_DIR "/tests/study/data/bootstrap.json", 0, NULL),
           *row;
    size_t i;
    cr_assert_gt(json_array_size(cases), 10);
    json_array_foreach(cases, i, row)
    {
        double differences[MOST], expected[MOST];
        const size_t count = read_numbers(differences, json_object_get(row, "differences"));
        const mmn_interval found = mmn_bootstrap(
            differences, count, (uint64_t)json_integer_value(json_object_get(row, "seed")));
        cr_assert_eq(read_numbers(expected, json_object_get(row, "interval")), 3);
        cr_expect_float_eq(found.mean, expected[0], 1e-13, "%zu", i);
        cr_expect_float_eq(found.low, expected[1], 1e-13, "%zu: %g and %g", i, found.low,
                           expected[1]);
        cr_expect_float_eq(found.high, expected[2], 1e-13, "%zu: %g and %g", i, found.high,
                           expected[2]);
    }
    json_decref(cases);
}

/* ---- Against all draws ----------------------------------------------------------------------- */

enum { SEEDS = 64, FEW = 6, ALL = 46656 /* FEW to the power of FEW */ };

static int compare(const void *a, const void *b)
{
    const double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

/* The share of all means that are below a value, ties counting half. */
static double share_below(const double *means, double value)
{
    double below = 0;
    for (size_t i = 0; i < ALL; i++)
        below += means[i] < value - 1e-12 ? 1 : means[i] > value + 1e-12 ? 0 : 0.5;
    return below / ALL;
}

static double quantile_of(double p)
{
    double low = -8, high = 8;
    for (int i = 0; i < 80; i++) {
        const double middle = (low + high) / 2;
        if (0.5 * erfc(-middle / sqrt(2)) < p)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* What share BCa wants below an end of the interval, from the whole distribution. */
static double wanted_share(const double *means, const double *differences, double mean,
                           double quantile)
{
    double squares = 0, cubes = 0;
    for (size_t i = 0; i < FEW; i++) {
        squares += pow(differences[i] - mean, 2);
        cubes += pow(differences[i] - mean, 3);
    }
    const double acceleration = cubes / (6 * pow(squares, 1.5));
    const double bias = quantile_of(share_below(means, mean)), shifted = bias + quantile;
    return 0.5 * erfc(-(bias + shifted / (1 - acceleration * shifted)) / sqrt(2));
}

/* The ends are where they would be if each of the FEW^FEW draws were made once, as far as drawing
 * 1,999 of them allows. */
Test(bootstrap, ends_where_all_draws_would)
{
    static const double differences[FEW] = {-0.9, -0.31, -0.17, 0.02, 0.11, -0.05};
    static double means[ALL];
    double mean = 0;
    for (size_t i = 0; i < FEW; i++)
        mean += differences[i] / FEW;
    for (size_t draw = 0; draw < ALL; draw++)
        for (size_t i = 0, rest = draw; i < FEW; i++, rest /= FEW)
            means[draw] += differences[rest % FEW] / FEW;
    qsort(means, ALL, sizeof(*means), compare);
    const double low = wanted_share(means, differences, mean, -1.959963984540054);
    const double high = wanted_share(means, differences, mean, 1.959963984540054);
    cr_expect_lt(low, 0.024, "the skewness is not corrected"); /* a plain percentile is 0.025 */
    double low_share = 0, high_share = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        const mmn_interval found = mmn_bootstrap(differences, FEW, seed);
        low_share += share_below(means, found.low) / SEEDS;
        high_share += share_below(means, found.high) / SEEDS;
    }
    /* A share of 1,999 draws has a standard deviation of some 0.004, twice as much with that of the
     * bias; here they are means over the seeds. */
    cr_expect_float_eq(low_share, low, 4 * 0.008 / sqrt(SEEDS), "%g, %g", low_share, low);
    cr_expect_float_eq(high_share, high, 4 * 0.008 / sqrt(SEEDS), "%g, %g", high_share, high);
    cr_log_info("below the ends %g and %g of all draws; wanted %g and %g", low_share, high_share,
                low, high);
}

/* ---- What it is for -------------------------------------------------------------------------- */

enum { ROWS = 60, REPETITIONS = 400 };

/* Of exponential differences, whose mean is 1: 95 % of the intervals hold it, less what skewness
 * and 60 rows leave. The sign must not matter. */
Test(bootstrap, holds_the_mean_as_often_as_it_says)
{
    size_t held = 0;
    for (uint32_t repetition = 0; repetition < REPETITIONS; repetition++) {
        double rows[ROWS], mirrored[ROWS];
        for (uint32_t i = 0; i < ROWS; i++) {
            const mmn_random_place place = {.seed = 5, .at = {repetition, i, 1}};
            rows[i] = -log(1 - mmn_random_unit(&place));
            mirrored[i] = -rows[i];
        }
        const mmn_interval found = mmn_bootstrap(rows, ROWS, 1);
        const mmn_interval other = mmn_bootstrap(mirrored, ROWS, 1);
        held += found.low <= 1 && 1 <= found.high;
        cr_expect_float_eq(found.low, -other.high, 1e-12);
        cr_expect_float_eq(found.high, -other.low, 1e-12);
    }
    cr_log_info("%zu of %d intervals hold the mean", held, REPETITIONS);
    cr_expect_geq(held, (size_t)(0.905 * REPETITIONS));
    cr_expect_leq(held, (size_t)(0.985 * REPETITIONS));
}

Test(bootstrap, has_no_interval_of_what_has_none)
{
    const double numbers[] = {0.5, NAN, 0.25};
    cr_expect(isnan(mmn_bootstrap(numbers, 0, 1).mean));
    cr_expect_eq(mmn_bootstrap(numbers, 1, 1).mean, 0.5);
    cr_expect(isnan(mmn_bootstrap(numbers, 1, 1).low));
    cr_expect(isnan(mmn_bootstrap(numbers, 3, 1).high));
}
