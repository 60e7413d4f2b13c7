/* Attention of one head over the vocabulary: scores and weighted values are tiles of a matrix
 * product, for which keys and values are packed; rows see what they see, to the key. Included after
 * tile.h, strips.h and vector_functions.h. */
#ifndef MMN_SIMD_ATTENTION_H
#define MMN_SIMD_ATTENTION_H

#include <math.h>
#include <string.h>

/* One task: the keys [begin[r], end[r]) that row r sees, and its scores. */
typedef struct attention {
    const mmn_attention_task *task;
    size_t begin[MMN_ATTENTION_ROWS], end[MMN_ATTENTION_ROWS];
    float *packed; /* [256][TILE_WIDTH] */
    float *query;  /* [rows][256]: a panel of the queries, in strips */
    float *scores; /* [rows][stride]; score of key j at j - first_key */
    size_t first_key, stride;
} attention;

_Static_assert(TILE_WIDTH <= 64, "attention's scratch memory has room for a block of 64 keys");

/* Both limits grow from row to row. */
static void find_limits(attention *a)
{
    const mmn_attention_task *task = a->task;

    for (size_t row = 0; row < task->rows; row++) {
        size_t position = task->first_position + row;

        a->begin[row] = 0;
        a->end[row] = task->key_count;
        if (task->causal && position < task->key_count)
            a->end[row] = position + 1;
        if (task->causal && task->window > 0 && position >= task->window)
            a->begin[row] = position - task->window + 1;
        if (a->begin[row] > a->end[row])
            a->begin[row] = a->end[row];
    }
}

/* How many keys from number `key` on lie in its span `span`, where it is number `place`; up to
 * `most`. */
static inline size_t keys_together(const mmn_key_span *span, size_t place, size_t most)
{
    return span->count - place < most ? span->count - place : most;
}

/* Adds the products of a panel of queries, elements k to k + length - 1, with the packed keys to
 * the scores of a strip. */
static inline void add_scores(const attention *a, size_t row, size_t key, size_t k, size_t length)
{
    const size_t rows = a->task->rows - row;
    float *scores = a->scores + row * a->stride + key - a->first_key;
    const tile t = {
        .from = k == 0 ? NULL : scores,
        .to = scores,
        .from_stride = a->stride,
        .to_stride = a->stride,
        .strip = a->query + row * length,
        .packed = a->packed,
        .length = length,
        .ahead = (const uint8_t *)scores,
    };

    tile_add(rows < TILE_ROWS ? rows : TILE_ROWS, &t);
}

/* Scores, not scaled yet, of up to TILE_WIDTH keys from `key` on, for the strips with rows that see
 * some of them; returns how many keys: those that lie together. What it writes behind their scores
 * is overwritten; what a row does not see is never read. */
static size_t score_tile(const attention *a, size_t key, size_t k, size_t length)
{
    const mmn_attention_task *task = a->task;
    size_t last = a->end[task->rows - 1], stride = task->key_stride * sizeof(float), place = key;
    const mmn_key_span *span = mmn_attention_span(task, &place);
    size_t together = keys_together(span, place, last - key);
    size_t width = together < TILE_WIDTH ? together : TILE_WIDTH;
    const uint8_t *keys =
        (const uint8_t *)(span->keys + place * task->key_stride + task->head + k);
    const uint8_t *next = 2 * TILE_WIDTH <= together ? keys + TILE_WIDTH * stride : NULL;
    size_t from = 0, to = task->rows;

    while (from < to && a->end[from] <= key)
        from++;
    while (to > from && a->begin[to - 1] >= key + width)
        to--;
    pack_rows(a->packed, keys, next, stride, MMN_WEIGHT_F32, width, length, 0);
    for (size_t row = from - from % TILE_ROWS; row < to; row += TILE_ROWS)
        add_scores(a, row, key, k, length);
    return width;
}

static void make_scores(const attention *a)
{
    const mmn_attention_task *task = a->task;
    size_t last = a->end[task->rows - 1];

    for (size_t k = 0; k == 0 || k < task->head_dim; k += MMN_PANEL) {
        size_t length = task->head_dim - k < MMN_PANEL ? task->head_dim - k : MMN_PANEL;

        pack_strips(a->query, task->query + k, task->query_stride, task->rows, length);
        for (size_t key = a->first_key; key < last;)
            key += score_tile(a, key, k, length);
    }
}

/* The scaled scores of 16 keys from key number `key` on, with their positions' bias if any. */
static inline f32x16 scale_scores(const mmn_attention_task *task, f32x16 products, size_t key)
{
    static const float steps[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    f32x16 scale = f32x16_set(task->scale);

    if (task->alibi_slope == 0.0f)
        return f32x16_multiply(products, scale);
    f32x16 position = f32x16_add(f32x16_set((float)key), f32x16_load(steps));
    return f32x16_fma(products, scale, f32x16_multiply(f32x16_set(task->alibi_slope), position));
}

/* The softmax of a row's scores. Strips begin at multiples of 16, so that a key's lane is
 * its position's; where a strip reaches beyond the row's keys, its scores are -infinity there. */
static void softmax_scores(const attention *a, size_t row)
{
    float *scores = a->scores + row * a->stride;
    size_t begin = a->begin[row] - a->first_key, end = a->end[row] - a->first_key;
    size_t first = begin - begin % 16;
    f32x16 greatest = f32x16_set(-INFINITY), lanes = f32x16_zero();

    for (size_t key = first; key < end; key += 16) {
        f32x16 strip = scale_scores(a->task, f32x16_load(scores + key), a->first_key + key);

        if (key < begin)
            strip = f32x16_splice(f32x16_set(-INFINITY), strip, begin - key);
        if (key + 16 > end)
            strip = f32x16_splice(strip, f32x16_set(-INFINITY), end - key);
        f32x16_store(scores + key, strip);
        greatest = f32x16_max(strip, greatest);
    }
    f32x16 maximum = f32x16_set(f32x16_greatest(greatest));

    for (size_t key = first; key < end; key += 16) {
        f32x16 power = exp_f32(f32x16_subtract(f32x16_load(scores + key), maximum));

        f32x16_store(scores + key, power);
        lanes = f32x16_add(lanes, power);
    }
    f32x16 sum = f32x16_set(f32x16_sum(lanes));

    for (size_t key = first; key < end; key += 16)
        f32x16_store(scores + key, f32x16_divide(f32x16_load(scores + key), sum));
}

/* Keys `from` to `to` - 1 of the panel that begins at key `panel`, added to the chains of some
 * rows. */
static void continue_chains(const attention *a, float *chains, size_t row, size_t rows,
                            size_t panel, size_t from, size_t to)
{
    if (from < to)
        tile_continue(rows, chains, a->scores + row * a->stride + from - a->first_key, a->stride,
                      a->packed + (from - panel) * TILE_WIDTH, to - from);
}

static inline size_t between(size_t low, size_t x, size_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* Adds the weighted values of one panel of keys, [panel, end), to `width` elements of the outputs
 * of up to TILE_ROWS rows. What all of them see is taken together, what some see row by row. */
static void weigh_tile(const attention *a, size_t row, size_t rows, size_t panel, size_t end,
                       size_t element, size_t width)
{
    const mmn_attention_task *task = a->task;
    float chains[TILE_ROWS * TILE_WIDTH] = {0.0f};
    size_t low = between(panel, a->begin[row + rows - 1], end);
    size_t high = between(low, a->end[row], end);

    for (size_t r = 0; r < rows; r++)
        continue_chains(a, chains + r * TILE_WIDTH, row + r, 1, panel,
                        between(panel, a->begin[row + r], end),
                        between(panel, a->end[row + r], low));
    continue_chains(a, chains, row, rows, panel, low, high);
    for (size_t r = 0; r < rows; r++) {
        float *output = task->output + (row + r) * task->output_stride + element;

        continue_chains(a, chains + r * TILE_WIDTH, row + r, 1, panel,
                        between(high, a->begin[row + r], end),
                        between(panel, a->end[row + r], end));
        for (size_t i = 0; i < width; i++)
            output[i] = output[i] + chains[r * TILE_WIDTH + i];
    }
}

/* Packs elements `element` to `element` + width - 1 of the values of keys begin to end - 1. */
static void pack_values(float *packed, const mmn_attention_task *task, size_t begin, size_t end,
                        size_t element, size_t width)
{
    while (begin < end) {
        size_t place = begin;
        const mmn_key_span *span = mmn_attention_span(task, &place);
        const float *value = span->values + place * task->value_stride + task->head + element;
        size_t count = keys_together(span, place, end - begin);

        for (size_t i = 0; i < count; i++)
            copy_numbers(packed + i * TILE_WIDTH, value + i * task->value_stride, width);
        packed += count * TILE_WIDTH;
        begin += count;
    }
}

/* output = sum of the rows' probabilities times the values. */
static void weigh_values(const attention *a)
{
    const mmn_attention_task *task = a->task;
    size_t last = a->end[task->rows - 1];

    for (size_t row = 0; row < task->rows; row++)
        memset(task->output + row * task->output_stride, 0, task->head_dim * sizeof(float));
    for (size_t panel = a->first_key - a->first_key % MMN_PANEL; panel < last; panel += MMN_PANEL) {
        size_t end = last - panel < MMN_PANEL ? last : panel + MMN_PANEL;
        size_t begin = panel > a->first_key ? panel : a->first_key;

        for (size_t element = 0; element < task->head_dim; element += TILE_WIDTH) {
            size_t rest = task->head_dim - element, width = rest < TILE_WIDTH ? rest : TILE_WIDTH;

            pack_values(a->packed + (begin - panel) * TILE_WIDTH, task, begin, end, element, width);
            for (size_t row = 0; row < task->rows; row += TILE_ROWS)
                weigh_tile(a, row, task->rows - row < TILE_ROWS ? task->rows - row : TILE_ROWS,
                           panel, end, element, width);
        }
    }
}

static void KERNEL(attention)(const mmn_attention_task *task)
{
    attention a = {.task = task, .packed = task->scratch};

    if (task->rows == 0)
        return;
    find_limits(&a);
    a.first_key = a.begin[0] - a.begin[0] % TILE_WIDTH;
    a.query = a.packed + MMN_PANEL * TILE_WIDTH;
    a.scores = a.query + task->rows * MMN_PANEL;
    /* Rows lie in different sets of the cache. A tile may begin at the last key, where a span
     * does. */
    a.stride = (a.end[task->rows - 1] - a.first_key + 2 * TILE_WIDTH - 2) / TILE_WIDTH * TILE_WIDTH;
    a.stride += a.stride % 32 == 0 ? 16 : 0;

    make_scores(&a);
    for (size_t row = 0; row < task->rows; row++)
        softmax_scores(&a, row);
    weigh_values(&a);
}

#endif
