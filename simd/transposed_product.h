/* The product with a matrix that lies transposed, over the vocabulary. A row of weights is one term
 * of neighbouring outputs, so that it is read as it lies; a strip of outputs keeps a cache line or
 * more of each row at work. Included after elementwise.h. */
#ifndef MMN_SIMD_TRANSPOSED_PRODUCT_H
#define MMN_SIMD_TRANSPOSED_PRODUCT_H

#include <string.h>

#include "unroll.h"

enum { STRIP_VECTORS = 4, STRIP_OUTPUTS = 16 * STRIP_VECTORS };

/* Adds `length` terms of one row, a panel at most, to STRIP_OUTPUTS outputs. */
static inline __attribute__((always_inline)) void
add_strip(const mmn_weight_type type, float *output, const float *input, const uint8_t *weight,
          size_t weight_bytes, size_t length)
{
    f32x16 chains[STRIP_VECTORS];

    UNROLL
    for (size_t i = 0; i < STRIP_VECTORS; i++)
        chains[i] = f32x16_zero();
    for (size_t k = 0; k < length; k++, weight += weight_bytes) {
        f32x16 x = f32x16_set(input[k]);

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
                     const uint8_t *weight, size_t weight_bytes, size_t length)
{
    uint8_t some[16 * sizeof(float)] = {0};
    f32x16 chain = f32x16_zero();

    for (size_t k = 0; k < length; k++, weight += weight_bytes) {
        memcpy(some, weight, outputs * mmn_weight_size(type));
        chain = f32x16_fma(f32x16_set(input[k]), widen_16(some, type), chain);
    }
    store_strip(output, f32x16_add(load_strip(output, 0, outputs), chain), 0, outputs);
}

static void add_panel(mmn_weight_type type, float *output, size_t outputs, const float *input,
                      const uint8_t *weight, size_t weight_bytes, size_t length)
{
    if (outputs == STRIP_OUTPUTS) {
        /* A constant type, so that none is asked for in the loop. */
        if (type == MMN_WEIGHT_BF16)
            add_strip(MMN_WEIGHT_BF16, output, input, weight, weight_bytes, length);
        else if (type == MMN_WEIGHT_F16)
            add_strip(MMN_WEIGHT_F16, output, input, weight, weight_bytes, length);
        else
            add_strip(MMN_WEIGHT_F32, output, input, weight, weight_bytes, length);
        return;
    }
    for (size_t n = 0; n < outputs; n += 16)
        add_rest(type, output + n, outputs - n < 16 ? outputs - n : 16, input,
                 weight + n * mmn_weight_size(type), weight_bytes, length);
}

static void KERNEL(transposed_product)(float *output, size_t output_stride, const float *input,
                                       size_t input_stride, const void *weight,
                                       mmn_weight_type type, size_t weight_stride, size_t rows,
                                       size_t outputs, size_t depth)
{
    const uint8_t *stored = weight;
    size_t size = mmn_weight_size(type);

    for (size_t row = 0; row < rows; row++)
        for (size_t n = 0; n < outputs; n++)
            output[row * output_stride + n] = 0.0f;
    for (size_t n = 0; n < outputs; n += STRIP_OUTPUTS) {
        size_t count = outputs - n < STRIP_OUTPUTS ? outputs - n : STRIP_OUTPUTS;

        /* All rows of the input while a panel of these weights is in the cache. */
        for (size_t k = 0; k < depth; k += MMN_PANEL)
            for (size_t row = 0; row < rows; row++)
                add_panel(type, output + row * output_stride + n, count,
                          input + row * input_stride + k, stored + (k * weight_stride + n) * size,
                          weight_stride * size, depth - k < MMN_PANEL ? depth - k : MMN_PANEL);
    }
}

#endif
