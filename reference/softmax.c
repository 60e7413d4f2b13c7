/* softmax: exp(x - max) / sum. */
#include "softmax.h"

#include "families.h"
#include "functions.h"

void mmn_softmax_row(float *values, size_t begin, size_t end)
{
    float maximum = -INFINITY, lanes[MMN_LANES] = {0};
    for (size_t i = begin; i < end; i++)
        maximum = values[i] > maximum ? values[i] : maximum;
    for (size_t i = begin; i < end; i++) {
        values[i] = mmn_exp(values[i] - maximum);
        lanes[i % MMN_LANES] += values[i];
    }
    float sum = mmn_add_lanes(lanes);
    for (size_t i = begin; i < end; i++)
        values[i] /= sum;
}

void mmn_reference_softmax(float *values, size_t rows, size_t width)
{
    for (size_t row = 0; row < rows; row++)
        mmn_softmax_row(values + row * width, 0, width);
}
