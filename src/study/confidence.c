/* Confidence sequences: how well a mean is known while its samples come in one after the other. */
#include "study/confidence.h"

#include <math.h>
#include <stdbool.h>

#include "functions.h"

#define ERROR 0.05 /* how likely it is that one of all intervals does not hold the mean */

/* Pebay, "Formulas for robust, one-pass parallel computation of covariances and arbitrary-order
 * statistical moments" (2008). */
void mmn_confidence_add(mmn_confidence *confidence, double difference)
{
    const double count = (double)++confidence->count;
    const double deviation = difference - confidence->mean, share = deviation / count;
    const double square = deviation * share * (count - 1);
    confidence->mean += share;
    confidence->cubes += square * share * (count - 2) - 3 * share * confidence->squares;
    confidence->squares += square;
}

/* Whether the count is more than 50 times the square of the skewness, which is
 * count * cubes^2 / squares^3. */
static bool is_near_normal(const mmn_confidence *confidence)
{
    const double squares = confidence->squares, cubes = confidence->cubes;
    return squares > 0 && squares * squares * squares > 50 * cubes * cubes;
}

/* r^2. */
static double parameter_of(const mmn_confidence *confidence)
{
    const size_t tightest = confidence->tightest > 0 ? confidence->tightest
                                                     : MMN_CONFIDENCE_TIGHTEST;
    const double twice = -2 * mmn_log_f64(ERROR);
    return (twice + mmn_log_f64(twice) + 1) / (double)tightest;
}

double mmn_confidence_half_width(const mmn_confidence *confidence)
{
    const double count = (double)confidence->count;
    if (confidence->count < MMN_CONFIDENCE_FIRST || !is_near_normal(confidence))
        return INFINITY;
    const double square = parameter_of(confidence), grown = count * square + 1;
    const double variance = confidence->squares / (count - 1);
    return sqrt(variance * 2 * grown / (count * count * square) * mmn_log_f64(sqrt(grown) / ERROR));
}
