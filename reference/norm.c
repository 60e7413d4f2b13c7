/* Canonical normalisations: RMS norm and layer norm. */
#include <math.h>

#include "arithmetic.h"
#include "reference.h"

/* 1 / sqrt(variance + epsilon), each step correctly rounded. */
static float reciprocal_root(float variance, float epsilon)
{
    return 1.0f / sqrtf(variance + epsilon);
}

void mmn_rms_norm_reference(float *output, const float *input, const float *weight, size_t rows,
                            size_t width, float epsilon)
{
    for (size_t row = 0; row < rows; row++) {
        const float *x = input + row * width;
        float *y = output + row * width;
        float lanes[MMN_LANES] = {0.0f};

        for (size_t i = 0; i < width; i++)
            lanes[i % MMN_LANES] = fmaf(x[i], x[i], lanes[i % MMN_LANES]);
        float scale = reciprocal_root(mmn_sum_lanes(lanes) / (float)width, epsilon);

        for (size_t i = 0; i < width; i++)
            y[i] = x[i] * scale * weight[i];
    }
}

void mmn_layer_norm_reference(float *output, const float *input, const float *weight,
                              const float *bias, size_t rows, size_t width, float epsilon)
{
    for (size_t row = 0; row < rows; row++) {
        const float *x = input + row * width;
        float *y = output + row * width;
        float sums[MMN_LANES] = {0.0f}, squares[MMN_LANES] = {0.0f};

        for (size_t i = 0; i < width; i++)
            sums[i % MMN_LANES] += x[i];
        float mean = mmn_sum_lanes(sums) / (float)width;

        for (size_t i = 0; i < width; i++) {
            float difference = x[i] - mean;
            squares[i % MMN_LANES] = fmaf(difference, difference, squares[i % MMN_LANES]);
        }
        float scale = reciprocal_root(mmn_sum_lanes(squares) / (float)width, epsilon);

        for (size_t i = 0; i < width; i++)
            y[i] = fmaf((x[i] - mean) * scale, weight[i], bias[i]);
    }
}
