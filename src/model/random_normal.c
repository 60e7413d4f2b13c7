/* Normal random numbers, of points of a disc. */
#include "model/random_normal.h"

#include <math.h>

double mmn_random_normal(double point[2], const mmn_random_place *place, const mmn_kernels *kernels)
{
    double logarithm;
    mmn_random_disc(place, point);
    const double square = point[0] * point[0] + point[1] * point[1];
    kernels->log_f64(&logarithm, &square, 1);
    return sqrt(-2.0 * logarithm / square);
}
