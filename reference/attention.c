/* Canonical attention of one head: scores, softmax over the visible keys, weighted values. */
#include <math.h>

#include "arithmetic.h"
#include "functions.h"
#include "reference.h"

/* Keys, or elements of a value, whose chains run side by side. */
enum { CHAINS_OF_HEAD = 8 };

/* The scaled score of key number `key`. The bias is rounded before it is added, as where it is a
 * tensor of its own. */
static float scale_score(const mmn_attention_task *task, float product, size_t key)
{
    if (task->alibi_slope == 0.0f)
        return product * task->scale;
    return fmaf(product, task->scale, task->alibi_slope * (float)key);
}

/* Scores of a row for `count` keys from key number `first_key` on, in panels along the head. */
static void score_keys(float *scores, const mmn_attention_task *task, size_t row, size_t first_key,
                       size_t count)
{
    const float *query = task->query + row * task->query_stride;
    const float *bias = task->bias ? task->bias + row * task->bias_stride : NULL;
    const float *keys[CHAINS_OF_HEAD];
    size_t head_dim = task->head_dim;
    float totals[CHAINS_OF_HEAD] = {0.0f};

    for (size_t i = 0; i < count; i++) {
        size_t place = first_key + i;
        const mmn_key_span *span = mmn_attention_span(task, &place);
        keys[i] = span->keys + mmn_attention_place(task, span, place);
    }

    for (size_t first = 0; first < head_dim; first += MMN_PANEL) {
        size_t end = head_dim - first < MMN_PANEL ? head_dim : first + MMN_PANEL;
        float chains[CHAINS_OF_HEAD] = {0.0f};

        for (size_t k = first; k < end; k++)
            for (size_t i = 0; i < count; i++)
                chains[i] = fmaf(query[k], keys[i][k], chains[i]);
        for (size_t i = 0; i < count; i++)
            totals[i] = totals[i] + chains[i];
    }
    for (size_t i = 0; i < count; i++)
        scores[i] = scale_score(task, bias ? totals[i] + bias[first_key + i] : totals[i],
                                first_key + i);
}

/* Turns the scores of keys begin to end - 1 into their softmax. A key's lane is its position's, so
 * that it does not depend on where the row's keys begin. */
static void softmax_of_keys(float *scores, size_t begin, size_t end)
{
    float lanes[MMN_LANES] = {0.0f};
    float maximum = -INFINITY;

    for (size_t key = begin; key < end; key++)
        maximum = mmn_max_f32(scores[key], maximum);
    for (size_t key = begin; key < end; key++) {
        scores[key] = mmn_exp(scores[key] - maximum);
        lanes[key % MMN_LANES] += scores[key];
    }
    float sum = mmn_sum_lanes(lanes);
    for (size_t key = begin; key < end; key++)
        scores[key] = scores[key] / sum;
}

/* output = sum of probability[key] * values[key] over keys begin to end - 1, for `count` elements
 * from `element` on. Panels begin at multiples of their length, wherever the row's keys begin. */
static void weigh_values(float *output, const mmn_attention_task *task, size_t begin, size_t end,
                         size_t element, size_t count)
{
    float totals[CHAINS_OF_HEAD] = {0.0f};

    for (size_t first = begin; first < end;) {
        size_t next = first - first % MMN_PANEL + MMN_PANEL;
        float chains[CHAINS_OF_HEAD] = {0.0f};

        next = next < end ? next : end;
        for (size_t key = first; key < next; key++) {
            size_t place = key;
            const mmn_key_span *span = mmn_attention_span(task, &place);
            const float *value = span->values + mmn_attention_place(task, span, place) + element;

            for (size_t i = 0; i < count; i++)
                chains[i] = fmaf(task->scratch[key], value[i], chains[i]);
        }
        for (size_t i = 0; i < count; i++)
            totals[i] = totals[i] + chains[i];
        first = next;
    }
    for (size_t i = 0; i < count; i++)
        output[element + i] = totals[i];
}

void mmn_attention_reference(const mmn_attention_task *task)
{
    for (size_t row = 0; row < task->rows; row++) {
        float *output = task->output + row * task->output_stride;
        size_t position = task->first_position + row;
        size_t begin = 0, end = task->key_count;

        if (task->causal) {
            end = position < end ? position + 1 : end;
            if (task->window > 0 && position >= task->window)
                begin = position - task->window + 1;
        }
        for (size_t key = begin; key < end; key += CHAINS_OF_HEAD)
            score_keys(task->scratch + key, task, row, key,
                       end - key < CHAINS_OF_HEAD ? end - key : CHAINS_OF_HEAD);
        softmax_of_keys(task->scratch, begin, end);
        for (size_t i = 0; i < task->head_dim; i += CHAINS_OF_HEAD)
            weigh_values(output, task, begin, end, i,
                         task->head_dim - i < CHAINS_OF_HEAD ? task->head_dim - i : CHAINS_OF_HEAD);
    }
}
