/* Statistics of a few repetitions: their mean, and the interval it is known to. */
#ifndef MMN_STUDY_STATISTICS_H
#define MMN_STUDY_STATISTICS_H

#include <stddef.h>

typedef struct mmn_interval {
    double mean, low, high;
} mmn_interval;

/* The mean of `count` values and its 95 % confidence interval by Student's t distribution, which
 * takes them for independent and normal; with fewer than two values low = high = mean. */
mmn_interval mmn_interval_of(const double *values, size_t count);

#endif
