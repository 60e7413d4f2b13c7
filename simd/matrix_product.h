/* The matrix product over the vocabulary: blocks of the weights, which may lie transposed, are
 * packed for the caches, and multiplied tile by tile. Each output is one chain per panel of 256
 * along the depth, whatever the blocks. Included after tile.h, strips.h and few_rows.h. */
#ifndef MMN_SIMD_MATRIX_PRODUCT_H
#define MMN_SIMD_MATRIX_PRODUCT_H

/* Sizes of blocks. A block of weights, BLOCK_OUTPUTS outputs and BLOCK_PANELS panels along the
 * depth, stays packed in the second-level cache, with the totals of all rows, while the input comes
 * by, a strip of TILE_ROWS rows at a time. The first EARLY_ROWS rows use a tile's panel of weights
 * as soon as it is packed: as many strips as it takes to prefetch the next panel of 16-bit weights,
 * so that packing need not wait for memory. With MIDDLE_ROWS rows or less all of them do: for a
 * dozen strips or less that saves more than it costs to read the input anew. */
enum {
    BLOCK_OUTPUTS = MMN_MATRIX_PRODUCT_OUTPUTS,
    BLOCK_PANELS = MMN_MATRIX_PRODUCT_BLOCK / 256 / BLOCK_OUTPUTS,
    MIDDLE_ROWS = 12 * TILE_ROWS,
    EARLY_ROWS = 2 * MMN_PANEL / LINE / AHEAD_ROUNDS * TILE_ROWS,
};

_Static_assert(BLOCK_OUTPUTS % TILE_WIDTH == 0, "a block consists of tiles");

typedef struct matrix_product {
    float *output;
    size_t output_stride;
    const float *input; /* in strips */
    const uint8_t *weight; /* [outputs][depth], or [depth][outputs] */
    _Bool transposed;      /* the latter */
    mmn_weight_type type;
    size_t weight_bytes; /* from one row of weights to the next */
    const float *bias;   /* or NULL */
    size_t rows, outputs, depth;
    float *packed; /* [tiles][panels][256][TILE_WIDTH]; up to MIDDLE_ROWS rows: of one panel */
    float *totals; /* [strips][tiles][TILE_ROWS][TILE_WIDTH] */
    float *witness; /* [16]: becomes NaN where an output is infinite or NaN, else stays 0; or NULL */
} matrix_product;

/* Outputs n to n_end - 1, of panels k to k_end - 1. */
typedef struct block {
    size_t n, n_end, k, k_end;
} block;

static inline size_t panel_length(const matrix_product *p, size_t panel)
{
    return smaller(p->depth - panel * MMN_PANEL, MMN_PANEL);
}

static inline const uint8_t *stored_panel(const matrix_product *p, size_t n, size_t k)
{
    const size_t size = mmn_weight_size(p->type);

    return p->transposed ? p->weight + k * MMN_PANEL * p->weight_bytes + n * size
                         : p->weight + n * p->weight_bytes + k * MMN_PANEL * size;
}

/* The panel of weights that is packed behind panel k of the tile at output n: the tile's next one,
 * else the next tile's first one. */
static inline const uint8_t *panel_behind(const matrix_product *p, const block *b, size_t n,
                                          size_t k)
{
    return k + 1 < b->k_end ? stored_panel(p, n, k + 1) : stored_panel(p, n + TILE_WIDTH, b->k);
}

/* The strip of rows `row` to row + rows - 1, from panel k on. */
static inline const float *strip_panel(const matrix_product *p, size_t row, size_t rows, size_t k)
{
    return p->input + row * p->depth + k * MMN_PANEL * rows;
}

static inline float *packed_panel(const matrix_product *p, const block *b, size_t n, size_t k)
{
    const size_t kept = (n - b->n) / TILE_WIDTH * (b->k_end - b->k) + k - b->k;
    const size_t place = p->rows > MIDDLE_ROWS ? kept : 0;

    return p->packed + place * MMN_PANEL * TILE_WIDTH;
}

/* `fetched`: how many bytes of each row of the panel behind it are near already. */
static void pack_panel(float *packed, const matrix_product *p, const block *b, size_t n, size_t k,
                       size_t fetched)
{
    const size_t width = smaller(p->outputs - n, TILE_WIDTH), length = panel_length(p, k);

    if (p->transposed)
        widen_panel(packed, stored_panel(p, n, k), p->weight_bytes, p->type, width, length);
    else
        pack_rows(packed, stored_panel(p, n, k), panel_behind(p, b, n, k), p->weight_bytes, p->type,
                  width, length, fetched);
}

/* Rows `row` to row + rows - 1, a strip, times a packed panel; while it works it prefetches
 * `ahead`. */
static inline void multiply_strip(const matrix_product *p, const block *b, size_t row, size_t rows,
                                  size_t n, size_t k, const float *packed, const uint8_t *ahead,
                                  size_t ahead_stride, size_t ahead_next)
{
    size_t tiles = (b->n_end - b->n + TILE_WIDTH - 1) / TILE_WIDTH;
    size_t place = row / TILE_ROWS * tiles + (n - b->n) / TILE_WIDTH;
    float *total = p->totals + place * TILE_ROWS * TILE_WIDTH;
    _Bool last = (k + 1) * MMN_PANEL >= p->depth;
    const tile t = {
        .from = k == 0 ? NULL : total,
        .to = last ? p->output + row * p->output_stride + n : total,
        .from_stride = TILE_WIDTH,
        .to_stride = last ? p->output_stride : TILE_WIDTH,
        .bias = last && p->bias ? p->bias + n : NULL,
        .witness = last ? p->witness : NULL,
        .strip = strip_panel(p, row, rows, k),
        .packed = packed,
        .length = panel_length(p, k),
        .ahead = ahead,
        .ahead_stride = ahead_stride,
        .ahead_next = ahead_next,
    };

    if (last && p->outputs - n < TILE_WIDTH)
        tile_add_some(rows, p->outputs - n, &t);
    else
        tile_add(rows, &t);
}

/* Packs a block's weights a tile's panel after the other, and multiplies the first `rows` rows by
 * each while it is in the first-level cache. Their tiles prefetch the weights of the panel behind
 * it, so many cache lines of each row, or of so many rows where a row is one term, and packing does
 * the rest. */
static void multiply_panels(const matrix_product *p, const block *b, size_t rows)
{
    const size_t lines = AHEAD_ROUNDS * LINE, terms = MMN_PANEL / AHEAD_STEP * p->weight_bytes;
    const size_t share = p->transposed ? terms : lines;
    const size_t next = p->transposed ? AHEAD_ROWS * p->weight_bytes : LINE;

    for (size_t n = b->n; n < b->n_end; n += TILE_WIDTH)
        for (size_t k = b->k; k < b->k_end; k++) {
            const uint8_t *behind = panel_behind(p, b, n, k);
            float *packed = packed_panel(p, b, n, k);

            pack_panel(packed, p, b, n, k, rows / TILE_ROWS * lines);
            for (size_t row = 0; row < rows; row += TILE_ROWS)
                multiply_strip(p, b, row, smaller(rows - row, TILE_ROWS), n, k, packed,
                               behind + row / TILE_ROWS * share, p->weight_bytes, next);
        }
}

/* Packs a block of weights that lie transposed, row by row of them: each is read once, and is on a
 * page of its own. */
static void widen_block(const matrix_product *p, const block *b)
{
    enum { ROWS = 16 };
    const size_t bytes = (b->n_end - b->n) * mmn_weight_size(p->type);

    for (size_t k = b->k; k < b->k_end; k++)
        for (size_t row = 0; row < panel_length(p, k); row += ROWS) {
            const size_t rows = smaller(panel_length(p, k) - row, ROWS);
            const uint8_t *from = stored_panel(p, b->n, k) + row * p->weight_bytes;

            for (size_t i = 0; i < rows; i++)
                for (size_t line = 0; line < bytes; line += LINE)
                    prefetch(from + (ROWS + i) * p->weight_bytes + line);
            for (size_t n = b->n; n < b->n_end; n += TILE_WIDTH)
                widen_panel(packed_panel(p, b, n, k) + row * TILE_WIDTH,
                            from + (n - b->n) * mmn_weight_size(p->type), p->weight_bytes, p->type,
                            smaller(p->outputs - n, TILE_WIDTH), rows);
        }
}

/* The strips from row `row` on times a block of packed weights. The tiles of one strip prefetch the
 * next one together. */
static void multiply_block(const matrix_product *p, const block *b, size_t row)
{
    size_t tiles = (b->n_end - b->n + TILE_WIDTH - 1) / TILE_WIDTH;
    size_t share = (MMN_PANEL * TILE_ROWS + tiles - 1) / tiles;

    for (; row < p->rows; row += TILE_ROWS)
        for (size_t n = b->n; n < b->n_end; n += TILE_WIDTH) {
            const size_t part = (n - b->n) / TILE_WIDTH * share;

            for (size_t k = b->k; k < b->k_end; k++) {
                const float *next = strip_panel(p, row + TILE_ROWS, TILE_ROWS, k) + part;

                multiply_strip(p, b, row, smaller(p->rows - row, TILE_ROWS), n, k,
                               packed_panel(p, b, n, k), (const uint8_t *)next, LINE,
                               AHEAD_ROWS * LINE);
            }
        }
}

/* The first outputs of a few rows: those that fill units. Returns how many. */
static size_t multiply_few_rows(const matrix_product *p)
{
    const size_t width = UNIT * FEW_UNITS(p->rows);
    const size_t lines = p->depth * mmn_weight_size(p->type) / LINE; /* of a row */
    size_t n = 0;
    line_stage stages[2];

    if (p->rows == 0 || p->rows > FEW_ROWS || p->depth == 0 || width > p->outputs)
        return 0;
    const _Bool staged = WAYS > STAGED && lines > 0 &&
                         mmn_first_level_is_crowded(width, p->weight_bytes);

    for (size_t i = 0; staged && i < width; i++)
        copy_line(stages[0].lines[i], p->weight + i * p->weight_bytes);
    for (; n + width <= p->outputs; n += width) {
        const uint8_t *weight = p->weight + n * p->weight_bytes;
        const size_t turn = n / width * lines;
        const few_rows product = {
            .input = p->input,
            .depth = p->depth,
            .output = p->output + n,
            .output_stride = p->output_stride,
            .bias = p->bias ? p->bias + n : NULL,
            .witness = p->witness,
            .weight = weight,
            .stride = p->weight_bytes,
            .next = weight + width * p->weight_bytes,
            .last = n + 2 * width > p->outputs,
            .stages = {&stages[turn % 2], &stages[(turn + 1) % 2]},
        };

        few_products[p->type][p->rows - 1][staged ? STAGED : DIRECT](&product);
    }
    return n;
}

/* Outputs n to the last one, block after block. */
static void multiply_outputs(const matrix_product *p, size_t n)
{
    /* Without depth there is one panel of length 0. */
    const size_t panels = p->depth > 0 ? (p->depth + MMN_PANEL - 1) / MMN_PANEL : 1;
    const _Bool many = p->rows > MIDDLE_ROWS, widened = many && p->transposed;
    const size_t group = many ? BLOCK_PANELS : panels;
    const size_t early = widened ? 0 : many ? EARLY_ROWS : p->rows;
    block b;

    for (b.n = n; b.n < p->outputs; b.n = b.n_end) {
        b.n_end = b.n + smaller(p->outputs - b.n, BLOCK_OUTPUTS);
        for (b.k = 0; b.k < panels; b.k = b.k_end) {
            b.k_end = b.k + smaller(panels - b.k, group);
            if (widened)
                widen_block(p, &b);
            else
                multiply_panels(p, &b, early);
            multiply_block(p, &b, early);
        }
    }
}

static void KERNEL(matrix_product)(float *output, size_t output_stride, const float *packed,
                                   const void *weight, mmn_weight_type type, size_t weight_stride,
                                   const float *bias, size_t rows, size_t outputs, size_t depth,
                                   float *scratch, _Bool *finite)
{
    float witness[16] = {0.0f};
    const matrix_product p = {
        .output = output,
        .output_stride = output_stride,
        .input = packed,
        .weight = weight,
        .type = type,
        .weight_bytes = weight_stride * mmn_weight_size(type),
        .bias = bias,
        .rows = rows,
        .outputs = outputs,
        .depth = depth,
        .packed = scratch,
        .totals = scratch + MMN_MATRIX_PRODUCT_BLOCK,
        .witness = witness,
    };

    multiply_outputs(&p, multiply_few_rows(&p));
    *finite = f32x16_are_at_least(f32x16_load(witness), f32x16_zero());
}

#endif
