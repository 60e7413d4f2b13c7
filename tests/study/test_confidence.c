/* Confidence sequences: in simulations all their intervals hold the mean together as often as they
 * say, where plain intervals do not; and they are what the formula says. */
#include <criterion/criterion.h>
#include <math.h>

#include "base/random.h"
#include "study/confidence.h"

enum { REPETITIONS = 1000, SAMPLES = 1000 };

/* Rows of known mean, as differences of ln p are: skewed, and many of them nearly nothing. */
typedef double (*row_function)(double unit, double other);

static double exponential(double unit, double other)
{
    (void)other;
    return -log(1 - unit);
}

/* Two of three differ by nothing much. */
static double seldom(double unit, double other)
{
    return other < 2.0 / 3 ? 0.01 * unit - 0.005 : 3 * log(1 - unit);
}

/* Nine of ten are the same, and the others large. */
static double rare(double unit, double other)
{
    return other < 0.9 ? 0 : 10 * log(1 - unit);
}

/* The logarithm is normal: of skewness 6. */
static double lognormal(double unit, double other)
{
    return exp(sqrt(-2 * log(1 - unit)) * cos(2 * acos(-1) * other));
}

/* All are next to nothing, but for one of a hundred. */
static double unseen_for_long(double unit, double other)
{
    return other < 0.99 ? 0.001 * unit - 0.0005 : -4;
}

static double right_or_wrong(double unit, double other)
{
    (void)other;
    return unit < 0.1 ? -1 : unit < 0.85 ? 0 : 1;
}

/* Whether all intervals of a repetition hold the mean: those of the sequence, and (*plain) normal
 * ones of the same samples. */
static bool holds(row_function row, double mean, uint32_t repetition, bool *plain)
{
    mmn_confidence confidence = {0};
    bool all = true;
    *plain = true;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const mmn_random_place place = {.seed = 9, .at = {repetition, i, 0}};
        const mmn_random_place other = {.seed = 9, .at = {repetition, i, 1}};
        mmn_confidence_add(&confidence, row(mmn_random_unit(&place), mmn_random_unit(&other)));
        const double distance = fabs(confidence.mean - mean);
        const double count = (double)confidence.count;
        all = all && distance <= mmn_confidence_half_width(&confidence);
        if (isfinite(mmn_confidence_half_width(&confidence)))
            *plain = *plain && distance <= 1.96 * sqrt(confidence.squares / (count - 1) / count);
    }
    return all;
}

/* Of REPETITIONS, 95 % less three standard deviations of 1,000 repetitions. Plain intervals are
 * looked at as often, from the same sample on; returns how many of them hold it throughout. */
static size_t expect_held(const char *name, row_function row, double mean)
{
    size_t held = 0, plain = 0;
    for (uint32_t repetition = 0; repetition < REPETITIONS; repetition++) {
        bool is_plain;
        held += holds(row, mean, repetition, &is_plain);
        plain += is_plain;
    }
    cr_log_info("%s: %zu of %d sequences hold the mean throughout, %zu of plain intervals", name,
                held, REPETITIONS, plain);
    cr_expect_geq(held, (size_t)(REPETITIONS * 0.95 - 3 * sqrt(REPETITIONS * 0.95 * 0.05)), "%s",
                  name);
    cr_expect_lt(plain, held, "%s", name);
    return plain;
}

Test(confidence, holds_the_mean_at_every_time)
{
    cr_expect_lt(expect_held("exponential", exponential, 1), 0.8 * REPETITIONS);
    expect_held("seldom", seldom, -1);
    expect_held("rare", rare, -1);
    expect_held("lognormal", lognormal, exp(0.5));
    expect_held("unseen for long", unseen_for_long, -0.04);
    cr_expect_lt(expect_held("right or wrong", right_or_wrong, 0.05), 0.7 * REPETITIONS);
}

/* The sums of powers that a pass over all deviations gives. */
Test(confidence, keeps_moments)
{
    mmn_confidence confidence = {0};
    double rows[SAMPLES], mean = 0, squares = 0, cubes = 0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const mmn_random_place place = {.seed = 4, .at = {i}};
        rows[i] = 5 + exponential(mmn_random_unit(&place), 0);
        mean += rows[i] / SAMPLES;
        mmn_confidence_add(&confidence, rows[i]);
    }
    for (size_t i = 0; i < SAMPLES; i++) {
        squares += pow(rows[i] - mean, 2);
        cubes += pow(rows[i] - mean, 3);
    }
    cr_expect_float_eq(confidence.mean, mean, 1e-12);
    cr_expect_float_eq(confidence.squares, squares, 1e-9);
    cr_expect_float_eq(confidence.cubes, cubes, 1e-9);
}

/* What is skewed, or always the same so far, is not known by its first samples. */
Test(confidence, waits_where_little_has_been_seen)
{
    mmn_confidence skewed = {0}, same = {0};
    for (size_t i = 0; i < 200; i++) {
        mmn_confidence_add(&skewed, i % 50 == 7 ? -1 : 0);
        mmn_confidence_add(&same, 0.5);
    }
    cr_expect(isinf(mmn_confidence_half_width(&skewed)));
    cr_expect(isinf(mmn_confidence_half_width(&same)));
    for (size_t i = 200; i < 4000; i++)
        mmn_confidence_add(&skewed, i % 50 == 7 ? -1 : 0);
    cr_expect(isfinite(mmn_confidence_half_width(&skewed)));
}

/* ---- The formula ----------------------------------------------------------------------------- */

/* Differences -1 and 1 in turn: mean 0, and a known variance. */
static mmn_confidence in_turn(size_t count, size_t tightest)
{
    mmn_confidence confidence = {.tightest = tightest};
    for (size_t i = 0; i < count; i++)
        mmn_confidence_add(&confidence, i % 2 ? 1 : -1);
    return confidence;
}

Test(confidence, is_as_wide_as_the_formula_says)
{
    static const size_t counts[] = {50, 100, 1000, 100000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        const mmn_confidence confidence = in_turn(counts[i], 400);
        const double t = (double)counts[i];
        const double rho = sqrt((-2 * log(0.05) + log(-2 * log(0.05)) + 1) / 400);
        const double deviation = sqrt(t / (t - 1));
        const double half = deviation * sqrt(2 * (t * rho * rho + 1) / (t * t * rho * rho) *
                                             log(sqrt(t * rho * rho + 1) / 0.05)) +
                            4 * log(40) / t;
        cr_expect_float_eq(confidence.mean, 0, 1e-12);
        cr_expect_float_eq(mmn_confidence_half_width(&confidence), half, 1e-12 * half);
    }
    cr_expect(isinf(mmn_confidence_half_width(&(mmn_confidence){0})));
    const mmn_confidence few = in_turn(MMN_CONFIDENCE_FIRST - 1, 0);
    cr_expect(isinf(mmn_confidence_half_width(&few)));
}

/* After so many samples no other choice of the parameter is much tighter. */
Test(confidence, is_tightest_where_it_shall_be)
{
    static const size_t others[] = {60, 150, 300, 600, 2000};
    const mmn_confidence chosen = in_turn(300, 300);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const mmn_confidence other = in_turn(300, others[i]);
        cr_expect_leq(mmn_confidence_half_width(&chosen), 1.001 * mmn_confidence_half_width(&other),
                      "%zu", others[i]);
    }
    cr_expect_lt(mmn_confidence_half_width(&chosen), 1.6 * 1.96 / sqrt(300) + 4 * log(40) / 300);
}

/* ---- Bounded differences --------------------------------------------------------------------- */

/* Right with the neurons off as well, but for one of fifty. */
static double nearly_always_right(double unit, double other)
{
    (void)other;
    return unit < 0.02 ? -1 : 0;
}

static double always(double unit, double other)
{
    (void)unit;
    (void)other;
    return -1;
}

static double between(double unit, double other)
{
    return unit * unit - (other < 0.5 ? 1 : 0);
}

/* It promises more than an asymptotic one: nothing is left to how many samples there are. */
static void expect_bounded(const char *name, row_function row, double mean)
{
    size_t held = 0;
    for (uint32_t repetition = 0; repetition < REPETITIONS; repetition++) {
        mmn_bounded_confidence confidence = {0};
        bool all = true;
        for (uint32_t i = 0; i < SAMPLES; i++) {
            const mmn_random_place place = {.seed = 9, .at = {repetition, i, 2}};
            const mmn_random_place other = {.seed = 9, .at = {repetition, i, 3}};
            mmn_bounded_confidence_add(&confidence,
                                       row(mmn_random_unit(&place), mmn_random_unit(&other)));
            all = all && fabs(mmn_bounded_confidence_centre(&confidence) - mean) <=
                             mmn_bounded_confidence_half_width(&confidence);
        }
        held += all;
    }
    cr_log_info("%s: %zu of %d bounded sequences hold the mean throughout", name, held,
                REPETITIONS);
    cr_expect_geq(held, (size_t)(REPETITIONS * 0.95 - 3 * sqrt(REPETITIONS * 0.95 * 0.05)), "%s",
                  name);
}

Test(confidence, of_bounded_differences_holds_the_mean_at_every_time)
{
    expect_bounded("right or wrong", right_or_wrong, 0.05);
    expect_bounded("nearly always right", nearly_always_right, -0.02);
    expect_bounded("always wrong", always, -1);
    expect_bounded("between", between, 1.0 / 3 - 0.5);
}

/* Differences that are all the same are known before a list of 1,000 is through, and a mean as well
 * as the formula says, whose sums are made here after the samples. */
Test(confidence, of_bounded_differences_is_what_the_formula_says)
{
    mmn_bounded_confidence same = {0}, found = {0};
    double x[SAMPLES], weights = 0, weighted = 0, spread = 0;
    for (uint32_t i = 0; i < 600; i++)
        mmn_bounded_confidence_add(&same, 0);
    cr_expect_lt(mmn_bounded_confidence_half_width(&same), 0.03);
    cr_expect_float_eq(mmn_bounded_confidence_centre(&same), 0, 1e-12);
    cr_expect(isinf(mmn_bounded_confidence_half_width(&(mmn_bounded_confidence){0})));
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const mmn_random_place place = {.seed = 3, .at = {i}};
        const double difference = right_or_wrong(mmn_random_unit(&place), 0);
        double mean = 0.5, variance = 0.25, total = 0.5;
        x[i] = (difference + 1) / 2;
        for (size_t k = 0; k < i; k++) {
            total += x[k];
            variance += pow(x[k] - total / (double)(k + 2), 2);
            mean = total / (double)(k + 2);
        }
        const double t = i + 1;
        const double l = fmin(sqrt(2 * log(2 / 0.05) / (variance / t * t * log(1 + t))), 0.5);
        weights += l;
        weighted += l * x[i];
        spread += 4 * pow(x[i] - mean, 2) * (-log(1 - l) - l) / 4;
        mmn_bounded_confidence_add(&found, difference);
    }
    cr_expect_float_eq(mmn_bounded_confidence_centre(&found), 2 * weighted / weights - 1, 1e-12);
    cr_expect_float_eq(mmn_bounded_confidence_half_width(&found),
                       2 * (log(2 / 0.05) + spread) / weights, 1e-12);
}
