/* The matrix product over the vocabulary: blocks of the input and of the weights are packed for the
 * caches, and multiplied tile by tile. Each output is one chain per panel of 256 along the depth,
 * whatever the blocks. Included after tile.h. */
#ifndef MMN_SIMD_MATRIX_PRODUCT_H
#define MMN_SIMD_MATRIX_PRODUCT_H

#include <string.h>

/* A block of the input has at most BLOCK_ROWS rows and INPUT_PANELS panels of a row, INPUT_STRIDE
 * floats apart so that the rows of a tile lie in different sets of the cache. It is to stay in a
 * second-level cache. The more rows, the less packing of weights; the more panels, the fewer times
 * outputs are read and written again. */
enum { BLOCK_ROWS = 384, INPUT_PANELS = 768, INPUT_STRIDE = 256 + 16, MANY_TILES = 4 };

_Static_assert(INPUT_PANELS * INPUT_STRIDE + 256 * TILE_WIDTH <= MMN_MATRIX_PRODUCT_SCRATCH,
               "a block of the input and one of weights need scratch memory");

typedef struct matrix_product {
    float *output;
    size_t output_stride;
    const float *input;
    size_t input_stride;
    const uint8_t *weight;
    mmn_weight_type type;
    size_t weight_bytes; /* from one row of weights to the next */
    size_t outputs, depth;
    float *input_block;  /* [panels][rows][INPUT_STRIDE] */
    float *weight_block; /* [256][TILE_WIDTH] */
} matrix_product;

/* The beginning of part i of `parts` when `count` things are divided evenly. */
static inline size_t part_begin(size_t count, size_t parts, size_t i)
{
    return count / parts * i + (count % parts * i) / parts;
}

static inline size_t panel_length(const matrix_product *p, size_t panel)
{
    size_t first = panel * MMN_PANEL;

    return p->depth - first < MMN_PANEL ? p->depth - first : MMN_PANEL;
}

static void copy_input(const matrix_product *p, size_t row, size_t rows, size_t panel,
                       size_t panels)
{
    float *to = p->input_block;

    for (size_t i = 0; i < panels; i++)
        for (size_t r = 0; r < rows; r++, to += INPUT_STRIDE)
            copy_numbers(to, p->input + (row + r) * p->input_stride + (panel + i) * MMN_PANEL,
                         panel_length(p, panel + i));
}

/* Rows of memory, and which of their cache lines is to be fetched next. */
typedef struct fetch {
    const uint8_t *row;
    size_t stride, bytes, rows, byte;
} fetch;

/* Moves lines from `from` to *to until *count is SOON. */
static inline void fetch_lines(soon_lines *to, size_t *count, fetch *from)
{
    enum { CACHE_LINE = 64 };

    for (; *count < SOON && from->rows > 0; ++*count) {
        to->line[*count] = from->row + from->byte;
        from->byte += CACHE_LINE;
        if (from->byte >= from->bytes) {
            from->byte = 0;
            from->row += from->stride;
            from->rows--;
        }
    }
}

/* What the weights' panel of TILE_WIDTH outputs from n on is in memory; nothing, unless it is whole. */
static fetch fetch_weights(const matrix_product *p, size_t panel, size_t n)
{
    size_t size = mmn_weight_size(p->type);

    if (n + TILE_WIDTH > p->outputs)
        return (fetch){0};
    return (fetch){p->weight + n * p->weight_bytes + panel * MMN_PANEL * size, p->weight_bytes,
                   panel_length(p, panel) * size, TILE_WIDTH, 0};
}

static fetch fetch_input(const matrix_product *p, size_t row, size_t rows, size_t panel)
{
    if (panel * MMN_PANEL >= p->depth)
        return (fetch){0};
    return (fetch){(const uint8_t *)(p->input + row * p->input_stride + panel * MMN_PANEL),
                   p->input_stride * sizeof(float), panel_length(p, panel) * sizeof(float), rows,
                   0};
}

/* Rows of the block times one panel of TILE_WIDTH outputs from n on. The weights to be packed next
 * and then `later` are fetched meanwhile. */
static void multiply_panel(const matrix_product *p, size_t row, size_t rows, size_t panel,
                           const float *block, size_t n, fetch next, fetch *later)
{
    size_t width = p->outputs - n < TILE_WIDTH ? p->outputs - n : TILE_WIDTH;
    size_t length = panel_length(p, panel), tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
    const uint8_t *from =
        p->weight + n * p->weight_bytes + panel * MMN_PANEL * mmn_weight_size(p->type);

    /* With few tiles there is not enough time to fetch all. */
    pack_rows(p->weight_block, from, tiles < MANY_TILES ? next.row : NULL, p->weight_bytes, p->type,
              width, length);
    for (size_t tile = 0; tile < tiles; tile++) {
        size_t first = part_begin(rows, tiles, tile), end = part_begin(rows, tiles, tile + 1);
        soon_lines soon = nothing_soon(p->weight_block);
        size_t lines = 0;

        if (tiles >= MANY_TILES) {
            fetch_lines(&soon, &lines, &next);
            fetch_lines(&soon, &lines, later);
        }
        add_tile(end - first, width, panel == 0, p->output + (row + first) * p->output_stride + n,
                 p->output_stride, block + first * INPUT_STRIDE, INPUT_STRIDE, p->weight_block,
                 length, &soon);
    }
}

/* The products of some rows of the input with all weights. */
static void multiply_row_block(const matrix_product *p, size_t row, size_t rows)
{
    /* Without depth there is one panel of length 0. */
    size_t all = p->depth > 0 ? (p->depth + MMN_PANEL - 1) / MMN_PANEL : 1;
    size_t most = INPUT_PANELS / rows;

    for (size_t panel = 0; panel < all; panel += most) {
        size_t panels = all - panel < most ? all - panel : most;
        fetch later = fetch_input(p, row, rows, panel + panels);

        copy_input(p, row, rows, panel, panels);
        for (size_t n = 0; n < p->outputs; n += TILE_WIDTH)
            for (size_t i = 0; i < panels; i++) {
                _Bool last = i + 1 == panels;

                multiply_panel(p, row, rows, panel + i, p->input_block + i * rows * INPUT_STRIDE, n,
                               fetch_weights(p, last ? panel : panel + i + 1,
                                             last ? n + TILE_WIDTH : n), &later);
            }
    }
}

static void KERNEL(matrix_product)(float *output, size_t output_stride, const float *input,
                                   size_t input_stride, const void *weight, mmn_weight_type type,
                                   size_t weight_stride, const float *bias, size_t rows,
                                   size_t outputs, size_t depth, float *scratch)
{
    const matrix_product p = {
        .output = output,
        .output_stride = output_stride,
        .input = input,
        .input_stride = input_stride,
        .weight = weight,
        .type = type,
        .weight_bytes = weight_stride * mmn_weight_size(type),
        .outputs = outputs,
        .depth = depth,
        .input_block = scratch,
        .weight_block = scratch + INPUT_PANELS * INPUT_STRIDE,
    };
    size_t blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;

    for (size_t block = 0; block < blocks; block++) {
        size_t row = part_begin(rows, blocks, block);
        multiply_row_block(&p, row, part_begin(rows, blocks, block + 1) - row);
    }
    for (size_t row = 0; bias && row < rows; row++)
        KERNEL(add)(output + row * output_stride, output + row * output_stride, bias, outputs);
}

#endif
