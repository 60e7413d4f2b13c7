/* One decoder layer, step by step: norm, queries, keys and values, attention, norm, MLP. */
#include "pass/language.h"

#include <string.h>

#include "pass/added.h"

void mmn_language_normalise(const mmn_compute *compute, const mmn_language_config *config,
                            float *normed, const float *hidden, const mmn_norm *norm, size_t rows)
{
    size_t width = config->hidden_size;
    if (config->layer_norm)
        mmn_layer_norm(compute, normed, hidden, norm, rows, width, config->norm_eps);
    else
        mmn_rms_norm(compute, normed, hidden, norm, rows, width, config->norm_eps);
}

/* Keys and values of some of the batch's rows. */
static mmn_key_span keys_of_rows(const mmn_batch *batch, size_t first, size_t count)
{
    const mmn_language_config *config = &batch->model->config.language;
    size_t made = first * mmn_language_key_width(config);
    return mmn_key_rows(batch->memory->keys + made, batch->memory->values + made, count,
                        config->kv_heads, config->head_dim);
}

/* The keys and values of a sequence that runs, in up to two places: those of the positions that it
 * shares, and its own. */
static void list_spans(mmn_key_span spans[2], const mmn_batch *batch, uint32_t layer,
                       const mmn_sequence *sequence)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_span *own = sequence->span, *beginning = own ? own->beginning : NULL;
    spans[0] = (mmn_key_span){0};
    if (beginning)
        spans[0] = mmn_span_keys(beginning, config, layer, 0, own->shared);
    else if (sequence->root)
        spans[0] = keys_of_rows(batch, sequence->root->first_row, sequence->shared);
    spans[1] = own ? mmn_span_keys(own, config, layer, 0, own->length + sequence->rows)
                   : keys_of_rows(batch, sequence->first_row, sequence->rows);
}

/* A sequence's heads, over the two places in which its keys and values are. */
static mmn_heads heads_of(const mmn_batch *batch, uint32_t layer, const mmn_sequence *sequence,
                          const mmn_key_span spans[2])
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_row_memory *memory = batch->memory;
    size_t query_width = mmn_language_query_width(config);
    size_t first_position = mmn_sequence_position(sequence);
    return (mmn_heads){
        .query = memory->query + sequence->first_row * query_width,
        .spans = spans,
        .output = memory->query + sequence->first_row * query_width,
        .rows = sequence->rows,
        .key_count = first_position + sequence->rows,
        .heads = config->heads,
        .kv_heads = config->kv_heads,
        .head_dim = config->head_dim,
        .causal = true,
        .first_position = first_position,
        .window = layer < config->first_window_layer ? 0 : config->sliding_window,
        .alibi_slopes = config->alibi ? memory->slopes : NULL,
    };
}

void mmn_language_attend(const mmn_batch *batch, uint32_t layer)
{
    enum { TOGETHER = 32 };
    mmn_key_span spans[TOGETHER][2];
    mmn_heads heads[TOGETHER];
    for (size_t first = 0, count; first < batch->begun; first += count) {
        count = mmn_smaller(batch->begun - first, TOGETHER);
        for (size_t i = 0; i < count; i++) {
            const mmn_sequence *sequence = &batch->list[first + i];
            list_spans(spans[i], batch, layer, sequence);
            heads[i] = heads_of(batch, layer, sequence, spans[i]);
        }
        mmn_attend(batch->compute, heads, count);
    }
}

/* Keys and values of the rows go to the spans that keep them, by head. */
static void give_to_spans(const mmn_batch *batch, uint32_t layer)
{
    const mmn_language_config *config = &batch->model->config.language;
    for (size_t i = 0; i < batch->begun; i++) {
        const mmn_sequence *sequence = &batch->list[i];
        const mmn_key_span made = keys_of_rows(batch, sequence->first_row, sequence->rows);
        if (sequence->span)
            mmn_span_append(sequence->span, config, layer, &made, batch->compute->threads);
    }
}

/* Takes queries, keys and values of all rows out of what the fused matrix gives, where they stand
 * head by head. */
static void unfuse(const mmn_batch *batch)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_row_memory *memory = batch->memory;
    const float *fused = memory->fused;
    size_t width = config->head_dim, groups = batch->rows * config->heads;
    for (size_t group = 0; group < groups; group++, fused += 3 * width) {
        memcpy(memory->query + group * width, fused, width * sizeof(float));
        memcpy(memory->keys + group * width, fused + width, width * sizeof(float));
        memcpy(memory->values + group * width, fused + 2 * width, width * sizeof(float));
    }
}

void mmn_language_rotate(const mmn_batch *batch, float *query, float *keys, const float *sine)
{
    const mmn_language_config *config = &batch->model->config.language;
    const float *cosine = batch->memory->cosine;
    if (config->rotary_dim == 0)
        return;
    mmn_rotate(batch->compute, query, cosine, sine, batch->rows, config->heads, config->head_dim,
               config->rotary_dim);
    mmn_rotate(batch->compute, keys, cosine, sine, batch->rows, config->kv_heads, config->head_dim,
               config->rotary_dim);
}

void mmn_language_project(const mmn_batch *batch, const mmn_language_layer_weights *layer)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_compute *compute = batch->compute;
    const mmn_row_memory *memory = batch->memory;
    size_t rows = batch->rows;
    if (config->fused_qkv) {
        mmn_apply_linear(compute, memory->fused, memory->normed, rows, &layer->fused);
        unfuse(batch);
    } else {
        const mmn_product products[] = {{memory->query, &layer->query, NULL},
                                        {memory->keys, &layer->key, NULL},
                                        {memory->values, &layer->value, NULL}};
        mmn_apply_linears(compute, products, 3, memory->normed, rows);
    }
    mmn_language_rotate(batch, memory->query, memory->keys, memory->sine);
}

/* Adds what the model's deltas make of what has entered the MLP's output matrix. */
static void add_deltas(const mmn_batch *batch, uint32_t layer)
{
    const mmn_additions *additions = &batch->model->deltas.additions;
    const mmn_row_memory *memory = batch->memory;
    if (mmn_additions_in(additions, layer) == 0)
        return;
    mmn_added_products(additions, layer, memory->up, memory->gate,
                       batch->model->config.language.intermediate_size, batch->rows);
    mmn_added_output(additions, layer, memory->normed, memory->up, batch->rows);
}

/* Makes the gate, activated, and its factor of one packed input. False where they have to be made
 * one after the other: somebody wants to see the gate itself, or a number of theirs is none, so
 * that it must be found out in which stage. */
static bool make_gate_and_up(const mmn_batch *batch, const mmn_language_layer_weights *layer, int i)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_compute *compute = batch->compute;
    const mmn_row_memory *memory = batch->memory;
    const mmn_product products[] = {{memory->gate, &layer->gate, &config->activation},
                                    {memory->up, &layer->up, NULL}};
    if (mmn_batch_wants(batch, "language.layers.{i}.mlp.gate", i))
        return false;
    mmn_apply_linears(compute, products, config->gated ? 2 : 1, memory->normed, batch->rows);
    if (!mmn_finite_found(compute->watch))
        return true;
    compute->watch->found = false;
    return false;
}

mmn_status mmn_language_layer(mmn_batch *batch, uint32_t number, mmn_error *error)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_language_layer_weights *layer = &batch->model->weights->language.layers[number];
    const mmn_compute *compute = batch->compute;
    const mmn_row_memory *memory = batch->memory;
    float *hidden = batch->hidden, *normed = memory->normed, *gate = memory->gate;
    /* A parallel MLP still needs what the attention has read. */
    float *attention = config->parallel_mlp ? memory->attention : normed;
    size_t width = config->hidden_size, inner = config->intermediate_size, rows = batch->rows;
    int i = (int)number;

    mmn_language_normalise(compute, config, normed, hidden, &layer->attention_norm, rows);
    mmn_language_project(batch, layer);
    give_to_spans(batch, number);
    mmn_language_attend(batch, number);
    mmn_apply_linear(compute, attention, memory->query, rows, &layer->output);
    MMN_TRY(mmn_batch_show(batch, "language.layers.{i}.attn.out", i, attention, width, error));
    mmn_accumulate(compute, hidden, attention, rows * width);

    if (!config->parallel_mlp)
        mmn_language_normalise(compute, config, normed, hidden, &layer->mlp_norm, rows);
    const bool made = make_gate_and_up(batch, layer, i);
    if (!made) {
        mmn_apply_linear(compute, gate, normed, rows, &layer->gate);
        MMN_TRY(mmn_batch_show(batch, "language.layers.{i}.mlp.gate", i, gate, inner, error));
        mmn_activate(compute, config->activation, gate, rows * inner);
    }
    MMN_TRY(mmn_batch_show(batch, "language.layers.{i}.mlp.act", i, gate, inner, error));
    if (config->gated) {
        if (!made)
            mmn_apply_linear(compute, memory->up, normed, rows, &layer->up);
        MMN_TRY(mmn_batch_show(batch, "language.layers.{i}.mlp.up", i, memory->up, inner, error));
        mmn_multiply(compute, gate, memory->up, rows * inner);
        mmn_watch_values(compute, gate, rows, inner);
        MMN_TRY(mmn_batch_show(batch, "language.layers.{i}.mlp.product", i, gate, inner, error));
    }
    mmn_apply_linear_in(compute, normed, gate, rows, &layer->down, memory->up);
    add_deltas(batch, number);
    MMN_TRY(mmn_batch_show(batch, "language.layers.{i}.mlp.out", i, normed, width, error));
    mmn_accumulate(compute, hidden, normed, rows * width);
    mmn_watch_values(compute, hidden, rows, width);
    return mmn_batch_show(batch, "language.layers.{i}.out", i, hidden, width, error);
}
