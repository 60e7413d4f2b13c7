/* The product with a matrix that lies transposed, over the vocabulary. A row of weights is one term
 * of neighbouring outputs, so that it is read as it lies: for few rows a strip of outputs keeps a
 * cache line or more of each row at work; for many the blocks of the matrix product are widened
 * instead of transposed. Included after matrix_product.h. */
#ifndef MMN_SIMD_TRANSPOSED_PRODUCT_H
#define MMN_SIMD_TRANSPOSED_PRODUCT_H

#include <string.h>

#include "unroll.h"

enum { STRIP_VECTORS = 4, STRIP_OUTPUTS = 16 * STRIP_VECTORS };

/* Adds `length` terms of one row, a panel at most, `stride` apart, to STRIP_OUTPUTS outputs. */
static inline __attribute__((always_inline)) void
add_strip(const mmn_weight_type type, float *output, const float *input, size_t stride,
          const uint8_t *weight, size_t weight_bytes, size_t length)
{
    f32x16 chains[STRIP_VECTORS];

    UNROLL
    for (size_t i = 0; i < STRIP_VECTORS; i++)
        chains[i] = f32x16_zero();
    for (size_t k = 0; k < length; k++, weight += weight_bytes) {
        f32x16 x = f32x16_set(input[k * stride]);

        UNROLL
        for (size_t i = 0; i < STRIP_VECTORS; i++)
            chains[i] = f32x16_fma(x, widen_16(weight + 16 * i * mmn_weight_size(type), type),
                                   chains[i]);
    }
    UNROLL
    for (size_t i = 0; i < STRIP_VECTORS; i++)
        f32x16_store(output + 16 * i, f32x16_add(f32x16_load(output + 16 * i), chains[i]));
}

/* The same for 16 outputs or fewer, at the end of the rows. */
static void add_rest(mmn_weight_type type, float *output, size_t outputs, const float *input,
                     size_t stride, const uint8_t *weight, size_t weight_bytes, size_t length)
{
    uint8_t some[16 * sizeof(float)] = {0};
    f32x16 chain = f32x16_zero();

    for (size_t k = 0; k < length; k++, weight += weight_bytes) {
        memcpy(some, weight, outputs * mmn_weight_size(type));
        chain = f32x16_fma(f32x16_set(input[k * stride]), widen_16(some, type), chain);
    }
    store_strip(output, f32x16_add(load_strip(output, 0, outputs), chain), 0, outputs);
}

static void add_panel(mmn_weight_type type, float *output, size_t outputs, const float *input,
                      size_t stride, const uint8_t *weight, size_t weight_bytes, size_t length)
{
    if (outputs == STRIP_OUTPUTS) {
        /* A constant type, so that none is asked for in the loop. */
        if (type == MMN_WEIGHT_BF16)
            add_strip(MMN_WEIGHT_BF16, output, input, stride, weight, weight_bytes, length);
        else if (type == MMN_WEIGHT_F16)
            add_strip(MMN_WEIGHT_F16, output, input, stride, weight, weight_bytes, length);
        else
            add_strip(MMN_WEIGHT_F32, output, input, stride, weight, weight_bytes, length);
        return;
    }
    for (size_t n = 0; n < outputs; n += 16)
        add_rest(type, output + n, outputs - n < 16 ? outputs - n : 16, input, stride,
                 weight + n * mmn_weight_size(type), weight_bytes, length);
}

/* The product of a strip that is not a whole one, whose rows lie next to each other for each k. */
static void multiply_strip_transposed(const matrix_product *p)
{
    const size_t size = mmn_weight_size(p->type);

    for (size_t row = 0; row < p->rows; row++)
        for (size_t n = 0; n < p->outputs; n++)
            p->output[row * p->output_stride + n] = 0.0f;
    for (size_t n = 0; n < p->outputs; n += STRIP_OUTPUTS)
        /* All rows of the input while a panel of these weights is in the cache. */
        for (size_t k = 0; k < p->depth; k += MMN_PANEL)
            for (size_t row = 0; row < p->rows; row++)
                add_panel(p->type, p->output + row * p->output_stride + n,
                          smaller(p->outputs - n, STRIP_OUTPUTS), p->input + k * p->rows + row,
                          p->rows, p->weight + k * p->weight_bytes + n * size, p->weight_bytes,
                          smaller(p->depth - k, MMN_PANEL));
}

static void KERNEL(transposed_product)(float *output, size_t output_stride, const float *packed,
                                       const void *weight, mmn_weight_type type,
                                       size_t weight_stride, size_t rows, size_t outputs,
                                       size_t depth, float *scratch)
{
    const matrix_product p = {
        .output = output,
        .output_stride = output_stride,
        .input = packed,
        .weight = weight,
        .transposed = 1,
        .type = type,
        .weight_bytes = weight_stride * mmn_weight_size(type),
        .rows = rows,
        .outputs = outputs,
        .depth = depth,
        .packed = scratch,
        .totals = scratch + MMN_MATRIX_PRODUCT_BLOCK,
    };

    if (rows < TILE_ROWS)
        multiply_strip_transposed(&p);
    else
        multiply_outputs(&p, 0);
}

#endif
