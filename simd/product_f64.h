/* The product in binary64 over the vocabulary. Rows, and outputs where many rows share them, are
 * packed a panel at a time, so that a tile of chains in registers reads both as they lie. Included
 * after tile.h. */
#ifndef MMN_SIMD_PRODUCT_F64_H
#define MMN_SIMD_PRODUCT_F64_H

#include <string.h>

#include "unroll.h"

enum {
    F64_WIDTH = 8 * TILE_GROUPS,
    F64_FEW = 24, /* rows, up to which packing outputs costs more than it saves */
};

/* [length][width] of as many columns of a matrix. Inlined with constant `width`, so that a row is a
 * few registers. */
static inline __attribute__((always_inline)) void
pack_whole_f64(double *packed, const double *from, size_t stride, const size_t width, size_t length)
{
    for (size_t k = 0; k < length; k++, from += stride, packed += width)
        memcpy(packed, from, width * sizeof(*packed));
}

/* The same of `count` columns; those that do not exist become 0. */
static void pack_f64(double *packed, const double *from, size_t stride, size_t count, size_t width,
                     size_t length)
{
    if (count == TILE_ROWS && width == TILE_ROWS) {
        pack_whole_f64(packed, from, stride, TILE_ROWS, length);
        return;
    }
    if (count == F64_WIDTH && width == F64_WIDTH) {
        pack_whole_f64(packed, from, stride, F64_WIDTH, length);
        return;
    }
    for (size_t k = 0; k < length; k++, from += stride, packed += width) {
        for (size_t i = 0; i < count; i++)
            packed[i] = from[i];
        for (size_t i = count; i < width; i++)
            packed[i] = 0.0;
    }
}

/* Adds the products of a panel to `output` [rows][F64_WIDTH]. Inlined with constant `rows`. */
static inline __attribute__((always_inline)) void add_tile_f64(const size_t rows, double *output,
                                                               size_t stride, const double *a,
                                                               const double *b, size_t b_stride,
                                                               size_t length)
{
    f64x8 chains[TILE_ROWS][TILE_GROUPS];

    UNROLL_LONG
    for (size_t row = 0; row < rows; row++) {
        UNROLL
        for (size_t group = 0; group < TILE_GROUPS; group++)
            chains[row][group] = f64x8_set(0.0);
    }
    for (size_t k = 0; k < length; k++, a += rows, b += b_stride) {
        f64x8 columns[TILE_GROUPS];

        UNROLL
        for (size_t group = 0; group < TILE_GROUPS; group++)
            columns[group] = f64x8_load(b + 8 * group);
        UNROLL_LONG
        for (size_t row = 0; row < rows; row++) {
            f64x8 x = f64x8_set(a[row]);

            UNROLL
            for (size_t group = 0; group < TILE_GROUPS; group++)
                chains[row][group] = f64x8_fma(x, columns[group], chains[row][group]);
        }
    }
    UNROLL_LONG
    for (size_t row = 0; row < rows; row++) {
        UNROLL
        for (size_t group = 0; group < TILE_GROUPS; group++) {
            double *total = output + row * stride + 8 * group;

            f64x8_store(total, f64x8_add(f64x8_load(total), chains[row][group]));
        }
    }
}

static __attribute__((noinline)) void tile_add_f64(size_t rows, double *output, size_t stride,
                                                   const double *a, const double *b,
                                                   size_t b_stride, size_t length)
{
    switch (rows) {
        ROWS_CASES(add_tile_f64, output, stride, a, b, b_stride, length)
    }
}

/* The same where only the first `width` outputs exist. */
static void tile_add_some_f64(size_t rows, size_t width, double *output, size_t stride,
                              const double *a, const double *b, size_t length)
{
    double whole[TILE_ROWS * F64_WIDTH] = {0.0};

    for (size_t row = 0; row < rows; row++)
        memcpy(whole + row * F64_WIDTH, output + row * stride, width * sizeof(*whole));
    tile_add_f64(rows, whole, F64_WIDTH, a, b, F64_WIDTH, length);
    for (size_t row = 0; row < rows; row++)
        memcpy(output + row * stride, whole + row * F64_WIDTH, width * sizeof(*whole));
}

/* One panel of up to MMN_PRODUCT_F64_ROWS rows. */
static void multiply_panel_f64(double *output, size_t output_stride, const double *a,
                               size_t a_stride, const double *b, size_t b_stride, size_t rows,
                               size_t outputs, size_t length, double *scratch)
{
    double *strip = scratch + MMN_PRODUCT_F64_ROWS * MMN_PANEL;

    for (size_t row = 0; row < rows; row += TILE_ROWS) {
        size_t some = smaller(rows - row, TILE_ROWS);

        pack_f64(scratch + row * length, a + row, a_stride, some, some, length);
    }
    for (size_t n = 0; n < outputs; n += F64_WIDTH) {
        size_t width = smaller(outputs - n, F64_WIDTH);
        _Bool is_packed = rows > F64_FEW || width < F64_WIDTH;
        const double *columns = is_packed ? strip : b + n;

        if (is_packed)
            pack_f64(strip, b + n, b_stride, width, F64_WIDTH, length);
        for (size_t row = 0; row < rows; row += TILE_ROWS) {
            double *to = output + row * output_stride + n;
            const double *packed = scratch + row * length;

            if (width == F64_WIDTH)
                tile_add_f64(smaller(rows - row, TILE_ROWS), to, output_stride, packed, columns,
                             is_packed ? F64_WIDTH : b_stride, length);
            else
                tile_add_some_f64(smaller(rows - row, TILE_ROWS), width, to, output_stride, packed,
                                  strip, length);
        }
    }
}

static void KERNEL(product_f64)(double *output, size_t output_stride, const double *a,
                                size_t a_stride, const double *b, size_t b_stride, size_t rows,
                                size_t outputs, size_t depth, double *scratch)
{
    for (size_t row = 0; row < rows; row += MMN_PRODUCT_F64_ROWS)
        for (size_t k = 0; k < depth; k += MMN_PANEL)
            multiply_panel_f64(output + row * output_stride, output_stride, a + k * a_stride + row,
                               a_stride, b + k * b_stride, b_stride,
                               smaller(rows - row, MMN_PRODUCT_F64_ROWS), outputs,
                               smaller(depth - k, MMN_PANEL), scratch);
}

#endif
