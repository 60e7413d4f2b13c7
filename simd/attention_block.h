/* Attention of one head for blocks of rows: scores and weighted values are tiles of a matrix
 * product, for which keys and values are packed. Included after attention_softmax.h and strips.h.
 *
 * Rows are taken a block at a time, whose scores stay in the second-level cache. Several blocks
 * share the keys and values that the first of them to see some has packed; for one block alone each
 * piece is packed where it stays near. */
#ifndef MMN_SIMD_ATTENTION_BLOCK_H
#define MMN_SIMD_ATTENTION_BLOCK_H

#include <string.h>

_Static_assert((int)TILE_WIDTH <= (int)MMN_ATTENTION_TILE && MMN_STRIP_ROWS % TILE_ROWS == 0,
               "attention's scratch memory has room for tiles, a block consists of strips");

/* ---- Scores ---------------------------------------------------------------------------------- */

/* Packs elements k to k + length - 1 of a tile of keys; those that do not exist become 0. */
static void pack_keys(float *packed, const mmn_attention_task *task, size_t key, size_t k,
                      size_t length)
{
    size_t width = smaller(task->key_count - key, TILE_WIDTH);
    size_t place = key;
    const mmn_key_span *span = mmn_attention_span(task, &place);
    size_t together = keys_together(span, place, task->key_count - key);
    size_t stride = span->stride * sizeof(float);
    const uint8_t *keys =
        (const uint8_t *)(span->keys + mmn_attention_place(task, span, place) + k);

    if (together >= width) {
        pack_rows(packed, keys, 2 * TILE_WIDTH <= together ? keys + TILE_WIDTH * stride : NULL,
                  stride, MMN_WEIGHT_F32, width, length, 0);
        return;
    }
    for (size_t n = 0; n < TILE_WIDTH; n++) {
        const float *row = NULL;

        if (n < width) {
            place = key + n;
            span = mmn_attention_span(task, &place);
            row = span->keys + mmn_attention_place(task, span, place) + k;
        }
        for (size_t i = 0; i < length; i++)
            packed[i * TILE_WIDTH + n] = row ? row[i] : 0.0f;
    }
}

/* Scores, not scaled yet, of a tile of packed keys for the strips with rows that see some of them,
 * of elements k to k + length - 1; `query` has these of the rows, in strips. What a row does not see
 * is never read. */
static void score_tile(const attention *a, const float *query, const float *packed, size_t key,
                       size_t k, size_t length)
{
    size_t from = 0, to = a->rows;

    while (from < to && a->end[from] <= key)
        from++;
    while (to > from && a->begin[to - 1] >= key + TILE_WIDTH)
        to--;
    for (size_t row = from - from % TILE_ROWS; row < to; row += TILE_ROWS) {
        float *scores = a->scores + row * a->stride + key - a->first_key;
        const tile t = {
            .from = k == 0 ? NULL : scores,
            .to = scores,
            .from_stride = a->stride,
            .to_stride = a->stride,
            .strip = query + row * length,
            .packed = packed,
            .length = length,
            .ahead = (const uint8_t *)scores,
        };

        tile_add(smaller(a->rows - row, TILE_ROWS), &t);
    }
}

static void make_scores(const attention *a)
{
    const mmn_attention_task *task = a->task;
    const float *query = task->query + a->row * task->query_stride;

    for (size_t k = 0; k == 0 || k < task->head_dim; k += MMN_PANEL) {
        size_t length = smaller(task->head_dim - k, MMN_PANEL);

        pack_strips(a->query, query + k, task->query_stride, a->rows, length);
        for (size_t key = a->first_key; key < a->last_key; key += TILE_WIDTH) {
            float *packed =
                a->shared ? a->keys + (key - a->origin) * task->head_dim + k * TILE_WIDTH : a->keys;

            if (!a->shared || key >= a->packed_keys)
                pack_keys(packed, task, key, k, length);
            score_tile(a, a->query, packed, key, k, length);
        }
    }
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* Packs elements `element` to `element` + width - 1 of the values of keys begin to end - 1. */
static void pack_values(float *packed, const mmn_attention_task *task, size_t begin, size_t end,
                        size_t element, size_t width)
{
    while (begin < end) {
        size_t place = begin;
        const mmn_key_span *span = mmn_attention_span(task, &place);
        const float *value = span->values + mmn_attention_place(task, span, place) + element;
        size_t count = keys_together(span, place, end - begin);

        for (size_t i = 0; i < count; i++) {
            for (size_t line = 0; line < TILE_WIDTH; line += 16)
                prefetch((const uint8_t *)(value + (i + VALUES_AHEAD) * span->stride + line));
            copy_numbers(packed + i * TILE_WIDTH, value + i * span->stride, width);
        }
        packed += count * TILE_WIDTH;
        begin += count;
    }
}

/* A panel of keys, [begin, end), of whose values `width` elements from `element` on are packed. */
typedef struct value_panel {
    const float *packed;
    size_t begin, end, element, width;
} value_panel;

/* Adds chains [rows][TILE_WIDTH] to the panel's elements of the outputs. */
static void add_chains(const attention *a, const value_panel *p, size_t row, size_t rows,
                       const float *chains)
{
    const size_t stride = a->task->output_stride;
    float *output = a->task->output + (a->row + row) * stride + p->element;

    for (size_t r = 0; r < rows; r++, output += stride, chains += TILE_WIDTH) {
        size_t i = 0;

        for (; i + 16 <= p->width; i += 16)
            f32x16_store(output + i,
                         f32x16_add(f32x16_load(output + i), f32x16_load(chains + i)));
        for (; i < p->width; i++)
            output[i] = output[i] + chains[i];
    }
}

/* Keys `from` to `to` - 1 of the panel, added to the chains of some rows. */
static void continue_chains(const attention *a, const value_panel *p, float *chains, size_t row,
                            size_t rows, size_t from, size_t to)
{
    if (from < to)
        tile_continue(rows, chains, a->scores + row * a->stride + from - a->first_key, a->stride,
                      p->packed + (from - p->begin) * TILE_WIDTH, to - from);
}

static inline size_t between(size_t low, size_t x, size_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* Adds the weighted values of a panel to the outputs of up to TILE_ROWS rows. What all of them see
 * is taken together, what some see row by row. */
static void weigh_tile(const attention *a, const value_panel *p, size_t row, size_t rows)
{
    float chains[TILE_ROWS * TILE_WIDTH] = {0.0f};
    size_t low = between(p->begin, a->begin[row + rows - 1], p->end);
    size_t high = between(low, a->end[row], p->end);

    for (size_t r = 0; r < rows && low > p->begin; r++)
        continue_chains(a, p, chains + r * TILE_WIDTH, row + r, 1,
                        between(p->begin, a->begin[row + r], p->end),
                        between(p->begin, a->end[row + r], low));
    continue_chains(a, p, chains, row, rows, low, high);
    for (size_t r = 0; r < rows && high < p->end; r++)
        continue_chains(a, p, chains + r * TILE_WIDTH, row + r, 1,
                        between(high, a->begin[row + r], p->end),
                        between(p->begin, a->end[row + r], p->end));
    add_chains(a, p, row, rows, chains);
}

/* output = sum of the rows' probabilities times the values. */
static void weigh_values(const attention *a)
{
    const mmn_attention_task *task = a->task;
    const size_t width = (task->head_dim + TILE_WIDTH - 1) / TILE_WIDTH * TILE_WIDTH;
    const size_t first = a->first_key - a->first_key % MMN_PANEL;
    const size_t origin = a->origin - a->origin % MMN_PANEL;

    for (size_t r = 0; r < a->rows; r++)
        memset(task->output + (a->row + r) * task->output_stride, 0,
               task->head_dim * sizeof(float));
    for (size_t panel = first; panel < a->last_key; panel += MMN_PANEL)
        for (size_t element = 0; element < task->head_dim; element += TILE_WIDTH) {
            float *packed = a->values + (a->shared ? (panel - origin) * width + MMN_PANEL * element
                                                   : 0);
            const value_panel p = {.packed = packed,
                                   .begin = panel,
                                   .end = smaller(task->key_count, panel + MMN_PANEL),
                                   .element = element,
                                   .width = smaller(task->head_dim - element, TILE_WIDTH)};

            if (!a->shared || panel >= a->packed_values)
                pack_values(packed, task, panel, p.end, element, p.width);
            for (size_t row = 0; row < a->rows; row += TILE_ROWS)
                weigh_tile(a, &p, row, smaller(a->rows - row, TILE_ROWS));
        }
}

/* ---- A block --------------------------------------------------------------------------------- */

static void attend_block(attention *a)
{
    /* Rows lie in different sets of the cache. */
    a->stride = (a->last_key - a->first_key + TILE_WIDTH - 1) / TILE_WIDTH * TILE_WIDTH;
    a->stride += a->stride % 32 == 0 ? 16 : 0;
    make_scores(a);
    for (size_t row = 0; row < a->rows; row++)
        softmax_scores(a, row);
    weigh_values(a);
    a->packed_keys = (a->last_key + TILE_WIDTH - 1) / TILE_WIDTH * TILE_WIDTH;
    a->packed_values = (a->last_key + MMN_PANEL - 1) / MMN_PANEL * MMN_PANEL;
}

#endif
