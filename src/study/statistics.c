/* Statistics of a few repetitions: their mean, and the interval it is known to. */
#include "study/statistics.h"

#include <math.h>

/* The 97.5 % quantile of Student's t distribution. Up to 30 degrees of freedom from its table,
 * above by the expansion around the normal quantile (Abramowitz and Stegun 26.7.5), which is right
 * to five digits there. */
static double t_quantile(size_t degrees)
{
    static const double table[] = {
        12.706204736174694, 4.302652729749462,  3.1824463052837078, 2.7764451051977934,
        2.5705818356363146, 2.4469118511449786, 2.364624251592784,  2.306004135204166,
        2.262157162798205,  2.228138851986274,  2.200985160091639,  2.1788128296672284,
        2.1603686564627913, 2.144786687917804,  2.131449545559776,  2.1199052992212546,
        2.1098155778333156, 2.1009220402410382, 2.0930240544083087, 2.085963447265864,
        2.0796138447276795, 2.0738730679040254, 2.0686576104190486, 2.0638985616280245,
        2.0595385527532972, 2.0555294386428735, 2.0518305164802846, 2.0484071417952454,
        2.045229642132703,  2.0422724563012378,
    };
    const double z = 1.959963984540054, n = (double)degrees;

    if (degrees <= sizeof(table) / sizeof(*table))
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
