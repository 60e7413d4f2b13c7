/* Normal random numbers. */
#ifndef MMN_MODEL_RANDOM_NORMAL_H
#define MMN_MODEL_RANDOM_NORMAL_H

#include "base/random.h"
#include "kernels.h"

/* By what the coordinates of a random point of the disc are multiplied to be two normal numbers of
 * deviation 1, which are independent: Marsaglia's polar method
 * (base/random.h). */
double mmn_random_normal(double point[2], const mmn_random_place *place,
                         const mmn_kernels *kernels);

#endif
