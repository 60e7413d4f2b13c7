/* One decoder layer, step by step: norm, queries, keys and values, attention, norm, MLP. */
#include "pass/language.h"

#include <string.h>

void mmn_language_normalise(const mmn_compute *compute, const mmn_language_config *config,
                            float *normed, const float *hidden, const mmn_norm *norm, size_t rows)
{
    size_t width = config->hidden_size;
    if (config->layer_norm)
        mmn_layer_norm(compute, normed, hidden, norm, rows, width, config->norm_eps);
    else
        mmn_rms_norm(compute, normed, hidden, norm, rows, width, config->norm_eps);
}

/* The keys and values of a sequence that runs, in up to two places: those of the positions that it
 * shares, and its own. */
static void list_spans(mmn_key_span spans[2], const mmn_batch *batch, uint32_t layer,
                       const mmn_sequence *sequence)
{
    size_t width = mmn_language_key_width(&batch->model->config.language);
    const float *keys = batch->keys, *values = batch->values;
    const mmn_span *own = sequence->span, *beginning = own ? own->beginning : NULL;
    size_t row = sequence->first_row * width;
    spans[0] = (mmn_key_span){0};
    if (beginning)
        spans[0] = (mmn_key_span){beginning->keys[layer], beginning->values[layer], own->shared};
    else if (sequence->root)
        spans[0] = (mmn_key_span){keys + sequence->root->first_row * width,
                                  values + sequence->root->first_row * width, sequence->shared};
    spans[1] =
        own ? (mmn_key_span){own->keys[layer], own->values[layer], own->length + sequence->rows}
            : (mmn_key_span){keys + row, values + row, sequence->rows};
}

/* Attention of each sequence to itself. */
static void attend(const mmn_batch *batch, uint32_t layer)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_row_memory *memory = batch->memory;
    size_t query_width = mmn_language_query_width(config);
    for (size_t i = 0; i < batch->begun; i++) {
        const mmn_sequence *sequence = &batch->list[i];
        size_t first_position = mmn_sequence_position(sequence);
        mmn_key_span spans[2];
        const mmn_heads heads = {
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
        list_spans(spans, batch, layer, sequence);
        mmn_attend(batch->compute, &heads);
    }
}

/* Keys and values of the rows are made behind those that the span has, where one sequence runs
 * alone, else in memory from which they go to the spans. */
static void place_keys(mmn_batch *batch, uint32_t layer)
{
    const mmn_span *span = batch->begun == 1 ? batch->list->span : NULL;
    size_t made = span ? span->length * mmn_language_key_width(&batch->model->config.language) : 0;
    batch->keys = span ? span->keys[layer] + made : batch->memory->keys;
    batch->values = span ? span->values[layer] + made : batch->memory->values;
}

static void give_to_spans(const mmn_batch *batch, uint32_t layer)
{
    const mmn_language_config *config = &batch->model->config.language;
    size_t width = mmn_language_key_width(config);
    for (size_t i = 0; i < batch->begun && batch->begun > 1; i++) {
        const mmn_sequence *sequence = &batch->list[i];
        size_t row = sequence->first_row * width;
        if (sequence->span)
            mmn_span_append(sequence->span, layer, config, batch->keys + row, batch->values + row,
                            sequence->rows);
    }
}

/* Takes queries, keys and values of all rows out of what the fused matrix gives, where they stand
 * head by head. */
static void unfuse(const mmn_batch *batch)
{
    const mmn_language_config *config = &batch->model->config.language;
    const float *fused = batch->memory->fused;
    size_t width = config->head_dim, groups = batch->rows * config->heads;
    for (size_t group = 0; group < groups; group++, fused += 3 * width) {
        memcpy(batch->memory->query + group * width, fused, width * sizeof(float));
        memcpy(batch->keys + group * width, fused + width, width * sizeof(float));
        memcpy(batch->values + group * width, fused + 2 * width, width * sizeof(float));
    }
}

/* Queries, keys and values of the normalised rows. */
static void project(const mmn_batch *batch, const mmn_language_layer_weights *layer)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_compute *compute = batch->compute;
    const mmn_row_memory *memory = batch->memory;
    size_t rows = batch->rows;
    if (config->fused_qkv) {
        mmn_apply_linear(compute, memory->fused, memory->normed, rows, &layer->fused);
        unfuse(batch);
    } else {
        const mmn_product products[] = {{memory->query, &layer->query},
                                        {batch->keys, &layer->key},
                                        {batch->values, &layer->value}};
        mmn_apply_linears(compute, products, 3, memory->normed, rows);
    }
}

/* Gives queries and keys their positions, unless those enter the scores. */
static void rotate(const mmn_batch *batch)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_row_memory *memory = batch->memory;
    if (config->alibi)
        return;
    mmn_rotate(batch->compute, memory->query, memory->cosine, memory->sine, batch->rows,
               config->heads, config->head_dim);
    mmn_rotate(batch->compute, batch->keys, memory->cosine, memory->sine, batch->rows,
               config->kv_heads, config->head_dim);
}

mmn_status mmn_language_layer(mmn_batch *batch, uint32_t number, mmn_error *error)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_language_layer_weights *layer = &batch->model->weights->language.layers[number];
    const mmn_compute *compute = batch->compute;
    const mmn_row_memory *memory = batch->memory;
    float *hidden = batch->hidden, *normed = memory->normed, *gate = memory->gate;
    size_t width = config->hidden_size, inner = config->intermediate_size, rows = batch->rows;
    int i = (int)number;

    mmn_language_normalise(compute, config, normed, hidden, &layer->attention_norm, rows);
    place_keys(batch, number);
    project(batch, layer);
    rotate(batch);
    give_to_spans(batch, number);
    attend(batch, number);
    mmn_apply_linear(compute, normed, memory->query, rows, &layer->output);
    MMN_TRY(mmn_batch_show(batch, "language.layers.{i}.attn.out", i, normed, width, error));
    mmn_accumulate(compute, hidden, normed, rows * width);

    mmn_language_normalise(compute, config, normed, hidden, &layer->mlp_norm, rows);
    mmn_apply_linear(compute, gate, normed, rows, &layer->gate);
    MMN_TRY(mmn_batch_show(batch, "language.layers.{i}.mlp.gate", i, gate, inner, error));
    mmn_activate(compute, config->activation, gate, rows * inner);
    MMN_TRY(mmn_batch_show(batch, "language.layers.{i}.mlp.act", i, gate, inner, error));
    if (config->gated) {
        mmn_apply_linear(compute, memory->up, normed, rows, &layer->up);
        MMN_TRY(mmn_batch_show(batch, "language.layers.{i}.mlp.up", i, memory->up, inner, error));
        mmn_multiply(compute, gate, memory->up, rows * inner);
        mmn_watch_values(compute, gate, rows, inner);
        MMN_TRY(mmn_batch_show(batch, "language.layers.{i}.mlp.product", i, gate, inner, error));
    }
    mmn_apply_linear_in(compute, normed, gate, rows, &layer->down, memory->up);
    MMN_TRY(mmn_batch_show(batch, "language.layers.{i}.mlp.out", i, normed, width, error));
    mmn_accumulate(compute, hidden, normed, rows * width);
    mmn_watch_values(compute, hidden, rows, width);
    return mmn_batch_show(batch, "language.layers.{i}.out", i, hidden, width, error);
}
