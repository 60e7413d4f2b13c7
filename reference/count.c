/* Canonical counting of active neurons, and their sums in fixed point. */
#include "arithmetic.h"
#include "reference.h"

/* value * 2^20, rounded to an integer, ties to even. */
static int64_t fixed_point(float value)
{
    double scaled = (double)value * 0x1p20;
    double number = value == value ? scaled : 0.0;
    double limited = mmn_max_f64(-0x1p40, mmn_min_f64(0x1p40, number));

    /* Adding 1.5 * 2^52 rounds to an integer, and subtracting it is exact. */
    return (int64_t)((limited + 0x1.8p52) - 0x1.8p52);
}

void mmn_count_active_reference(int64_t *active, int64_t *sum, const float *values, size_t stride,
                                size_t rows, size_t neurons)
{
    for (size_t row = 0; row < rows; row++) {
        for (size_t n = 0; n < neurons; n++) {
            float value = values[row * stride + n];
            active[n] += value > 0.0f;
            sum[n] += fixed_point(value);
        }
    }
}
