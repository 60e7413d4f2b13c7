/* Canonical softmax of whole rows, and its reverse. */
#include <math.h>

#include "arithmetic.h"
#include "functions.h"
#include "reference.h"

void mmn_softmax_reference(float *values, size_t rows, size_t width)
{
    for (size_t row = 0; row < rows; row++) {
        float *x = values + row * width;
        float lanes[MMN_LANES] = {0.0f};
        float maximum = -INFINITY;

        for (size_t i = 0; i < width; i++)
            maximum = mmn_max_f32(x[i], maximum);
        for (size_t i = 0; i < width; i++) {
            x[i] = mmn_exp(x[i] - maximum);
            lanes[i % MMN_LANES] += x[i];
        }
        float sum = mmn_sum_lanes(lanes);
        for (size_t i = 0; i < width; i++)
            x[i] = x[i] / sum;
    }
}

/* (p (g - sum of p g)) * scale */
void mmn_softmax_reverse_reference(float *gradient, const float *probabilities, size_t rows,
                                   size_t width, float scale)
{
    for (size_t row = 0; row < rows; row++) {
        float *g = gradient + row * width;
        const float *p = probabilities + row * width;
        float lanes[MMN_LANES] = {0.0f};

        for (size_t i = 0; i < width; i++)
            lanes[i % MMN_LANES] = fmaf(p[i], g[i], lanes[i % MMN_LANES]);
        float mean = mmn_sum_lanes(lanes);
        for (size_t i = 0; i < width; i++)
            g[i] = p[i] * (g[i] - mean) * scale;
    }
}
