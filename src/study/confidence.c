/* Confidence sequences: how well a mean is known while its samples come in one after the other. */
#include "study/confidence.h"

#include <math.h>
#include <stdbool.h>

#include "functions.h"

#define ERROR 0.05 /* how likely it is that one of all intervals does not hold the mean */
#define UNSEEN 4.0 /* how large, in nats, what only samples have that were not seen yet */

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
    const double seen =
        sqrt(variance * 2 * grown / (count * count * square) * mmn_log_f64(sqrt(grown) / ERROR));
    return seen + UNSEEN * mmn_log_f64(2 / ERROR) / count;
}

/* ---- Bounded differences --------------------------------------------------------------------- */

/* Before any sample the mean is 1/2 and the variance 1/4. */
static double mean_before(const mmn_bounded_confidence *confidence)
{
    return (0.5 + confidence->sum) / ((double)confidence->count + 1);
}

static double weight_of(const mmn_bounded_confidence *confidence)
{
    const double number = (double)confidence->count + 1;
    const double variance = (0.25 + confidence->squares) / number;
    const double weight =
        sqrt(2 * mmn_log_f64(2 / ERROR) / (variance * number * mmn_log_f64(1 + number)));
    return weight < 0.5 ? weight : 0.5;
}

void mmn_bounded_confidence_add(mmn_bounded_confidence *confidence, double difference)
{
    const double x = 0.5 * (difference + 1), weight = weight_of(confidence);
    const double before = x - mean_before(confidence);
    confidence->weights += weight;
    confidence->weighted += weight * x;
    confidence->spread += before * before * (-mmn_log_f64(1 - weight) - weight);
    confidence->count++;
    confidence->sum += x;
    const double after = x - mean_before(confidence);
    confidence->squares += after * after;
}

double mmn_bounded_confidence_centre(const mmn_bounded_confidence *confidence)
{
    return confidence->count > 0 ? 2 * confidence->weighted / confidence->weights - 1 : 0;
}

double mmn_bounded_confidence_half_width(const mmn_bounded_confidence *confidence)
{
    return confidence->count > 0
               ? 2 * (mmn_log_f64(2 / ERROR) + confidence->spread) / confidence->weights
               : INFINITY;
}
