/* What the normalisations and their reverse begin with: a row's mean and scale. */
#ifndef MMN_REFERENCE_NORM_SCALE_H
#define MMN_REFERENCE_NORM_SCALE_H

#include <math.h>

#include "arithmetic.h"

/* 1 / sqrt(variance + epsilon), each step correctly rounded. */
static inline float mmn_reciprocal_root(float variance, float epsilon)
{
    return 1.0f / sqrtf(variance + epsilon);
}

static inline float mmn_rms_scale(const float *x, size_t width, float epsilon)
{
    float lanes[MMN_LANES] = {0.0f};

    for (size_t i = 0; i < width; i++)
        lanes[i % MMN_LANES] = fmaf(x[i], x[i], lanes[i % MMN_LANES]);
    return mmn_reciprocal_root(mmn_sum_lanes(lanes) / (float)width, epsilon);
}

static inline float mmn_mean(const float *x, size_t width)
{
    float sums[MMN_LANES] = {0.0f};

    for (size_t i = 0; i < width; i++)
        sums[i % MMN_LANES] += x[i];
    return mmn_sum_lanes(sums) / (float)width;
}

static inline float mmn_layer_scale(const float *x, float mean, size_t width, float epsilon)
{
    float squares[MMN_LANES] = {0.0f};

    for (size_t i = 0; i < width; i++) {
        float difference = x[i] - mean;
        squares[i % MMN_LANES] = fmaf(difference, difference, squares[i % MMN_LANES]);
    }
    return mmn_reciprocal_root(mmn_sum_lanes(squares) / (float)width, epsilon);
}

#endif
