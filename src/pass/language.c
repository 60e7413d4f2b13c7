/* The language model: decoder layers over a cache of keys and values. */
#include "pass/language.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "pass/positions.h"

/* The most numbers that a row of a matrix product's input has. */
static size_t widest(const mmn_language_config *config)
{
    size_t most = mmn_language_query_width(config);
    if (config->hidden_size > most)
        most = config->hidden_size;
    return config->intermediate_size > most ? config->intermediate_size : most;
}

void mmn_language_normalise(const mmn_compute *compute, const mmn_language_config *config,
                            float *normed, const float *hidden, const mmn_norm *norm, size_t rows)
{
    size_t width = config->hidden_size;
    if (config->layer_norm)
        mmn_layer_norm(compute, normed, hidden, norm, rows, width, config->norm_eps);
    else
        mmn_rms_norm(compute, normed, hidden, norm, rows, width, config->norm_eps);
}

/* One run: what every layer needs. */
typedef struct language_run {
    const mmn_compute *compute;
    const mmn_language_config *config;
    const mmn_language_part *parts;
    size_t part_count;
    size_t begun;                /* parts that have rows in the layer that is running... */
    size_t rows;                 /* ...and how many */
    mmn_language_state *scratch; /* of the first part */
    float *hidden;
} language_run;

/* Ends the run if something that was made since it was asked last is not finite: `pattern` is the first
 * stage with a name that shows it. */
static mmn_status check_finite(const language_run *run, const char *pattern, int layer,
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

static mmn_status show(const language_run *run, const char *pattern, int layer, float *data,
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

/* ---- Parts ----------------------------------------------------------------------------------- */

/* Which of a cache's arrays belongs to a layer. */
static size_t slot_of(const mmn_language_state *state, uint32_t layer)
{
    return state->keep_cache ? layer : 0;
}

/* Gives a part what the first one has made in the layers before `layer`. */
static void branch_off(const language_run *run, const mmn_language_part *part, uint32_t layer)
{
    const mmn_language_part *first = run->parts;
    size_t rows = part->sequences->rows, width = mmn_language_key_width(run->config);
    memcpy(run->hidden + part->first_row * run->config->hidden_size,
           run->hidden + first->first_row * run->config->hidden_size,
           rows * run->config->hidden_size * sizeof(float));
    for (uint32_t i = 0; i < layer && part->state->keep_cache; i++) {
        memcpy(part->state->keys[i] + part->state->length * width,
               first->state->keys[i] + first->state->length * width,
               rows * width * sizeof(float));
        memcpy(part->state->values[i] + part->state->length * width,
               first->state->values[i] + first->state->length * width,
               rows * width * sizeof(float));
    }
}

static void begin_layer(language_run *run, uint32_t layer)
{
    while (run->begun < run->part_count && run->parts[run->begun].first_layer <= layer) {
        const mmn_language_part *part = &run->parts[run->begun++];
        if (layer > 0)
            branch_off(run, part, layer);
        run->rows += part->sequences->rows;
    }
}

/* ---- Attention ------------------------------------------------------------------------------- */

/* The keys and values of one of a state's sequences, `count` positions, which follow each other in up to
 * two places: those that it shares, and its own. */
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
static void attend(const language_run *run, const mmn_language_part *part, uint32_t layer)
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
static float *new_positions(const language_run *run, float *const *cached, float *spread,
                            uint32_t layer)
{
    const mmn_language_state *state = run->parts->state;
    return run->begun > 1 ? spread
                          : cached[slot_of(state, layer)] +
                                state->length * mmn_language_key_width(run->config);
}

static void spread_to_caches(const language_run *run, uint32_t layer)
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
static void unfuse(const language_run *run, float *query, float *keys, float *values)
{
    size_t width = run->config->head_dim, groups = run->rows * run->config->heads;
    const float *fused = run->scratch->fused;
    for (size_t group = 0; group < groups; group++, fused += 3 * width) {
        memcpy(query + group * width, fused, width * sizeof(float));
        memcpy(keys + group * width, fused + width, width * sizeof(float));
        memcpy(values + group * width, fused + 2 * width, width * sizeof(float));
    }
}

/* Queries, keys and values of the normalised rows, with their positions unless those enter the
 * scores. */
static void project(const language_run *run, const mmn_language_layer_weights *layer, float *keys,
                    float *values)
{
    const mmn_language_config *config = run->config;
    const mmn_compute *compute = run->compute;
    mmn_language_state *scratch = run->scratch;
    if (config->fused_qkv) {
        mmn_apply_linear(compute, scratch->fused, scratch->normed, run->rows, &layer->fused);
        unfuse(run, scratch->query, keys, values);
    } else {
        mmn_apply_linear(compute, scratch->query, scratch->normed, run->rows, &layer->query);
        mmn_apply_linear(compute, keys, scratch->normed, run->rows, &layer->key);
        mmn_apply_linear(compute, values, scratch->normed, run->rows, &layer->value);
    }
    if (config->alibi)
        return;
    mmn_rotate(compute, scratch->query, scratch->cosine, scratch->sine, run->rows, config->heads,
               config->head_dim);
    mmn_rotate(compute, keys, scratch->cosine, scratch->sine, run->rows, config->kv_heads,
               config->head_dim);
}

/* hidden += o_proj(attention(input_layernorm(hidden))). */
static mmn_status run_attention(const language_run *run, const mmn_language_layer_weights *layer,
                                uint32_t index, mmn_error *error)
{
    const mmn_language_config *config = run->config;
    const mmn_compute *compute = run->compute;
    mmn_language_state *scratch = run->scratch;
    size_t hidden = config->hidden_size;
    float *keys = new_positions(run, run->parts->state->keys, scratch->spread_keys, index);
    float *values = new_positions(run, run->parts->state->values, scratch->spread_values, index);

    mmn_language_normalise(compute, config, scratch->normed, run->hidden,
                           &layer->attention_norm, run->rows);
    project(run, layer, keys, values);
    spread_to_caches(run, index);

    for (size_t i = 0; i < run->begun; i++)
        attend(run, &run->parts[i], index);
    mmn_apply_linear(compute, scratch->normed, scratch->attention, run->rows, &layer->output);
    mmn_status status = show(run, "language.layers.{i}.attn.out", (int)index, scratch->normed,
                             hidden, error);
    if (status == MMN_OK)
        mmn_accumulate(compute, run->hidden, scratch->normed, run->rows * hidden);
    return status;
}

/* ---- Layers ---------------------------------------------------------------------------------- */

/* What the activations are multiplied by where there is a gate. */
static mmn_status multiply_by_up(const language_run *run, const mmn_language_layer_weights *layer,
                                 int index, mmn_error *error)
{
    const mmn_language_state *scratch = run->scratch;
    size_t inner = run->config->intermediate_size;
    mmn_apply_linear(run->compute, scratch->up, scratch->normed, run->rows, &layer->up);
    mmn_status status =
        show(run, "language.layers.{i}.mlp.up", index, scratch->up, inner, error);
    if (status != MMN_OK)
        return status;
    mmn_multiply(run->compute, scratch->gate, scratch->up, run->rows * inner);
    mmn_watch_values(run->compute, scratch->gate, run->rows, inner);
    return show(run, "language.layers.{i}.mlp.product", index, scratch->gate, inner, error);
}

/* hidden += down_proj(act(gate_proj(x)) * up_proj(x)), x = post_attention_layernorm(hidden). Without
 * a gate there is no up_proj, and what precedes the activation function is still shown as the
 * gate. */
static mmn_status run_mlp(const language_run *run, const mmn_language_layer_weights *layer,
                          uint32_t number, mmn_error *error)
{
    const mmn_language_config *config = run->config;
    const mmn_compute *compute = run->compute;
    mmn_language_state *scratch = run->scratch;
    size_t hidden = config->hidden_size, inner = config->intermediate_size;
    int index = (int)number;

    mmn_language_normalise(compute, config, scratch->normed, run->hidden, &layer->mlp_norm,
                           run->rows);
    mmn_apply_linear(compute, scratch->gate, scratch->normed, run->rows, &layer->gate);
    mmn_status status = show(run, "language.layers.{i}.mlp.gate", index, scratch->gate, inner,
                             error);
    if (status != MMN_OK)
        return status;
    mmn_activate(compute, config->activation, scratch->gate, run->rows * inner);
    status = show(run, "language.layers.{i}.mlp.act", index, scratch->gate, inner,
                  error);
    if (status != MMN_OK)
        return status;
    if (config->gated)
        status = multiply_by_up(run, layer, index, error);
    if (status != MMN_OK)
        return status;
    mmn_apply_linear(compute, scratch->normed, scratch->gate, run->rows, &layer->down);
    status = show(run, "language.layers.{i}.mlp.out", index, scratch->normed, hidden, error);
    if (status != MMN_OK)
        return status;
    mmn_accumulate(compute, run->hidden, scratch->normed, run->rows * hidden);
    mmn_watch_values(compute, run->hidden, run->rows, hidden);
    return show(run, "language.layers.{i}.out", index, run->hidden, hidden, error);
}

static void scale_rope_tables(const mmn_language_state *scratch, size_t first, size_t count)
{
    float scale = scratch->rotary_attention;
    for (size_t i = first; i < first + count && scale != 1.0f; i++) {
        scratch->cosine[i] *= scale;
        scratch->sine[i] *= scale;
    }
}

/* The cosines and sines of all rows, those that begin later too. */
static void make_rope_tables(const language_run *run)
{
    size_t head_dim = run->config->head_dim;
    for (size_t p = 0; p < run->part_count && !run->config->alibi; p++) {
        const mmn_language_part *part = &run->parts[p];
        for (size_t i = 0; i < part->sequences->count; i++) {
            const mmn_sequence *sequence = &part->sequences->list[i];
            size_t first = (part->first_row + sequence->first_row) * (head_dim / 2);
            size_t position = part->sequences->first_position + sequence->shared;
            if (mmn_rotary_constant_length(run->config) != SIZE_MAX)
                mmn_rotary_frequencies(run->scratch->frequencies, run->config,
                                       position + sequence->rows);
            run->compute->kernels->rope_table(run->scratch->cosine + first,
                                              run->scratch->sine + first, position, sequence->rows,
                                              head_dim, run->scratch->frequencies);
            scale_rope_tables(run->scratch, first, sequence->rows * (head_dim / 2));
        }
    }
}

static mmn_status run_layers(language_run *run, const mmn_language_weights *weights,
                             uint32_t layers, mmn_error *error)
{
    make_rope_tables(run);
    for (uint32_t layer = 0; layer < layers; layer++) {
        begin_layer(run, layer);
        mmn_status status = mmn_interrupt_check(run->compute->interrupt, error);
        if (status == MMN_OK)
            status = run_attention(run, &weights->layers[layer], layer, error);
        if (status == MMN_OK)
            status = run_mlp(run, &weights->layers[layer], layer, error);
        if (status != MMN_OK)
            return status;
    }
    begin_layer(run, layers);
    return mmn_interrupt_check(run->compute->interrupt, error);
}

/* Makes room for all parts, and for the scratch memory of the first, in which all of them run. */
static mmn_status reserve(mmn_compute *compute, const mmn_language_config *config,
                          const mmn_language_part *parts, size_t count, mmn_error *error)
{
    size_t rows = 0, longest = 0;
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < count && status == MMN_OK; i++) {
        const mmn_sequences *sequences = parts[i].sequences;
        size_t needed = parts[i].state->length + sequences->rows;
        if (needed < sequences->rows || rows + sequences->rows < rows)
            return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "the sequence is too long");
        rows += sequences->rows;
        size_t positions = parts[i].state->trunk_length + needed;
        longest = positions > longest ? positions : longest;
        longest = sequences->longest > longest ? sequences->longest : longest;
        status = mmn_language_reserve_cache(parts[i].state, config, needed, error);
    }
    if (status == MMN_OK)
        status = mmn_language_reserve_scratch(parts->state, config, rows, count > 1 ? rows : 0,
                                              error);
    if (status == MMN_OK)
        status = mmn_compute_reserve(compute, rows, widest(config),
                                     longest + MMN_LANGUAGE_CACHE_STEP, error);
    return status;
}

mmn_status mmn_language_run(mmn_compute *compute, const mmn_language_config *config,
                            const mmn_language_weights *weights, const mmn_language_part *parts,
                            size_t count, float *hidden, uint32_t layers, mmn_error *error)
{
    language_run run = {.compute = compute,
                        .config = config,
                        .parts = parts,
                        .part_count = count,
                        .scratch = parts->state,
                        .hidden = hidden};
    mmn_status status = reserve(compute, config, parts, count, error);
    if (status == MMN_OK)
        status = run_layers(&run, weights, layers, error);
    for (size_t i = 0; i < count && status == MMN_OK; i++)
        parts[i].state->length += parts[i].sequences->rows;
    return status;
}

void mmn_language_norm(const mmn_compute *compute, const mmn_language_config *config,
                       const mmn_language_weights *weights, float *normed, const float *hidden,
                       size_t rows)
{
    mmn_language_normalise(compute, config, normed, hidden, &weights->norm, rows);
}

void mmn_language_logits(const mmn_compute *compute, const mmn_language_weights *weights,
                         float *logits, const float *normed, size_t rows)
{
    const mmn_linear head = {weights->head, NULL};
    mmn_apply_linear(compute, logits, normed, rows, &head);
}

void mmn_language_embed(const mmn_compute *compute, const mmn_language_config *config,
                        const mmn_language_weights *weights, float *hidden, const int32_t *ids,
                        size_t rows)
{
    const mmn_matrix *embedding = &weights->embedding;
    size_t width = embedding->columns;
    size_t bytes = width * mmn_weight_size(embedding->type);
    for (size_t row = 0; row < rows; row++)
        compute->kernels->widen(hidden + row * width,
                                (const uint8_t *)embedding->data + (size_t)ids[row] * bytes,
                                embedding->type, width);
    if (config->embedding_norm)
        mmn_language_normalise(compute, config, hidden, hidden, &weights->embedding_norm, rows);
}
