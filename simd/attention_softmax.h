/* What attention of one head needs whatever the number of rows: the task that is at work, what its
 * rows see, and the softmax of their scores. Rows see what they see, to the key. Included after
 * tile.h and vector_functions.h. */
#ifndef MMN_SIMD_ATTENTION_SOFTMAX_H
#define MMN_SIMD_ATTENTION_SOFTMAX_H

#include <math.h>

enum { VALUES_AHEAD = 16 }; /* rows, each of a page where a position's heads lie together */

/* One task, and the block of its rows that is at work: the keys [begin[r], end[r]) that row r of
 * the block sees, and its scores. */
typedef struct attention {
    const mmn_attention_task *task;
    size_t row, rows; /* of the task */
    size_t begin[MMN_ATTENTION_ROWS], end[MMN_ATTENTION_ROWS];
    size_t first_key, last_key; /* that the block sees something of, first_key a tile's */
    /* Whether blocks share what is packed, from key `origin` on, the first block's first one, up to
     * packed_keys and packed_values. */
    _Bool shared;
    size_t origin, packed_keys, packed_values;
    float *keys;   /* [tiles][head_dim][TILE_WIDTH], or one tile's panel */
    float *values; /* [panels][tiles of elements][256][TILE_WIDTH], or one panel's tile */
    float *query;  /* [rows][256]: a panel of the block's queries, in strips */
    float *scores; /* [rows][stride]; score of key j at j - first_key */
    size_t stride;
} attention;

/* Both limits grow from row to row. */
static void find_limits(attention *a)
{
    const mmn_attention_task *task = a->task;

    for (size_t r = 0; r < a->rows; r++) {
        size_t position = task->first_position + a->row + r;

        a->begin[r] = 0;
        a->end[r] = task->key_count;
        if (task->causal && position < task->key_count)
            a->end[r] = position + 1;
        if (task->causal && task->window > 0 && position >= task->window)
            a->begin[r] = position - task->window + 1;
        if (a->begin[r] > a->end[r])
            a->begin[r] = a->end[r];
    }
    a->first_key = a->begin[0] - a->begin[0] % TILE_WIDTH;
    a->last_key = a->end[a->rows - 1];
}

/* How many keys from number `key` on lie in its span `span`, where it is number `place`; up to
 * `most`. */
static inline size_t keys_together(const mmn_key_span *span, size_t place, size_t most)
{
    return smaller(span->count - place, most);
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
    const mmn_attention_task *task = a->task;
    float *scores = a->scores + row * a->stride;
    size_t begin = a->begin[row] - a->first_key, end = a->end[row] - a->first_key;
    size_t first = begin - begin % 16;
    f32x16 greatest = f32x16_set(-INFINITY), lanes = f32x16_zero();

    if (task->bias)
        KERNEL(add)(scores + begin, scores + begin,
                    task->bias + (a->row + row) * task->bias_stride + a->begin[row], end - begin);
    for (size_t key = first; key < end; key += 16) {
        f32x16 strip = scale_scores(task, f32x16_load(scores + key), a->first_key + key);

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
    const divisor sum = make_divisor(f32x16_sum(lanes));

    for (size_t key = first; key < end; key += 16)
        f32x16_store(scores + key, divide_power(f32x16_load(scores + key), &sum));
}

#endif
