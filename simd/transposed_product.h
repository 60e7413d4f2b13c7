/* The product with a matrix that lies transposed, over the vocabulary. A row of weights is one term
 * of neighbouring outputs, so that it is read as it lies; a strip of outputs keeps a cache line or
 * more of each row at work; for many rows tiles of chains run over widened weights. Included after
 * tile.h. */
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

/* Weights n to n + TILE_WIDTH - 1 of some rows, as f32, TILE_WIDTH apart; those that do not exist
 * are 0. */
static void widen_tile(float *packed, const uint8_t *weight, size_t weight_bytes,
                       mmn_weight_type type, size_t outputs, size_t length)
{
    const size_t size = mmn_weight_size(type);

    for (size_t k = 0; k < length; k++, weight += weight_bytes, packed += TILE_WIDTH)
        for (size_t n = 0; n < TILE_WIDTH; n += 16) {
            uint8_t some[16 * sizeof(float)] = {0};

            if (n + 16 <= outputs) {
                f32x16_store(packed + n, widen_16(weight + n * size, type));
            } else {
                memcpy(some, weight + n * size, n < outputs ? (outputs - n) * size : 0);
                f32x16_store(packed + n, widen_16(some, type));
            }
        }
}

/* Adds the products of a panel to `outputs` outputs, a tile at most, of up to TILE_ROWS rows. */
static void add_tile(float *output, size_t output_stride, size_t outputs, const float *input,
                     size_t input_stride, const float *packed, size_t rows, size_t length)
{
    float chains[TILE_ROWS * TILE_WIDTH];

    for (size_t i = 0; i < rows * TILE_WIDTH; i++)
        chains[i] = 0.0f;
    tile_continue(rows, chains, input, input_stride, packed, length);
    for (size_t row = 0; row < rows; row++)
        for (size_t n = 0; n < outputs; n += 16) {
            float *y = output + row * output_stride;
            f32x16 sum = f32x16_add(load_strip(y, n, outputs),
                                    f32x16_load(chains + row * TILE_WIDTH + n));

            store_strip(y, sum, n, outputs);
        }
}

/* Many rows: the weights of a tile's panel are widened once for all. */
static void add_many_rows(float *output, size_t output_stride, const float *input,
                          size_t input_stride, const uint8_t *weight, size_t weight_stride,
                          mmn_weight_type type, size_t rows, size_t outputs, size_t depth)
{
    const size_t size = mmn_weight_size(type);
    float packed[MMN_PANEL * TILE_WIDTH];

    for (size_t n = 0; n < outputs; n += TILE_WIDTH)
        for (size_t k = 0; k < depth; k += MMN_PANEL) {
            const size_t count = smaller(outputs - n, TILE_WIDTH);
            const size_t length = smaller(depth - k, MMN_PANEL);

            widen_tile(packed, weight + (k * weight_stride + n) * size, weight_stride * size, type,
                       count, length);
            for (size_t row = 0; row < rows; row += TILE_ROWS)
                add_tile(output + row * output_stride + n, output_stride, count,
                         input + row * input_stride + k, input_stride, packed,
                         smaller(rows - row, TILE_ROWS), length);
        }
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
    if (rows >= TILE_ROWS) {
        add_many_rows(output, output_stride, input, input_stride, stored, weight_stride, type, rows,
                      outputs, depth);
        return;
    }
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
