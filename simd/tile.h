/* The tile: up to TILE_ROWS x TILE_WIDTH chains of a matrix product, held in registers.
 *
 * Weights are packed k by k: `packed` is [length][TILE_WIDTH]. Rows of the input that do not exist
 * are not computed; outputs that do not exist are, from whatever numbers are packed, and left out
 * by the callers. */
#ifndef MMN_SIMD_TILE_H
#define MMN_SIMD_TILE_H

#include <string.h>

#include "unroll.h"

enum {
    TILE_WIDTH = 16 * TILE_GROUPS,
    TRANSPOSED = 4, /* columns that load_transposed and unit_columns make */
};

static inline size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* One tile: the products of a panel, added to what there is. */
typedef struct tile {
    const float *from; /* earlier panels' totals; NULL: +0, which makes +0 of a first one's -0 */
    float *to;
    size_t from_stride, to_stride;
    const float *bias; /* [TILE_WIDTH], added behind the last panel; else NULL */
    float *witness;    /* [16], of the last panel's totals: NaN once one is none, else 0; or NULL */
    const float *strip;  /* [length][rows]: the input */
    const float *packed; /* [length][TILE_WIDTH]: the weights */
    size_t length;
    /* What tiles that come later will read, prefetched a cache line at a time every AHEAD_STEP k:
     * first those `ahead_stride` apart of AHEAD_ROWS rows, then those `ahead_next` behind these. */
    const uint8_t *ahead;
    size_t ahead_stride, ahead_next;
} tile;

enum {
    LINE = 64, /* bytes of a cache line */
    AHEAD_STEP = 4,
    AHEAD_ROWS = TILE_WIDTH,
    AHEAD_ROUNDS = 256 / AHEAD_STEP / AHEAD_ROWS, /* of a panel */
};

#ifndef STRIP_COLUMN
/* The numbers of a strip for one k: a processor may take several of them at once. */
typedef const float *strip_column;

#define strip_column_load(rows, from) (from)
#define strip_column_fma(column, row, a, c) f32x16_fma(f32x16_set((column)[row]), a, c)
#endif

/* How many bytes further on a tile prefetches its strip, which may be in the second-level cache; 0:
 * it does not. What gcc makes of a tile reads far enough ahead by itself, what clang makes does
 * not: products of 96 rows were a twentieth slower. */
#if defined(__clang__)
#define STRIP_AHEAD 1024
#else
#define STRIP_AHEAD 0
#endif

/* Prefetches AHEAD_STEP k of a strip. */
static inline __attribute__((always_inline)) void prefetch_strip(const size_t rows,
                                                                 const float *strip)
{
    for (size_t place = 0; place < AHEAD_STEP * rows * sizeof(float); place += LINE)
        prefetch((const uint8_t *)strip + place);
}

/* Adds the products of one k of a strip to the chains. */
static inline __attribute__((always_inline)) void
strip_step(const size_t rows, f32x16 chains[TILE_ROWS][TILE_GROUPS], const float *strip,
           const float *packed)
{
    strip_column column = strip_column_load(rows, strip);
    f32x16 weights[TILE_GROUPS];

    UNROLL
    for (size_t group = 0; group < TILE_GROUPS; group++)
        weights[group] = f32x16_load(packed + 16 * group);
    UNROLL
    for (size_t row = 0; row < rows; row++)
        UNROLL
        for (size_t group = 0; group < TILE_GROUPS; group++)
            chains[row][group] = strip_column_fma(column, row, weights[group], chains[row][group]);
}

/* The same where the input's rows are `stride` numbers apart. */
static inline __attribute__((always_inline)) void
multiply_step(const size_t rows, f32x16 chains[TILE_ROWS][TILE_GROUPS], const float *input,
              size_t stride, const float *packed)
{
    f32x16 weights[TILE_GROUPS];

    UNROLL
    for (size_t group = 0; group < TILE_GROUPS; group++)
        weights[group] = f32x16_load(packed + 16 * group);
    UNROLL
    for (size_t row = 0; row < rows; row++) {
        f32x16 x = f32x16_set(input[row * stride]);

        UNROLL
        for (size_t group = 0; group < TILE_GROUPS; group++)
            chains[row][group] = f32x16_fma(x, weights[group], chains[row][group]);
    }
}

/* Inlined with constant `rows`, so that the chains are registers. */
static inline __attribute__((always_inline)) void
multiply_rows(const size_t rows, const tile *t)
{
    f32x16 chains[TILE_ROWS][TILE_GROUPS];
    const uint8_t *ahead = t->ahead;
    const float *strip = t->strip, *packed = t->packed;
    const size_t length = t->length;
    size_t k = 0;

    UNROLL
    for (size_t row = 0; row < rows; row++)
        UNROLL
        for (size_t group = 0; group < TILE_GROUPS; group++)
            chains[row][group] = f32x16_zero();
    for (size_t slots = length / AHEAD_STEP, some; slots > 0; slots -= some) {
        const uint8_t *line = ahead;

        some = slots < AHEAD_ROWS ? slots : AHEAD_ROWS;
        for (size_t end = k + some * AHEAD_STEP; k < end; k += AHEAD_STEP) {
            prefetch_far(line);
            line += t->ahead_stride;
            if (STRIP_AHEAD > 0)
                prefetch_strip(rows, strip + k * rows + STRIP_AHEAD / sizeof(float));
            UNROLL
            for (size_t i = 0; i < AHEAD_STEP; i++)
                strip_step(rows, chains, strip + (k + i) * rows, packed + (k + i) * TILE_WIDTH);
        }
        ahead += t->ahead_next;
    }
    for (; k < length; k++)
        strip_step(rows, chains, strip + k * rows, packed + k * TILE_WIDTH);
    f32x16 witness = t->witness ? f32x16_load(t->witness) : f32x16_zero();

    UNROLL
    for (size_t row = 0; row < rows; row++)
        UNROLL
        for (size_t group = 0; group < TILE_GROUPS; group++) {
            const float *from = t->from + row * t->from_stride + 16 * group;
            f32x16 total =
                f32x16_add(t->from ? f32x16_load(from) : f32x16_zero(), chains[row][group]);

            if (t->bias)
                total = f32x16_add(total, f32x16_load(t->bias + 16 * group));
            /* Of every panel's: asking which is the last costs AVX2 a twelfth of its speed. */
            witness = f32x16_fma(total, f32x16_zero(), witness);
            f32x16_store(t->to + row * t->to_stride + 16 * group, total);
        }
    if (t->witness)
        f32x16_store(t->witness, witness);
}

/* Chains that begin with what is in `chains` [rows][TILE_WIDTH], and return there. */
static inline __attribute__((always_inline)) void
continue_rows(const size_t rows, float *chains, const float *input, size_t input_stride,
              const float *packed, size_t length)
{
    f32x16 sums[TILE_ROWS][TILE_GROUPS];

    UNROLL
    for (size_t row = 0; row < rows; row++)
        UNROLL
        for (size_t group = 0; group < TILE_GROUPS; group++)
            sums[row][group] = f32x16_load(chains + row * TILE_WIDTH + 16 * group);
    UNROLL_4
    for (size_t k = 0; k < length; k++)
        multiply_step(rows, sums, input + k, input_stride, packed + k * TILE_WIDTH);
    UNROLL
    for (size_t row = 0; row < rows; row++)
        UNROLL
        for (size_t group = 0; group < TILE_GROUPS; group++)
            f32x16_store(chains + row * TILE_WIDTH + 16 * group, sums[row][group]);
}

/* Calls function(count, ...) with a constant count that is `rows`, up to TILE_ROWS. */
#define ROWS_CASE(count, function, ...)                                                            \
    case count:                                                                                    \
        function(count, __VA_ARGS__);                                                              \
        break;
#define TWO_ROWS_CASES(...) ROWS_CASE(1, __VA_ARGS__) ROWS_CASE(2, __VA_ARGS__)
#define SIX_ROWS_CASES(...)                                                                        \
    TWO_ROWS_CASES(__VA_ARGS__)                                                                    \
    ROWS_CASE(3, __VA_ARGS__)                                                                      \
    ROWS_CASE(4, __VA_ARGS__)                                                                      \
    ROWS_CASE(5, __VA_ARGS__)                                                                      \
    ROWS_CASE(6, __VA_ARGS__)
#define TWELVE_ROWS_CASES(...)                                                                     \
    SIX_ROWS_CASES(__VA_ARGS__)                                                                    \
    ROWS_CASE(7, __VA_ARGS__)                                                                      \
    ROWS_CASE(8, __VA_ARGS__)                                                                      \
    ROWS_CASE(9, __VA_ARGS__)                                                                      \
    ROWS_CASE(10, __VA_ARGS__)                                                                     \
    ROWS_CASE(11, __VA_ARGS__)                                                                     \
    ROWS_CASE(12, __VA_ARGS__)
#if TILE_ROWS == 12
#define ROWS_CASES TWELVE_ROWS_CASES
#elif TILE_ROWS == 6
#define ROWS_CASES SIX_ROWS_CASES
#else
#define ROWS_CASES TWO_ROWS_CASES
#endif

static __attribute__((noinline)) void tile_add(size_t rows, const tile *t)
{
    switch (rows) {
        ROWS_CASES(multiply_rows, t)
    }
}

static __attribute__((noinline)) void
tile_continue(size_t rows, float *chains, const float *input, size_t input_stride,
              const float *packed, size_t length)
{
    switch (rows) {
        ROWS_CASES(continue_rows, chains, input, input_stride, packed, length)
    }
}

/* The same where only the first `width` outputs, and elements of the bias, exist; totals of earlier
 * panels are those of a whole tile. */
static inline void tile_add_some(size_t rows, size_t width, const tile *t)
{
    float whole[TILE_ROWS * TILE_WIDTH], bias[TILE_WIDTH] = {0.0f};
    tile own = *t;

    for (size_t n = 0; t->bias && n < width; n++)
        bias[n] = t->bias[n];
    own.bias = t->bias ? bias : NULL;
    own.to = whole;
    own.to_stride = TILE_WIDTH;
    tile_add(rows, &own);
    for (size_t row = 0; row < rows; row++)
        for (size_t n = 0; n < width; n++)
            t->to[row * t->to_stride + n] = whole[row * TILE_WIDTH + n];
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

static inline float stored_number(const uint8_t *stored, mmn_weight_type type)
{
    return type == MMN_WEIGHT_F32   ? mmn_f32_of_bits(mmn_load_u32(stored))
           : type == MMN_WEIGHT_F16 ? mmn_widen_f16(mmn_load_u16(stored))
                                    : mmn_widen_bf16(mmn_load_u16(stored));
}

/* Numbers k to length - 1 of `width` rows, one by one; what does not exist becomes +0. */
static void pack_numbers(float *packed, const uint8_t *from, size_t stride, mmn_weight_type type,
                         size_t width, size_t k, size_t length)
{
    size_t size = mmn_weight_size(type);

    for (; k < length; k++)
        for (size_t n = 0; n < 16; n++)
            packed[k * TILE_WIDTH + n] =
                n < width ? stored_number(from + n * stride + k * size, type) : 0.0f;
}

/* Numbers of 16 rows from `from` on, TRANSPOSED columns of 32 bits. */
static inline __attribute__((always_inline)) void
pack_columns(float *to, const uint8_t *from, size_t stride, const mmn_weight_type type)
{
    u32x16 columns[TRANSPOSED];

    load_transposed(columns, from, stride);
    UNROLL
    for (size_t i = 0; i < TRANSPOSED; i++) {
        float *pair = to + 2 * i * TILE_WIDTH;

        if (type == MMN_WEIGHT_F32) {
            f32x16_store(to + i * TILE_WIDTH, f32x16_of_bits(columns[i]));
        } else if (type == MMN_WEIGHT_BF16) {
            f32x16_store(pair, f32x16_of_bits(u32x16_shift_left(columns[i], 16)));
            f32x16_store(pair + TILE_WIDTH,
                         f32x16_of_bits(u32x16_and(columns[i], u32x16_set(0xffff0000))));
        } else {
            f32x16_store(pair, f32x16_of_f16(columns[i]));
            f32x16_store(pair + TILE_WIDTH, f32x16_of_f16(u32x16_shift_right(columns[i], 16)));
        }
    }
}

static inline __attribute__((always_inline)) void
pack_group(float *packed, const uint8_t *from, const uint8_t *next, size_t stride,
           const mmn_weight_type type, size_t length, size_t fetched)
{
    const size_t size = mmn_weight_size(type), numbers = 4 / size * TRANSPOSED;
    size_t k = 0;

    for (; k + numbers <= length; k += numbers) {
        for (size_t i = 0; next && k * size % LINE == 0 && k * size >= fetched && i < 16; i++)
            prefetch(next + i * stride + k * size);
        pack_columns(packed + k * TILE_WIDTH, from + k * size, stride, type);
    }
    pack_numbers(packed, from, stride, type, 16, k, length);
}

/* Packs numbers k to k + length - 1 of TILE_WIDTH rows of stored numbers, `stride` bytes apart, as
 * f32: packed [length][TILE_WIDTH]. Of the rows `width` exist; the others are 0.
 * `next`, if any, are as many rows that will be packed next; the first `fetched` bytes of each are
 * near. */
static void pack_rows(float *packed, const uint8_t *from, const uint8_t *next, size_t stride,
                      mmn_weight_type type, size_t width, size_t length, size_t fetched)
{
    for (size_t n = 0; n < TILE_WIDTH; n += 16, packed += 16) {
        const uint8_t *group = from + n * stride, *coming = next ? next + n * stride : NULL;

        if (n + 16 > width)
            pack_numbers(packed, group, stride, type, n < width ? width - n : 0, 0, length);
        else if (type == MMN_WEIGHT_F32)
            pack_group(packed, group, coming, stride, MMN_WEIGHT_F32, length, fetched);
        else if (type == MMN_WEIGHT_BF16)
            pack_group(packed, group, coming, stride, MMN_WEIGHT_BF16, length, fetched);
        else
            pack_group(packed, group, coming, stride, MMN_WEIGHT_F16, length, fetched);
    }
}

/* Widens `length` rows of stored numbers that lie transposed, `stride` bytes apart: packed
 * [length][TILE_WIDTH]. Of each row `width` numbers exist; the others are 0. The rows behind are
 * prefetched, as far as they are read next. */
static inline __attribute__((always_inline)) void
widen_rows(float *packed, const uint8_t *from, size_t stride, const mmn_weight_type type,
           size_t width, size_t length)
{
    enum { ROWS_AHEAD = 16 };
    const size_t size = mmn_weight_size(type);
    uint8_t some[16 * sizeof(float)] = {0};

    for (size_t k = 0; k < length; k++, from += stride, packed += TILE_WIDTH) {
        prefetch(from + ROWS_AHEAD * stride);
        for (size_t n = 0; n < TILE_WIDTH; n += 16) {
            const uint8_t *numbers = from + n * size;

            if (n + 16 > width) {
                memcpy(some, numbers, n < width ? (width - n) * size : 0);
                numbers = some;
            }
            f32x16_store(packed + n, n < width ? widen_16(numbers, type) : f32x16_zero());
        }
    }
}

static void widen_panel(float *packed, const uint8_t *from, size_t stride, mmn_weight_type type,
                        size_t width, size_t length)
{
    if (type == MMN_WEIGHT_F32)
        widen_rows(packed, from, stride, MMN_WEIGHT_F32, width, length);
    else if (type == MMN_WEIGHT_BF16)
        widen_rows(packed, from, stride, MMN_WEIGHT_BF16, width, length);
    else
        widen_rows(packed, from, stride, MMN_WEIGHT_F16, width, length);
}

#endif
