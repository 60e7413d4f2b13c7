/* Canonical 8-bit resampling: the two passes of Pillow's resize, in 22-bit fixed point. */
#include "reference.h"

enum { PRECISION_BITS = 22 };

/* The sum of input[i * step] * coefficients[i], to nearest, limited to 0 to 255. */
static uint8_t resample(const uint8_t *input, size_t step, const int32_t *coefficients,
                        int32_t length)
{
    int32_t sum = 1 << (PRECISION_BITS - 1);

    for (int32_t i = 0; i < length; i++)
        sum += input[(size_t)i * step] * coefficients[i];
    if (sum < 0)
        return 0;
    return (uint8_t)(sum >> PRECISION_BITS > 255 ? 255 : sum >> PRECISION_BITS);
}

void mmn_resize_horizontal_reference(uint8_t *output, size_t width, const uint8_t *input,
                                     size_t input_width, size_t rows, size_t channels,
                                     const int32_t *coefficients, size_t taps,
                                     const int32_t *starts, const int32_t *lengths)
{
    for (size_t row = 0; row < rows; row++) {
        const uint8_t *source = input + row * input_width * channels;
        uint8_t *target = output + row * width * channels;

        for (size_t x = 0; x < width; x++)
            for (size_t channel = 0; channel < channels; channel++)
                target[x * channels + channel] =
                    resample(source + (size_t)starts[x] * channels + channel, channels,
                             coefficients + x * taps, lengths[x]);
    }
}

void mmn_resize_vertical_reference(uint8_t *output, size_t height, const uint8_t *input,
                                   size_t row_bytes, const int32_t *coefficients, size_t taps,
                                   const int32_t *starts, const int32_t *lengths)
{
    for (size_t y = 0; y < height; y++) {
        const uint8_t *source = input + (size_t)starts[y] * row_bytes;

        for (size_t i = 0; i < row_bytes; i++)
            output[y * row_bytes + i] =
                resample(source + i, row_bytes, coefficients + y * taps, lengths[y]);
    }
}
