/* Statistics of a few repetitions: their mean, and the interval it is known to. */
#include "neurons/statistics.h"

#include <math.h>

/* The 97.5 % quantile of Student's t distribution. Up to 30 degrees of freedom from its table,
 * above by the expansion around the normal quantile (Abramowitz and Stegun 26.7.5), which is right
 * to all the table's digits there. */
static double t_quantile(size_t degrees)
{
    static const double table[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                                   2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                                   2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                                   2.060,  2.056, 2.052, 2.048, 2.045, 2.042};
    const double z = 1.959963984540054, n = (double)degrees;

    if (degrees <= sizeof table / sizeof *table)
        return table[degrees - 1];
    return z + (z * z * z + z) / (4.0 * n) +
           (5.0 * z * z * z * z * z + 16.0 * z * z * z + 3.0 * z) / (96.0 * n * n);
}

mmn_interval mmn_interval_of(const double *values, size_t count)
{
    double sum = 0.0, squares = 0.0;

    for (size_t i = 0; i < count; i++)
        sum += values[i];
    double mean = count > 0 ? sum / (double)count : 0.0;
    if (count < 2)
        return (mmn_interval){mean, mean, mean};
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    double error = sqrt(squares / (double)(count - 1) / (double)count);
    double half = t_quantile(count - 1) * error;
    return (mmn_interval){mean, mean - half, mean + half};
}
