/* Bootstrap: how far a mean of paired differences may be from what other samples would give. */
#include "study/bootstrap.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "functions.h"

/* ---- The normal distribution ----------------------------------------------------------------- */

/* The probability below x, right to 7.5e-8: Abramowitz and Stegun 26.2.17. Libraries' erf differ
 * from machine to machine. */
static double normal_below(double x)
{
    static const double b[] = {0.319381530, -0.356563782, 1.781477937, -1.821255978, 1.330274429};
    const double t = 1 / (1 + 0.2316419 * fabs(x));
    double sum = 0;
    for (size_t i = MMN_LENGTH(b); i-- > 0;)
        sum = (sum + b[i]) * t;
    const double above = 0.39894228040143268 * mmn_exp_f64(-0.5 * x * x) * sum;
    return x < 0 ? above : 1 - above;
}

/* Where the probability below is p, for p not nearer to 0 or 1 than one draw makes it. */
static double normal_quantile(double p)
{
    double low = -6, high = 6;
    for (int halved = 0; halved < 50; halved++) {
        const double middle = 0.5 * (low + high);
        if (normal_below(middle) < p)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

/* ---- Draws ----------------------------------------------------------------------------------- */

/* Differs from what other places in the library have there, so that numbers are independent. */
enum { PURPOSE = 0x626f6f74 };

static double mean_of(const double *differences, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += differences[i];
    return sum / (double)count;
}

static double draw_mean(const double *differences, size_t count, uint64_t seed, uint32_t draw)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const mmn_random_place place = {.seed = seed, .at = {draw, (uint32_t)i, PURPOSE}};
        sum += differences[mmn_random_below(&place, (uint32_t)count)];
    }
    return sum / (double)count;
}

static int compare(const void *a, const void *b)
{
    const double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

/* How skewed the mean is: a sixth of the differences' third moment by the 3/2th power of the
 * second, as sums; 0 where all are the same. */
static double acceleration_of(const double *differences, size_t count, double mean)
{
    double squares = 0, cubes = 0;
    for (size_t i = 0; i < count; i++) {
        const double deviation = differences[i] - mean;
        squares += deviation * deviation;
        cubes += deviation * deviation * deviation;
    }
    return squares > 0 ? cubes / (6 * squares * sqrt(squares)) : 0;
}

/* The normal quantile of how many drawn means, in ascending order, are below the mean; of those
 * that are the same, half. */
static double bias_of(const double *means, double mean)
{
    double below = 0;
    for (size_t i = 0; i < MMN_BOOTSTRAP_DRAWS; i++)
        below += means[i] < mean ? 1 : means[i] > mean ? 0 : 0.5;
    const double least = 0.5;
    below = below < least ? least : below;
    below = below > MMN_BOOTSTRAP_DRAWS - least ? MMN_BOOTSTRAP_DRAWS - least : below;
    return normal_quantile(below / MMN_BOOTSTRAP_DRAWS);
}

/* The drawn mean with the number that belongs to a normal quantile, from 1 on; counted from the
 * side on which there are fewer. */
static double pick(const double *means, double bias, double acceleration, double quantile)
{
    const double shifted = bias + quantile;
    const double share = normal_below(bias + shifted / (1 - acceleration * shifted));
    const double rest = share < 0.5 ? share : 1 - share;
    double number = floor(rest * (MMN_BOOTSTRAP_DRAWS + 1) + 1e-6);
    number = number < 1 ? 1 : number;
    return means[share < 0.5 ? (size_t)number - 1 : MMN_BOOTSTRAP_DRAWS - (size_t)number];
}

mmn_interval mmn_bootstrap(const double *differences, size_t count, uint64_t seed)
{
    const double quantile = 1.959963984540054; /* of 0.975 */
    double means[MMN_BOOTSTRAP_DRAWS];
    mmn_interval interval = {NAN, NAN, NAN};
    if (count == 0)
        return interval;
    interval.mean = mean_of(differences, count);
    if (count < 2 || count > UINT32_MAX || !isfinite(interval.mean))
        return interval;
    for (uint32_t draw = 0; draw < MMN_BOOTSTRAP_DRAWS; draw++)
        means[draw] = draw_mean(differences, count, seed, draw);
    qsort(means, MMN_BOOTSTRAP_DRAWS, sizeof(*means), compare);
    const double bias = bias_of(means, interval.mean);
    const double acceleration = acceleration_of(differences, count, interval.mean);
    interval.low = pick(means, bias, acceleration, -quantile);
    interval.high = pick(means, bias, acceleration, quantile);
    return interval;
}
