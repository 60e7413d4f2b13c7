/* The matrix product: every output is one chain of fused multiply-adds per panel of 256 terms. */
#include "convert.h"
#include "families.h"

/* Outputs that are computed side by side. Their chains are independent, which hides the latency of
 * the fused multiply-add; their number changes no bit. */
enum { SIDE_BY_SIDE = 8 };

/* Widens the terms of `count` rows of weights from `first` on to panel[row][term]. */
static void widen_panel(float panel[SIDE_BY_SIDE][MMN_PANEL], const uint8_t *weight,
                        mmn_weight_type type, size_t row_bytes, size_t count, size_t terms)
{
    for (size_t row = 0; row < count; row++)
        mmn_reference_widen(panel[row], weight + row * row_bytes, type, terms);
}

/* totals[row] = totals[row] + (chain of panel[row][k] * input[k], from +0, over ascending k). */
static void add_panel(float totals[SIDE_BY_SIDE], float panel[SIDE_BY_SIDE][MMN_PANEL],
                      const float *input, size_t terms)
{
    float sums[SIDE_BY_SIDE] = {0};
    for (size_t k = 0; k < terms; k++)
        for (size_t row = 0; row < SIDE_BY_SIDE; row++)
            sums[row] = fmaf(input[k], panel[row][k], sums[row]);
    for (size_t row = 0; row < SIDE_BY_SIDE; row++)
        totals[row] += sums[row];
}

void mmn_reference_matrix_product(float *output, size_t output_stride, const float *input,
                                  size_t input_stride, const void *weight, mmn_weight_type type,
                                  size_t weight_stride, const float *bias, size_t rows,
                                  size_t outputs, size_t depth)
{
    size_t element = type == MMN_WEIGHT_F32 ? 4 : 2;
    const uint8_t *weights = weight;
    float panel[SIDE_BY_SIDE][MMN_PANEL] = {{0}};
    for (size_t first = 0; first < outputs; first += SIDE_BY_SIDE) {
        size_t count = outputs - first < SIDE_BY_SIDE ? outputs - first : SIDE_BY_SIDE;
        for (size_t row = 0; row < rows; row++)
            for (size_t n = 0; n < count; n++)
                output[row * output_stride + first + n] = 0.0f;
        for (size_t start = 0; start < depth; start += MMN_PANEL) {
            size_t terms = depth - start < MMN_PANEL ? depth - start : MMN_PANEL;
            widen_panel(panel, weights + (first * weight_stride + start) * element, type,
                        weight_stride * element, count, terms);
            for (size_t row = 0; row < rows; row++) {
                float totals[SIDE_BY_SIDE] = {0};
                float *to = output + row * output_stride + first;
                memcpy(totals, to, count * sizeof(float));
                add_panel(totals, panel, input + row * input_stride + start, terms);
                memcpy(to, totals, count * sizeof(float));
            }
        }
        for (size_t row = 0; row < rows && bias; row++)
            for (size_t n = 0; n < count; n++)
                output[row * output_stride + first + n] += bias[first + n];
    }
}
