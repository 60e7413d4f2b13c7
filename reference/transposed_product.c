/* The canonical product with a matrix that lies transposed: one row of weights for each term. */
#include <math.h>

#include "reference.h"

/* Outputs whose chains run side by side. */
enum { CHAINS = 16 };

/* Adds terms k to k_end - 1 of one row, a panel at most, to up to CHAINS outputs. */
static void add_panel(float *output, const float *input, const uint8_t *weight,
                      mmn_weight_type type, size_t weight_stride, size_t outputs, size_t k,
                      size_t k_end)
{
    float chains[CHAINS] = {0.0f}, weights[CHAINS];

    for (; k < k_end; k++) {
        mmn_widen_reference(weights, weight + k * weight_stride * mmn_weight_size(type), type,
                            outputs);
        for (size_t n = 0; n < outputs; n++)
            chains[n] = fmaf(input[k], weights[n], chains[n]);
    }
    for (size_t n = 0; n < outputs; n++)
        output[n] = output[n] + chains[n];
}

void mmn_transposed_product_reference(float *output, size_t output_stride, const float *packed,
                                      const void *weight, mmn_weight_type type,
                                      size_t weight_stride, size_t rows, size_t outputs,
                                      size_t depth, float *scratch)
{
    (void)scratch; /* for kernels that pack */
    for (size_t row = 0; row < rows; row++) {
        for (size_t n = 0; n < outputs; n += CHAINS) {
            size_t count = outputs - n < CHAINS ? outputs - n : CHAINS;
            const uint8_t *columns = (const uint8_t *)weight + n * mmn_weight_size(type);

            for (size_t i = 0; i < count; i++)
                output[row * output_stride + n + i] = 0.0f;
            for (size_t k = 0; k < depth; k += MMN_PANEL)
                add_panel(output + row * output_stride + n, packed + row * depth, columns, type,
                          weight_stride, count, k,
                          depth - k < MMN_PANEL ? depth : k + MMN_PANEL);
        }
    }
}
