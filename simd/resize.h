/* The passes of 8-bit resampling over the vocabulary, 16 pixels' channels at a time. Sums of
 * integers: their order does not matter. */
#ifndef MMN_SIMD_RESIZE_H
#define MMN_SIMD_RESIZE_H

#include <string.h>

static void KERNEL(resize_vertical)(uint8_t *output, size_t height, const uint8_t *input,
                                    size_t row_bytes, const int32_t *coefficients, size_t taps,
                                    const int32_t *starts, const int32_t *lengths)
{
    if (row_bytes < 16) {
        mmn_resize_vertical_reference(output, height, input, row_bytes, coefficients, taps, starts,
                                      lengths);
        return;
    }
    for (size_t y = 0; y < height; y++) {
        const uint8_t *source = input + (size_t)starts[y] * row_bytes;

        for (size_t i = 0; i < row_bytes; i += 16) {
            /* The last strip ends with the row and may repeat a part of the one before. */
            size_t byte = i + 16 <= row_bytes ? i : row_bytes - 16;
            u32x16 sum = u32x16_set(1 << 21);

            for (size_t tap = 0; tap < (size_t)lengths[y]; tap++) {
                u32x16 factor = u32x16_set((uint32_t)coefficients[y * taps + tap]);
                u32x16 pixels = u32x16_load_8(source + tap * row_bytes + byte);
                sum = u32x16_add(sum, u32x16_multiply(pixels, factor));
            }
            u32x16_store_pixels(output + y * row_bytes + byte, sum);
        }
    }
}

/* Bytes first to first + count - 1 of 16 rows, as columns[byte][row]. */
static inline void gather_columns(uint8_t columns[][16], const uint8_t *rows, size_t row_bytes,
                                  size_t first, size_t count)
{
    for (size_t row = 0; row < 16; row++)
        for (size_t i = 0; i < count; i++)
            columns[i][row] = rows[row * row_bytes + first + i];
}

static void KERNEL(resize_horizontal)(uint8_t *output, size_t width, const uint8_t *input,
                                      size_t input_width, size_t rows, size_t channels,
                                      const int32_t *coefficients, size_t taps,
                                      const int32_t *starts, const int32_t *lengths)
{
    enum { COLUMNS = 2048 };
    uint8_t columns[COLUMNS][16], pixels[16];
    size_t row = 0, row_bytes = input_width * channels;

    for (; taps * channels <= COLUMNS && row + 16 <= rows; row += 16) {
        const uint8_t *source = input + row * row_bytes;
        size_t first = 0, end = 0; /* the bytes of each row that `columns` holds */

        for (size_t x = 0; x < width; x++) {
            size_t begin = (size_t)starts[x] * channels;
            size_t count = (size_t)lengths[x] * channels;

            if (begin < first || begin + count > end) {
                first = begin;
                end = row_bytes - first < COLUMNS ? row_bytes : first + COLUMNS;
                gather_columns(columns, source, row_bytes, first, end - first);
            }
            for (size_t channel = 0; channel < channels; channel++) {
                u32x16 sum = u32x16_set(1 << 21);

                for (size_t tap = 0; tap < (size_t)lengths[x]; tap++) {
                    u32x16 factor = u32x16_set((uint32_t)coefficients[x * taps + tap]);
                    size_t byte = begin - first + tap * channels + channel;
                    sum = u32x16_add(sum, u32x16_multiply(u32x16_load_8(columns[byte]), factor));
                }
                u32x16_store_pixels(pixels, sum);
                for (size_t i = 0; i < 16; i++)
                    output[((row + i) * width + x) * channels + channel] = pixels[i];
            }
        }
    }
    mmn_resize_horizontal_reference(output + row * width * channels, width, input + row * row_bytes,
                                    input_width, rows - row, channels, coefficients, taps, starts,
                                    lengths);
}

#endif
