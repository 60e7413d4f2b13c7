/* Pillow's 8-bit resampling: fixed-point sums of pixels, rounded and clipped to a byte. */
#include "families.h"

enum { PRECISION_BITS = 22 };

/* The sum is positive or negative; division by 2^22 rounds towards minus infinity. */
static uint8_t to_byte(int32_t sum)
{
    if (sum < 0)
        return 0;
    sum >>= PRECISION_BITS;
    return sum > 255 ? 255 : (uint8_t)sum;
}

void mmn_reference_resize_horizontal(uint8_t *output, size_t width, const uint8_t *input,
                                     size_t input_width, size_t rows, size_t channels,
                                     const int32_t *coefficients, size_t taps,
                                     const int32_t *starts, const int32_t *lengths)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t x = 0; x < width; x++) {
            const uint8_t *pixels = input + (row * input_width + (size_t)starts[x]) * channels;
            for (size_t channel = 0; channel < channels; channel++) {
                int32_t sum = 1 << (PRECISION_BITS - 1);
                for (size_t tap = 0; tap < (size_t)lengths[x]; tap++)
                    sum += pixels[tap * channels + channel] * coefficients[x * taps + tap];
                output[(row * width + x) * channels + channel] = to_byte(sum);
            }
        }
}

void mmn_reference_resize_vertical(uint8_t *output, size_t height, const uint8_t *input,
                                   size_t row_bytes, const int32_t *coefficients, size_t taps,
                                   const int32_t *starts, const int32_t *lengths)
{
    for (size_t y = 0; y < height; y++) {
        const uint8_t *rows = input + (size_t)starts[y] * row_bytes;
        for (size_t byte = 0; byte < row_bytes; byte++) {
            int32_t sum = 1 << (PRECISION_BITS - 1);
            for (size_t tap = 0; tap < (size_t)lengths[y]; tap++)
                sum += rows[tap * row_bytes + byte] * coefficients[y * taps + tap];
            output[y * row_bytes + byte] = to_byte(sum);
        }
    }
}
