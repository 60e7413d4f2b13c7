/* RMSNorm and LayerNorm (arXiv 1910.07467, 1607.06450). */
#include "arithmetic.h"
#include "families.h"

void mmn_reference_rms_norm(float *output, const float *input, const float *weight, size_t rows,
                            size_t width, float epsilon)
{
    for (size_t row = 0; row < rows; row++, input += width, output += width) {
        float lanes[MMN_LANES] = {0};
        for (size_t i = 0; i < width; i++)
            lanes[i % MMN_LANES] = fmaf(input[i], input[i], lanes[i % MMN_LANES]);
        float mean = mmn_add_lanes(lanes) / (float)width;
        float scale = 1.0f / sqrtf(mean + epsilon);
        for (size_t i = 0; i < width; i++)
            output[i] = input[i] * scale * weight[i];
    }
}

void mmn_reference_layer_norm(float *output, const float *input, const float *weight,
                              const float *bias, size_t rows, size_t width, float epsilon)
{
    for (size_t row = 0; row < rows; row++, input += width, output += width) {
        float sums[MMN_LANES] = {0}, squares[MMN_LANES] = {0};
        for (size_t i = 0; i < width; i++)
            sums[i % MMN_LANES] += input[i];
        float mean = mmn_add_lanes(sums) / (float)width;
        for (size_t i = 0; i < width; i++) {
            float deviation = input[i] - mean;
            squares[i % MMN_LANES] = fmaf(deviation, deviation, squares[i % MMN_LANES]);
        }
        float variance = mmn_add_lanes(squares) / (float)width;
        float scale = 1.0f / sqrtf(variance + epsilon);
        for (size_t i = 0; i < width; i++)
            output[i] = fmaf((input[i] - mean) * scale, weight[i], bias[i]);
    }
}
