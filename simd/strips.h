/* Inputs of products, packed into strips: TILE_ROWS rows next to each other, k by k, so that a tile
 * reads one stream of numbers instead of one for each row. The last strip has the rows that are
 * left: strip [depth][its rows]. Included after tile.h. */
#ifndef MMN_SIMD_STRIPS_H
#define MMN_SIMD_STRIPS_H

enum { STRIP_UNITS = (TILE_ROWS + UNIT - 1) / UNIT };

/* Columns of a whole strip, TRANSPOSED at a time, where as many rows can be read as units have.
 * Returns how many: those whose stores reach into the next column have one. */
static size_t pack_whole_columns(float *strip, const float *rows, size_t stride, size_t depth)
{
    size_t k = 0;

    for (; k + TRANSPOSED < depth; k += TRANSPOSED) {
        unit_u32 columns[STRIP_UNITS][TRANSPOSED];

        UNROLL
        for (size_t unit = 0; unit < STRIP_UNITS; unit++)
            unit_columns(columns[unit], (const uint8_t *)(rows + unit * UNIT * stride + k),
                         stride * sizeof(float));
        UNROLL
        for (size_t i = 0; i < TRANSPOSED; i++)
            UNROLL
            for (size_t unit = 0; unit < STRIP_UNITS; unit++)
                unit_store(strip + (k + i) * TILE_ROWS + unit * UNIT,
                           unit_of_bits(columns[unit][i]));
    }
    return k;
}

/* Packs `rows` rows of `depth` numbers, `stride` apart. */
static void pack_strips(float *strips, const float *input, size_t stride, size_t rows, size_t depth)
{
    for (size_t row = 0; row < rows; row += TILE_ROWS) {
        const size_t width = smaller(rows - row, TILE_ROWS);
        const float *from = input + row * stride;
        float *strip = strips + row * depth;
        size_t k = 0;

        if (rows - row >= STRIP_UNITS * UNIT)
            k = pack_whole_columns(strip, from, stride, depth);
        for (; k < depth; k++)
            for (size_t i = 0; i < width; i++)
                strip[k * width + i] = from[i * stride + k];
    }
}

static void KERNEL(pack_input)(float *packed, const float *input, size_t input_stride, size_t rows,
                               size_t depth)
{
    pack_strips(packed, input, input_stride, rows, depth);
}

#endif
