/* Counting active neurons and summing their activations, in integers. */
#include "arithmetic.h"
#include "families.h"

/* 2^20 and the largest value that is summed as it is. */
#define UNIT 0x1p20
#define LIMIT 0x1p20

/* `value` in units of 2^-20, to the nearest, ties to even. Adding and subtracting 1.5 * 2^52 rounds
 * to an integer, which |value| <= 2^20 leaves far within reach. */
static int64_t fixed_point(float value)
{
    double limited = (double)value;
    limited = limited > LIMIT ? LIMIT : limited;
    limited = limited < -LIMIT ? -LIMIT : limited;
    limited = limited == limited ? limited : 0.0;
    return (int64_t)(limited * UNIT + 0x1.8p52 - 0x1.8p52);
}

void mmn_reference_count_active(int64_t *active, int64_t *sum, const float *values, size_t stride,
                                size_t rows, size_t neurons)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t neuron = 0; neuron < neurons; neuron++) {
            float value = values[row * stride + neuron];
            active[neuron] += value > 0.0f;
            sum[neuron] += fixed_point(value);
        }
}
