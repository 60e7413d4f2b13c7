/* Canonical softmax of whole rows. */
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
