/* One decoder layer, step by step: norm, queries, keys and values, attention, norm, MLP. */
#include "pass/layer.h"

#include <stdio.h>
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

/* Ends the run if something that was made since it was asked last is not finite: `pattern` is the
 * first stage with a name that shows it. */
static mmn_status check_finite(const mmn_language_rows *run, const char *pattern, int layer,
                               mmn_error *error)
{
    mmn_finite_watch *watch = run->compute->watch;
    if (!mmn_finite_found(watch))
        return MMN_OK;
    char where[48];
    size_t part = run->begun - 1;
    while (part > 0 && watch->row < run->parts[part].first_row)
        part--;
    snprintf(where, sizeof(where), "position %zu",
             mmn_sequences_position(run->parts[part].sequences,
                                    watch->row - run->parts[part].first_row));
    return mmn_finite_fail(watch, pattern, layer, where, error);
}

static mmn_status show(const mmn_language_rows *run, const char *pattern, int layer, float *data,
                       size_t width, mmn_error *error)
{
    mmn_status status = check_finite(run, pattern, layer, error);
    for (size_t i = 0; i < run->begun && status == MMN_OK; i++) {
        const mmn_language_part *part = &run->parts[i];
        status = mmn_sequences_show(part->sequences, part->probes, pattern, layer,
                                    data + part->first_row * width, width, error);
    }
    return status;
}

/* Which of a cache's arrays belongs to a layer. */
static size_t slot_of(const mmn_language_state *state, uint32_t layer)
{
    return state->keep_cache ? layer : 0;
}

/* The keys and values of one of a state's sequences, `count` positions, which follow each other in
 * up to two places: those that it shares, and its own. */
static void list_spans(mmn_key_span spans[2], const mmn_language_state *state, size_t slot,
                       const mmn_sequences *sequences, const mmn_sequence *sequence, size_t width,
                       size_t count)
{
    const float *keys = state->keys[slot], *values = state->values[slot];
    size_t root = sequences->list[sequence->root].first_row * width;
    size_t own = sequence->first_row * width;
    spans[0] = state->trunk ? (mmn_key_span){state->trunk->keys[slot], state->trunk->values[slot],
                                             state->trunk_length}
                            : (mmn_key_span){keys + root, values + root, sequence->shared};
    spans[1] = (mmn_key_span){keys + own, values + own, count - spans[0].count};
}

/* Attention of each sequence of a part to itself; keys and values of the rows follow those in the
 * cache. */
static void attend(const mmn_language_rows *run, const mmn_language_part *part, uint32_t layer)
{
    const mmn_language_config *config = run->config;
    const mmn_sequences *sequences = part->sequences;
    size_t query_width = mmn_language_query_width(config);
    for (size_t i = 0; i < sequences->count; i++) {
        const mmn_sequence *sequence = &sequences->list[i];
        size_t first_position = sequences->first_position + sequence->shared;
        size_t row = (part->first_row + sequence->first_row) * query_width;
        mmn_key_span spans[2];
        const mmn_heads heads = {
            .query = run->scratch->query + row,
            .spans = spans,
            .output = run->scratch->attention + row,
            .rows = sequence->rows,
            .key_count = first_position + sequence->rows,
            .heads = config->heads,
            .kv_heads = config->kv_heads,
            .head_dim = config->head_dim,
            .causal = true,
            .first_position = first_position,
            .window = layer < config->first_window_layer ? 0 : config->sliding_window,
            .alibi_slopes = config->alibi ? run->scratch->slopes : NULL,
        };
        list_spans(spans, part->state, slot_of(part->state, layer), sequences, sequence,
                   mmn_language_key_width(config), heads.key_count);
        mmn_attend(run->compute, &heads);
    }
}

/* Where the keys (or values) of all rows are made: in the first part's cache if no other has rows,
 * else in memory from which they go to the caches. */
static float *new_positions(const mmn_language_rows *run, float *const *cached, float *spread,
                            uint32_t layer)
{
    const mmn_language_state *state = run->parts->state;
    return run->begun > 1 ? spread
                          : cached[slot_of(state, layer)] +
                                state->length * mmn_language_key_width(run->config);
}

static void spread_to_caches(const mmn_language_rows *run, uint32_t layer)
{
    size_t width = mmn_language_key_width(run->config);
    for (size_t i = 0; i < run->begun && run->begun > 1; i++) {
        const mmn_language_part *part = &run->parts[i];
        size_t slot = slot_of(part->state, layer);
        size_t bytes = part->sequences->rows * width * sizeof(float);
        memcpy(part->state->keys[slot] + part->state->length * width,
               run->scratch->spread_keys + part->first_row * width, bytes);
        memcpy(part->state->values[slot] + part->state->length * width,
               run->scratch->spread_values + part->first_row * width, bytes);
    }
}

/* Takes queries, keys and values of all rows out of what the fused matrix gives, where they stand
 * head by head. */
static void unfuse(const mmn_language_rows *run, float *query, float *keys, float *values)
{
    size_t width = run->config->head_dim, groups = run->rows * run->config->heads;
    const float *fused = run->scratch->fused;
    for (size_t group = 0; group < groups; group++, fused += 3 * width) {
        memcpy(query + group * width, fused, width * sizeof(float));
        memcpy(keys + group * width, fused + width, width * sizeof(float));
        memcpy(values + group * width, fused + 2 * width, width * sizeof(float));
    }
}

/* Queries, keys and values of the normalised rows. */
static void project(const mmn_language_rows *run, const mmn_language_layer_weights *layer,
                    float *keys, float *values)
{
    const mmn_compute *compute = run->compute;
    mmn_language_state *scratch = run->scratch;
    if (run->config->fused_qkv) {
        mmn_apply_linear(compute, scratch->fused, scratch->normed, run->rows, &layer->fused);
        unfuse(run, scratch->query, keys, values);
    } else {
        mmn_apply_linear(compute, scratch->query, scratch->normed, run->rows, &layer->query);
        mmn_apply_linear(compute, keys, scratch->normed, run->rows, &layer->key);
        mmn_apply_linear(compute, values, scratch->normed, run->rows, &layer->value);
    }
}

/* Gives queries and keys their positions, unless those enter the scores. */
static void rotate(const mmn_language_rows *run, float *keys)
{
    const mmn_language_config *config = run->config;
    mmn_language_state *scratch = run->scratch;
    if (config->alibi)
        return;
    mmn_rotate(run->compute, scratch->query, scratch->cosine, scratch->sine, run->rows,
               config->heads, config->head_dim);
    mmn_rotate(run->compute, keys, scratch->cosine, scratch->sine, run->rows, config->kv_heads,
               config->head_dim);
}

/* normed = down(act(gate(normed)) * up(normed)), or without a gate down(act(gate(normed))). */
static mmn_status run_mlp(const mmn_language_rows *run, const mmn_language_layer_weights *layer,
                          int index, mmn_error *error)
{
    const mmn_language_config *config = run->config;
    const mmn_compute *compute = run->compute;
    mmn_language_state *scratch = run->scratch;
    size_t inner = config->intermediate_size;

    mmn_apply_linear(compute, scratch->gate, scratch->normed, run->rows, &layer->gate);
    mmn_status status =
        show(run, "language.layers.{i}.mlp.gate", index, scratch->gate, inner, error);
    if (status != MMN_OK)
        return status;
    mmn_activate(compute, config->activation, scratch->gate, run->rows * inner);
    status = show(run, "language.layers.{i}.mlp.act", index, scratch->gate, inner, error);
    if (status != MMN_OK)
        return status;
    if (config->gated) {
        mmn_apply_linear(compute, scratch->up, scratch->normed, run->rows, &layer->up);
        status = show(run, "language.layers.{i}.mlp.up", index, scratch->up, inner, error);
        if (status != MMN_OK)
            return status;
        mmn_multiply(compute, scratch->gate, scratch->up, run->rows * inner);
        mmn_watch_values(compute, scratch->gate, run->rows, inner);
        status = show(run, "language.layers.{i}.mlp.product", index, scratch->gate, inner, error);
        if (status != MMN_OK)
            return status;
    }
    mmn_apply_linear(compute, scratch->normed, scratch->gate, run->rows, &layer->down);
    return show(run, "language.layers.{i}.mlp.out", index, scratch->normed, config->hidden_size,
                error);
}

mmn_status mmn_language_layer(const mmn_language_rows *run,
                              const mmn_language_layer_weights *layer, uint32_t number,
                              mmn_error *error)
{
    const mmn_language_config *config = run->config;
    const mmn_compute *compute = run->compute;
    mmn_language_state *scratch = run->scratch;
    size_t hidden = config->hidden_size, rows = run->rows;
    float *keys = new_positions(run, run->parts->state->keys, scratch->spread_keys, number);
    float *values = new_positions(run, run->parts->state->values, scratch->spread_values, number);
    int index = (int)number;

    mmn_language_normalise(compute, config, scratch->normed, run->hidden,
                           &layer->attention_norm, rows);
    project(run, layer, keys, values);
    rotate(run, keys);
    spread_to_caches(run, number);
    for (size_t i = 0; i < run->begun; i++)
        attend(run, &run->parts[i], number);
    mmn_apply_linear(compute, scratch->normed, scratch->attention, rows, &layer->output);
    mmn_status status =
        show(run, "language.layers.{i}.attn.out", index, scratch->normed, hidden, error);
    if (status != MMN_OK)
        return status;
    mmn_accumulate(compute, run->hidden, scratch->normed, rows * hidden);

    mmn_language_normalise(compute, config, scratch->normed, run->hidden, &layer->mlp_norm, rows);
    status = run_mlp(run, layer, index, error);
    if (status != MMN_OK)
        return status;
    mmn_accumulate(compute, run->hidden, scratch->normed, rows * hidden);
    mmn_watch_values(compute, run->hidden, rows, hidden);
    return show(run, "language.layers.{i}.out", index, run->hidden, hidden, error);
}
