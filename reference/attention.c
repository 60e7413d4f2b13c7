/* Attention of one head: softmax of scaled scores, and the weighted sum of values
 * (arXiv 1706.03762). */
#include "arithmetic.h"
#include "families.h"
#include "softmax.h"

static float dot_product(const float *a, const float *b, size_t count)
{
    float total = 0.0f;
    for (size_t start = 0; start < count; start += MMN_PANEL) {
        size_t end = count - start < MMN_PANEL ? count : start + MMN_PANEL;
        float sum = 0.0f;
        for (size_t k = start; k < end; k++)
            sum = fmaf(a[k], b[k], sum);
        total += sum;
    }
    return total;
}

/* output[d] = sum over keys in [begin, end) of weights[key] * values[key][d]. Panels begin at the
 * multiples of 256 of the key's position, whatever `begin` is, so that rows can share them. */
static void weighted_sum(float *output, const float *weights, const mmn_attention_task *task,
                         size_t begin, size_t end)
{
    for (size_t d = 0; d < task->head_dim; d++) {
        float total = 0.0f;
        for (size_t key = begin; key < end;) {
            size_t panel_end = (key / MMN_PANEL + 1) * MMN_PANEL;
            float sum = 0.0f;
            for (; key < end && key < panel_end; key++)
                sum = fmaf(weights[key], task->values[key * task->value_stride + d], sum);
            total += sum;
        }
        output[d] = total;
    }
}

void mmn_reference_attention(const mmn_attention_task *task)
{
    for (size_t row = 0; row < task->rows; row++) {
        size_t begin = 0, end = task->key_count;
        if (task->causal) {
            end = task->first_position + row + 1;
            begin = task->window > 0 && end > task->window ? end - task->window : 0;
        }
        const float *query = task->query + row * task->query_stride;
        for (size_t key = begin; key < end; key++)
            task->scores[key] =
                dot_product(query, task->keys + key * task->key_stride, task->head_dim) *
                task->scale;
        mmn_softmax_row(task->scores, begin, end);
        weighted_sum(task->output + row * task->output_stride, task->scores, task, begin, end);
    }
}
