/* What computes: looking for numbers that are not numbers. */
#include "model/compute.h"

#include <math.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/threads.h"

/* Exponents of infinite numbers and NaN are all ones, so that adding one to the exponent carries
 * into the sign bit, which has been cleared. */
static uint32_t carried(float value)
{
    return (mmn_bits_f32(value) & UINT32_C(0x7fffffff)) + UINT32_C(0x00800000);
}

static bool all_finite(const float *values, size_t count)
{
    enum { BLOCK = 64 }; /* a length that compilers know how to vectorise */
    uint32_t all = 0;
    for (; count >= BLOCK; count -= BLOCK, values += BLOCK) {
        uint32_t block = 0;
        for (size_t i = 0; i < BLOCK; i++)
            block |= carried(values[i]);
        all |= block;
    }
    for (size_t i = 0; i < count; i++)
        all |= carried(values[i]);
    return all < UINT32_C(0x80000000);
}

static void keep(mmn_finite_watch *watch, const mmn_linear *product, size_t row, size_t column,
                 float value)
{
    MMN_ONE_AT_A_TIME(mmn_finite)
    if (!watch->found || row < watch->row || (row == watch->row && column < watch->column)) {
        watch->found = true;
        watch->product = product;
        watch->row = row;
        watch->column = column;
        watch->value = value;
    }
}

void mmn_finite_look(mmn_finite_watch *watch, const mmn_linear *product, const float *values,
                     size_t stride, size_t rows, size_t width, size_t first_row,
                     size_t first_column)
{
    for (size_t row = 0; watch && row < rows; row++) {
        const float *numbers = values + row * stride;
        if (all_finite(numbers, width))
            continue;
        size_t column = 0;
        while (isfinite(numbers[column]))
            column++;
        keep(watch, product, first_row + row, first_column + column, numbers[column]);
        return;
    }
}

bool mmn_finite_found(const mmn_finite_watch *watch)
{
    return watch && watch->found;
}
