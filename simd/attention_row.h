/* Attention of one head for a single row, as decoding has it: memory has to bring every key and
 * value once, and nothing may make it wait. Nothing is packed: scores are a matrix product of one
 * row with the keys as they lie, and values are weighted as they come. Included after
 * attention_block.h and few_rows.h. */
#ifndef MMN_SIMD_ATTENTION_ROW_H
#define MMN_SIMD_ATTENTION_ROW_H

enum {
    KEY_UNITS = UNIT * FEW_UNITS(1), /* keys that are scored together */
    VALUE_UNITS = 8,                 /* of elements that are weighted together */
};

/* Scores, not scaled yet, of KEY_UNITS keys that lie together from number `place` of a span on;
 * behind them `next` is read. */
static void score_units(const attention *a, float *scores, const mmn_key_span *span, size_t place,
                        const float *next)
{
    const mmn_attention_task *task = a->task;
    const float *keys = span->keys + mmn_attention_place(task, span, place);
    const few_rows product = {
        .input = task->query,
        .depth = task->head_dim,
        .output = scores,
        .weight = (const uint8_t *)keys,
        .stride = span->stride * sizeof(float),
        .next = (const uint8_t *)next,
    };

    few_products[MMN_WEIGHT_F32][0][DIRECT](&product);
}

/* Scores of a tile of keys that may lie in several spans. */
static void score_packed(const attention *a, size_t key)
{
    const mmn_attention_task *task = a->task;

    for (size_t k = 0; k < task->head_dim; k += MMN_PANEL) {
        const size_t length = smaller(task->head_dim - k, MMN_PANEL);

        pack_keys(a->keys, task, key, k, length);
        score_tile(a, task->query + k, a->keys, key, k, length);
    }
}

/* Keys at the end of a span are scored with some before them once more. */
static void score_row(const attention *a)
{
    const mmn_attention_task *task = a->task;

    for (size_t key = a->first_key, end; key < a->last_key; key = end) {
        size_t place = key;
        const mmn_key_span *span = mmn_attention_span(task, &place);
        const size_t together = keys_together(span, place, a->last_key - key);

        if (together < KEY_UNITS) {
            score_packed(a, key);
            end = key + TILE_WIDTH;
            continue;
        }
        end = key + together;
        for (size_t done = 0; done < together; done += KEY_UNITS) {
            const size_t i = smaller(done, together - KEY_UNITS), next = done + KEY_UNITS;
            const float *behind =
                next < together ? span->keys + mmn_attention_place(task, span, place + next)
                                : span->values + mmn_attention_place(task, span, place);

            score_units(a, a->scores + key + i - a->first_key, span, place + i, behind);
        }
    }
}

/* Adds the weighted values of keys begin to end - 1, of one panel, to `units` units of the output's
 * elements from `element` on. */
static inline __attribute__((always_inline)) void
weigh_units(const size_t units, const attention *a, size_t begin, size_t end, size_t element)
{
    float *output = a->task->output + element;
    unit_f32 chains[VALUE_UNITS];

    EACH(unit, units, VALUE_UNITS)
        chains[unit] = unit_zero();
    while (begin < end) {
        size_t place = begin;
        const mmn_key_span *span = mmn_attention_span(a->task, &place);
        const float *value = span->values + mmn_attention_place(a->task, span, place) + element;
        const float *weights = a->scores + begin - a->first_key;
        const size_t count = keys_together(span, place, end - begin);

        for (size_t i = 0; i < count; i++, value += span->stride) {
            const float *ahead = value + VALUES_AHEAD * span->stride;

            EACH(unit, units, VALUE_UNITS) {
                if (unit * UNIT % (LINE / 4) == 0)
                    prefetch((const uint8_t *)(ahead + unit * UNIT));
                chains[unit] = unit_fma(unit_set(weights[i]), unit_load(value + unit * UNIT),
                                        chains[unit]);
            }
        }
        begin += count;
    }
    EACH(unit, units, VALUE_UNITS)
        unit_store(output + unit * UNIT,
                   unit_add(unit_load(output + unit * UNIT), chains[unit]));
}

static __attribute__((noinline)) void weigh_some(size_t units, const attention *a, size_t begin,
                                                 size_t end, size_t element)
{
    switch (units) {
        SIX_ROWS_CASES(weigh_units, a, begin, end, element)
        ROWS_CASE(7, weigh_units, a, begin, end, element)
        ROWS_CASE(8, weigh_units, a, begin, end, element)
    }
}

/* output = the row's probabilities times the values, panel by panel. */
static void weigh_row(const attention *a)
{
    const mmn_attention_task *task = a->task;

    memset(task->output, 0, task->head_dim * sizeof(float));
    for (size_t begin = a->begin[0], end; begin < a->end[0]; begin = end) {
        const size_t panel = begin - begin % MMN_PANEL;
        size_t element = 0;

        end = smaller(a->end[0], panel + MMN_PANEL);
        for (size_t units; (units = smaller((task->head_dim - element) / UNIT, VALUE_UNITS)) > 0;
             element += units * UNIT)
            weigh_some(units, a, begin, end, element);
        if (element < task->head_dim) {
            const value_panel p = {.packed = a->values,
                                   .begin = panel,
                                   .end = end,
                                   .element = element,
                                   .width = task->head_dim - element};

            pack_values(a->values, task, panel, end, element, p.width);
            weigh_tile(a, &p, 0, 1);
        }
    }
}

static void attend_row(attention *a)
{
    score_row(a);
    softmax_scores(a, 0);
    weigh_row(a);
}

#endif
