/* Canonical normalisations: RMS norm and layer norm. */
#include <math.h>

#include "arithmetic.h"
#include "norm_scale.h"
#include "reference.h"

void mmn_rms_norm_reference(float *output, const float *input, const float *weight, size_t rows,
                            size_t width, float epsilon)
{
    for (size_t row = 0; row < rows; row++) {
        const float *x = input + row * width;
        float *y = output + row * width;
        float scale = mmn_rms_scale(x, width, epsilon);

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
        float mean = mmn_mean(x, width);
        float scale = mmn_layer_scale(x, mean, width, epsilon);

        for (size_t i = 0; i < width; i++)
            y[i] = fmaf((x[i] - mean) * scale, weight[i], bias[i]);
    }
}
