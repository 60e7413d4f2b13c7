/* The tile: up to TILE_ROWS x TILE_WIDTH chains of a matrix product, held in registers.
 *
 * Weights are packed k by k: `packed` is [length][TILE_WIDTH]. Rows of the input that do not exist
 * are not computed; outputs that do not exist are, from whatever numbers are packed, and left out
 * by the callers. */
#ifndef MMN_SIMD_TILE_H
#define MMN_SIMD_TILE_H

#include <string.h>

#include "unroll.h"

enum { TILE_WIDTH = 16 * TILE_GROUPS };

/* What a tile begins with and does with its chains. */
typedef enum tile_kind {
    TILE_FIRST,    /* output = +0 + chains, which makes +0 of the -0 where products underflow */
    TILE_ADD,      /* output = output + chains */
    TILE_CONTINUE, /* the chains begin with what is in output, and return there */
} tile_kind;

/* Adds the products of one k to the chains. */
static inline __attribute__((always_inline)) void
multiply_step(const size_t rows, f32x16 chains[TILE_ROWS][TILE_GROUPS], const float *input,
              size_t input_stride, const float *packed)
{
    f32x16 weights[TILE_GROUPS];

    UNROLL
    for (size_t group = 0; group < TILE_GROUPS; group++)
        weights[group] = f32x16_load(packed + 16 * group);
    UNROLL
    for (size_t row = 0; row < rows; row++) {
        f32x16 x = f32x16_set(input[row * input_stride]);

        UNROLL
        for (size_t group = 0; group < TILE_GROUPS; group++)
            chains[row][group] = f32x16_fma(x, weights[group], chains[row][group]);
    }
}

/* Inlined with constant `rows` and `kind`, so that the chains are registers. */
static inline __attribute__((always_inline)) void
multiply_rows(const size_t rows, const tile_kind kind, float *output, size_t output_stride,
              const float *input, size_t input_stride, const float *packed, size_t length)
{
    f32x16 chains[TILE_ROWS][TILE_GROUPS];

    UNROLL
    for (size_t row = 0; row < rows; row++)
        UNROLL
        for (size_t group = 0; group < TILE_GROUPS; group++)
            chains[row][group] = kind == TILE_CONTINUE
                                     ? f32x16_load(output + row * output_stride + 16 * group)
                                     : f32x16_zero();

    UNROLL_4
    for (size_t k = 0; k < length; k++)
        multiply_step(rows, chains, input + k, input_stride, packed + k * TILE_WIDTH);

    UNROLL
    for (size_t row = 0; row < rows; row++)
        UNROLL
        for (size_t group = 0; group < TILE_GROUPS; group++) {
            float *to = output + row * output_stride + 16 * group;
            f32x16 chain = chains[row][group];

            if (kind != TILE_CONTINUE)
                chain = f32x16_add(kind == TILE_ADD ? f32x16_load(to) : f32x16_zero(), chain);
            f32x16_store(to, chain);
        }
}

/* The same for any number of rows up to TILE_ROWS. */
static inline __attribute__((always_inline)) void
multiply_some_rows(size_t rows, const tile_kind kind, float *output, size_t output_stride,
                   const float *input, size_t input_stride, const float *packed, size_t length)
{
#define ROWS_CASE(count)                                                                           \
    case count:                                                                                    \
        multiply_rows(count, kind, output, output_stride, input, input_stride, packed, length);    \
        break;
    switch (rows) {
        ROWS_CASE(1)
        ROWS_CASE(2)
#if TILE_ROWS > 2
        ROWS_CASE(3)
        ROWS_CASE(4)
        ROWS_CASE(5)
        ROWS_CASE(6)
#endif
#if TILE_ROWS > 6
        ROWS_CASE(7)
        ROWS_CASE(8)
        ROWS_CASE(9)
        ROWS_CASE(10)
        ROWS_CASE(11)
        ROWS_CASE(12)
#endif
    }
#undef ROWS_CASE
}

static __attribute__((noinline)) void
tile_first(size_t rows, float *output, size_t output_stride, const float *input,
           size_t input_stride, const float *packed, size_t length)
{
    multiply_some_rows(rows, TILE_FIRST, output, output_stride, input, input_stride, packed,
                       length);
}

static __attribute__((noinline)) void
tile_add(size_t rows, float *output, size_t output_stride, const float *input, size_t input_stride,
         const float *packed, size_t length)
{
    multiply_some_rows(rows, TILE_ADD, output, output_stride, input, input_stride, packed, length);
}

static __attribute__((noinline)) void
tile_continue(size_t rows, float *output, size_t output_stride, const float *input,
              size_t input_stride, const float *packed, size_t length)
{
    multiply_some_rows(rows, TILE_CONTINUE, output, output_stride, input, input_stride, packed,
                       length);
}

/* Adds, or for the first panel writes, the products of one panel to a tile that has only `width`
 * outputs. */
static inline void add_tile(size_t rows, size_t width, _Bool first, float *output,
                            size_t output_stride, const float *input, size_t input_stride,
                            const float *packed, size_t length)
{
    float whole[TILE_ROWS * TILE_WIDTH];

    if (width == TILE_WIDTH) {
        (first ? tile_first : tile_add)(rows, output, output_stride, input, input_stride, packed,
                                        length);
        return;
    }
    tile_first(rows, whole, TILE_WIDTH, input, input_stride, packed, length);
    for (size_t row = 0; row < rows; row++) {
        float *to = output + row * output_stride;
        const float *chains = whole + row * TILE_WIDTH;

        for (size_t n = 0; n < width; n++)
            to[n] = first ? chains[n] : to[n] + chains[n];
    }
}

/* In short pieces, for which memcpy is not made. */
static inline void copy_numbers(float *to, const float *from, size_t count)
{
    size_t i = 0;

    for (; i + 16 <= count; i += 16)
        f32x16_store(to + i, f32x16_load(from + i));
    if (i < count)
        f32x16_store_some(to + i, f32x16_load_some(from + i, count - i), count - i);
}

/* Packs numbers k to k + length - 1 of TILE_WIDTH rows of stored numbers, `stride` bytes apart, as
 * f32: packed [length][TILE_WIDTH]. Of the rows `width` exist; the last stands for the others.
 * `next`, if any, are as many rows that will be packed next. */
static void pack_rows(float *packed, const uint8_t *from, const uint8_t *next, size_t stride,
                      mmn_weight_type type, size_t width, size_t length)
{
    size_t size = mmn_weight_size(type), numbers = 4 / size * STRIP;

    for (size_t group = 0; group < TILE_GROUPS; group++) {
        const uint8_t *rows[16];
        float *to = packed + 16 * group;
        size_t k = 0;

        for (size_t i = 0; i < 16; i++) {
            size_t n = 16 * group + i;
            rows[i] = from + (n < width ? n : width - 1) * stride;
        }
        for (; k + numbers <= length; k += numbers) {
            u32x16 columns[STRIP];

            for (size_t i = 0; next && k * size % 64 == 0 && i < 16; i++)
                prefetch(next + (rows[i] - from) + k * size);
            load_transposed(columns, rows, k * size);
            if (type == MMN_WEIGHT_F32) {
                UNROLL
                for (size_t i = 0; i < STRIP; i++)
                    f32x16_store(to + (k + i) * TILE_WIDTH, f32x16_of_bits(columns[i]));
            } else if (type == MMN_WEIGHT_BF16) {
                u32x16 upper = u32x16_set(0xffff0000);

                UNROLL
                for (size_t i = 0; i < STRIP; i++) {
                    float *pair = to + (k + 2 * i) * TILE_WIDTH;
                    f32x16_store(pair, f32x16_of_bits(u32x16_shift_left(columns[i], 16)));
                    f32x16_store(pair + TILE_WIDTH, f32x16_of_bits(u32x16_and(columns[i], upper)));
                }
            } else {
                UNROLL
                for (size_t i = 0; i < STRIP; i++) {
                    float *pair = to + (k + 2 * i) * TILE_WIDTH;
                    u32x16 second = u32x16_shift_right(columns[i], 16);
                    f32x16_store(pair, f32x16_of_f16(columns[i]));
                    f32x16_store(pair + TILE_WIDTH, f32x16_of_f16(second));
                }
            }
        }
        for (; k < length; k++)
            for (size_t i = 0; i < 16; i++) {
                const uint8_t *stored = rows[i] + k * size;
                to[k * TILE_WIDTH + i] = type == MMN_WEIGHT_F32
                                             ? mmn_f32_of_bits(mmn_load_u32(stored))
                                         : type == MMN_WEIGHT_F16
                                             ? mmn_widen_f16(mmn_load_u16(stored))
                                             : mmn_widen_bf16(mmn_load_u16(stored));
            }
    }
}

#endif
