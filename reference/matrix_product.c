/* The canonical matrix product, with weights in any stored type. */
#include <math.h>
#include <string.h>

#include "arithmetic.h"
#include "reference.h"

/* Outputs whose chains run side by side, so that one need not wait for another. */
enum { CHAINS = 16 };

/* weights[k][n] = weight[n][k] in f32 for one panel of k and up to CHAINS outputs; those that do
 * not exist become 0. */
static void widen_panel(float weights[][CHAINS], const uint8_t *weight, mmn_weight_type type,
                        size_t weight_stride, size_t outputs, size_t length)
{
    for (size_t n = 0; n < CHAINS; n++) {
        const uint8_t *row = weight + (n < outputs ? n : 0) * weight_stride;
        if (n >= outputs) {
            for (size_t k = 0; k < length; k++)
                weights[k][n] = 0.0f;
        } else if (type == MMN_WEIGHT_BF16) {
            for (size_t k = 0; k < length; k++)
                weights[k][n] = mmn_widen_bf16(mmn_load_u16(row + 2 * k));
        } else if (type == MMN_WEIGHT_F16) {
            for (size_t k = 0; k < length; k++)
                weights[k][n] = mmn_widen_f16(mmn_load_u16(row + 2 * k));
        } else {
            for (size_t k = 0; k < length; k++)
                weights[k][n] = mmn_f32_of_bits(mmn_load_u32(row + 4 * k));
        }
    }
}

/* Adds one panel of one row's products to each output. */
static void add_panel(float *output, const float *input, float weights[][CHAINS], size_t outputs,
                      size_t length)
{
    float chains[CHAINS] = {0.0f};

    for (size_t k = 0; k < length; k++)
        for (size_t n = 0; n < CHAINS; n++)
            chains[n] = fmaf(input[k], weights[k][n], chains[n]);
    for (size_t n = 0; n < outputs; n++)
        output[n] = output[n] + chains[n];
}

/* Strips of one row, as they are. */
void mmn_pack_input_reference(float *packed, const float *input, size_t input_stride, size_t rows,
                              size_t depth)
{
    for (size_t row = 0; depth > 0 && row < rows; row++)
        memcpy(packed + row * depth, input + row * input_stride, depth * sizeof(*input));
}

void mmn_matrix_product_reference(float *output, size_t output_stride, const float *packed,
                                  const void *weight, mmn_weight_type type, size_t weight_stride,
                                  const float *bias, size_t rows, size_t outputs, size_t depth,
                                  float *scratch, _Bool *finite)
{
    (void)scratch; /* for kernels that pack */
    *finite = 1;
    size_t weight_size = mmn_weight_size(type);
    float weights[MMN_PANEL][CHAINS];

    for (size_t n = 0; n < outputs; n += CHAINS) {
        size_t count = outputs - n < CHAINS ? outputs - n : CHAINS;

        for (size_t row = 0; row < rows; row++)
            for (size_t i = 0; i < count; i++)
                output[row * output_stride + n + i] = 0.0f;

        for (size_t k = 0; k < depth; k += MMN_PANEL) {
            size_t length = depth - k < MMN_PANEL ? depth - k : MMN_PANEL;
            const uint8_t *first = (const uint8_t *)weight + (n * weight_stride + k) * weight_size;

            widen_panel(weights, first, type, weight_stride * weight_size, count, length);
            for (size_t row = 0; row < rows; row++)
                add_panel(output + row * output_stride + n, packed + row * depth + k, weights,
                          count, length);
        }

        for (size_t row = 0; bias && row < rows; row++)
            for (size_t i = 0; i < count; i++)
                output[row * output_stride + n + i] += bias[n + i];
        for (size_t row = 0; row < rows; row++)
            for (size_t i = 0; i < count; i++)
                *finite = *finite && isfinite(output[row * output_stride + n + i]);
    }
}
