/* Canonical reverse of the normalisations: gradients of what they read. */
#include <math.h>

#include "arithmetic.h"
#include "norm_scale.h"
#include "reference.h"

/* With n = (x - mean) * scale, what is multiplied by the weight, and g = weight * gradient:
 *
 *     gradient of x = (g - mean(g) - n mean(n g)) * scale
 *
 * where mean(g) is left out if x is not centred. */

void mmn_rms_norm_reverse_reference(float *output, const float *gradient, const float *input,
                                    const float *weight, size_t rows, size_t width, float epsilon)
{
    for (size_t row = 0; row < rows; row++) {
        const float *x = input + row * width, *from = gradient + row * width;
        float *y = output + row * width;
        float scale = mmn_rms_scale(x, width, epsilon);
        float lanes[MMN_LANES] = {0.0f};

        for (size_t i = 0; i < width; i++)
            lanes[i % MMN_LANES] = fmaf(x[i] * scale, weight[i] * from[i], lanes[i % MMN_LANES]);
        float along = mmn_sum_lanes(lanes) / (float)width;

        for (size_t i = 0; i < width; i++)
            y[i] = fmaf(-(x[i] * scale), along, weight[i] * from[i]) * scale;
    }
}

void mmn_layer_norm_reverse_reference(float *output, const float *gradient, const float *input,
                                      const float *weight, size_t rows, size_t width, float epsilon)
{
    for (size_t row = 0; row < rows; row++) {
        const float *x = input + row * width, *from = gradient + row * width;
        float *y = output + row * width;
        float mean = mmn_mean(x, width);
        float scale = mmn_layer_scale(x, mean, width, epsilon);
        float lanes[MMN_LANES] = {0.0f}, sums[MMN_LANES] = {0.0f};

        for (size_t i = 0; i < width; i++) {
            float g = weight[i] * from[i];
            sums[i % MMN_LANES] += g;
            lanes[i % MMN_LANES] = fmaf((x[i] - mean) * scale, g, lanes[i % MMN_LANES]);
        }
        float level = mmn_sum_lanes(sums) / (float)width;
        float along = mmn_sum_lanes(lanes) / (float)width;

        for (size_t i = 0; i < width; i++)
            y[i] = fmaf(-((x[i] - mean) * scale), along, weight[i] * from[i] - level) * scale;
    }
}
