/* The matrix product over the vocabulary: blocks of the weights are packed for the caches, and
 * multiplied tile by tile. Each output is one chain per panel of 256 along the depth,
 * whatever the blocks. Included after tile.h. */
#ifndef MMN_SIMD_MATRIX_PRODUCT_H
#define MMN_SIMD_MATRIX_PRODUCT_H

/* Sizes of blocks. A block of weights, packed, is to stay in a second-level cache while all rows of
 * the input come by, a group of rows at a time: BLOCK_OUTPUTS outputs, BLOCK_PANELS panels along
 * the depth. Where there is but one group of rows, weights are used as soon as they are packed. */
enum {
    BLOCK_OUTPUTS = 256,
    BLOCK_PANELS = 2,
    GROUP_ROWS = 48,
};

_Static_assert(BLOCK_OUTPUTS * BLOCK_PANELS * 256 <= MMN_MATRIX_PRODUCT_SCRATCH,
               "scratch memory must hold a block of weights");

typedef struct matrix_product {
    float *output;
    size_t output_stride;
    const float *input;
    size_t input_stride, panel_stride;
    const uint8_t *weight;
    mmn_weight_type type;
    size_t weight_bytes; /* from one row of weights to the next */
    size_t rows, outputs, depth;
    float *packed_weight; /* [tiles][panels][256][TILE_WIDTH] */
} matrix_product;

/* Outputs n to n_end - 1, of panels k to k_end - 1. */
typedef struct block {
    size_t n, n_end, k, k_end;
} block;

/* The beginning of part i of `parts` when `count` things are divided evenly. */
static inline size_t part_begin(size_t count, size_t parts, size_t i)
{
    return count / parts * i + count % parts * i / parts;
}

static inline size_t panel_length(const matrix_product *p, size_t panel)
{
    size_t first = panel * MMN_PANEL;

    return p->depth - first < MMN_PANEL ? p->depth - first : MMN_PANEL;
}

static inline float *packed_panel(const matrix_product *p, const block *b, size_t n, size_t k)
{
    size_t tile = (n - b->n) / TILE_WIDTH;

    return p->packed_weight +
           (tile * (b->k_end - b->k) + k - b->k) * MMN_PANEL * TILE_WIDTH;
}

static inline const uint8_t *stored_panel(const matrix_product *p, size_t n, size_t k)
{
    return p->weight + n * p->weight_bytes + k * MMN_PANEL * mmn_weight_size(p->type);
}

static void pack_weights(const matrix_product *p, const block *b)
{
    for (size_t n = b->n; n < b->n_end; n += TILE_WIDTH)
        for (size_t k = b->k; k < b->k_end; k++) {
            size_t rest = p->outputs - n;
            const uint8_t *next = NULL;

            /* What comes next: this tile's next panel, else the next tile. */
            if ((k + 2) * MMN_PANEL <= p->depth && (k + 1 < b->k_end || b->n_end == n + TILE_WIDTH))
                next = rest < TILE_WIDTH ? NULL : stored_panel(p, n, k + 1);
            else if (rest >= 2 * TILE_WIDTH)
                next = stored_panel(p, n + TILE_WIDTH, b->k);
            pack_rows(packed_panel(p, b, n, k), stored_panel(p, n, k), next, p->weight_bytes,
                      p->type, rest < TILE_WIDTH ? rest : TILE_WIDTH, panel_length(p, k));
        }
}

/* A group of rows times a block of weights. */
static void multiply_group(const matrix_product *p, const block *b, size_t row, size_t rows)
{
    size_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;

    for (size_t n = b->n; n < b->n_end; n += TILE_WIDTH) {
        size_t width = p->outputs - n < TILE_WIDTH ? p->outputs - n : TILE_WIDTH;

        for (size_t k = b->k; k < b->k_end; k++) {
            const float *input = p->input + row * p->input_stride + k * p->panel_stride;

            for (size_t tile = 0; tile < tiles; tile++) {
                size_t first = part_begin(rows, tiles, tile);

                add_tile(part_begin(rows, tiles, tile + 1) - first, width, k == 0,
                         p->output + (row + first) * p->output_stride + n, p->output_stride,
                         input + first * p->input_stride, p->input_stride, packed_panel(p, b, n, k),
                         panel_length(p, k));
            }
        }
    }
}

static void multiply_block(const matrix_product *p, const block *b)
{
    size_t groups = (p->rows + GROUP_ROWS - 1) / GROUP_ROWS;

    pack_weights(p, b);
    for (size_t group = 0; group < groups; group++) {
        size_t row = part_begin(p->rows, groups, group);
        multiply_group(p, b, row, part_begin(p->rows, groups, group + 1) - row);
    }
}

static void KERNEL(matrix_product)(float *output, size_t output_stride, const float *input,
                                   size_t input_stride, size_t panel_stride, const void *weight,
                                   mmn_weight_type type, size_t weight_stride, const float *bias,
                                   size_t rows, size_t outputs, size_t depth, float *scratch)
{
    const matrix_product p = {
        .output = output,
        .output_stride = output_stride,
        .input = input,
        .input_stride = input_stride,
        .panel_stride = panel_stride,
        .weight = weight,
        .type = type,
        .weight_bytes = weight_stride * mmn_weight_size(type),
        .rows = rows,
        .outputs = outputs,
        .depth = depth,
        .packed_weight = scratch,
    };
    size_t width = rows > GROUP_ROWS ? BLOCK_OUTPUTS : TILE_WIDTH;
    /* Without depth there is one panel of length 0. */
    size_t panels = depth > 0 ? (depth + MMN_PANEL - 1) / MMN_PANEL : 1;
    block b;

    for (b.n = 0; b.n < outputs; b.n = b.n_end) {
        b.n_end = outputs - b.n < width ? outputs : b.n + width;
        for (b.k = 0; b.k < panels; b.k = b.k_end) {
            b.k_end = panels - b.k < BLOCK_PANELS ? panels : b.k + BLOCK_PANELS;
            multiply_block(&p, &b);
        }
    }
    for (size_t row = 0; bias && row < rows; row++)
        KERNEL(add)(output + row * output_stride, output + row * output_stride, bias, outputs);
}

#endif
