/* Bootstrap: how far a mean of paired differences may be from what other samples would give. */
#ifndef MMN_STUDY_BOOTSTRAP_H
#define MMN_STUDY_BOOTSTRAP_H

#include "study/plan.h"

/* How often the samples are drawn again. One more, times 0.025, is a whole number. */
enum { MMN_BOOTSTRAP_DRAWS = 1999 };

/* The mean of `count` differences, each of one sample in two runs, and its 95 % interval: that of
 * the bootstrap that corrects bias and skewness (BCa), which takes the samples for independent.
 * Place i of draw b has the difference of a number below `count` that is Philox's for `seed` and
 * (b, i), so that the interval is a function of differences and seed. With fewer than two
 * differences, or one that is not finite, low and high are NaN. Source: Efron, "Better Bootstrap
 * Confidence Intervals" (1987), with the acceleration of DiCiccio and Efron, "Bootstrap Confidence
 * Intervals" (1996), of a mean. */
mmn_interval mmn_bootstrap(const double *differences, size_t count, uint64_t seed);

#endif
