/* The LLaMA-family language model: decoder layers over a cache of keys and values. */
#include "model/language.h"

#include <string.h>

#include "base/memory.h"

/* The cache grows by at least this many positions, so that generating does not copy it for every
 * token. */
enum { CACHE_STEP = 256 };

static size_t key_width(const mmn_language_config *config)
{
    return (size_t)config->kv_heads * config->head_dim;
}

static size_t query_width(const mmn_language_config *config)
{
    return (size_t)config->heads * config->head_dim;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The most numbers that a row of a matrix product's input has. */
static size_t widest(const mmn_language_config *config)
{
    return larger(config->intermediate_size, larger(config->hidden_size, query_width(config)));
}

void mmn_language_cut(mmn_language_state *state, size_t length)
{
    if (length < state->length)
        state->length = length;
}

static void free_scratch(mmn_language_state *state)
{
    mmn_free(state->normed);
    mmn_free(state->query);
    mmn_free(state->attention);
    mmn_free(state->gate);
    mmn_free(state->up);
    mmn_free(state->cosine);
    mmn_free(state->sine);
    state->normed = state->query = state->attention = state->gate = state->up = NULL;
    state->cosine = state->sine = NULL;
    state->scratch_rows = 0;
}

void mmn_language_free(mmn_language_state *state)
{
    for (size_t layer = 0; layer < state->cached_layers; layer++) {
        mmn_free(state->keys[layer]);
        mmn_free(state->values[layer]);
    }
    mmn_free(state->keys);
    mmn_free(state->values);
    mmn_free(state->joined_keys);
    mmn_free(state->joined_values);
    free_scratch(state);
    *state = (mmn_language_state){.keep_cache = state->keep_cache};
}

static mmn_status grow_cache(mmn_language_state *state, const mmn_language_config *config,
                             size_t needed, mmn_error *error)
{
    size_t layers = state->keep_cache ? config->layers : 1;
    if (!state->keys && !(state->keys = mmn_allocate(layers, sizeof(*state->keys), error)))
        return MMN_SYSTEM;
    if (!state->values && !(state->values = mmn_allocate(layers, sizeof(*state->values), error)))
        return MMN_SYSTEM;
    state->cached_layers = layers;
    if (needed <= state->capacity)
        return MMN_OK;
    size_t capacity = state->capacity == 0 ? needed : needed + CACHE_STEP;
    size_t position = key_width(config) * sizeof(float);
    for (size_t layer = 0; layer < state->cached_layers; layer++) {
        mmn_status status =
            mmn_resize(&state->keys[layer], state->length, capacity, position, error);
        if (status == MMN_OK)
            status = mmn_resize(&state->values[layer], state->length, capacity, position, error);
        if (status != MMN_OK)
            return status;
    }
    state->capacity = capacity;
    return MMN_OK;
}

static mmn_status grow_joined(mmn_language_state *state, const mmn_language_config *config,
                              size_t needed, mmn_error *error)
{
    size_t position = key_width(config) * sizeof(float);
    if (needed <= state->joined_capacity)
        return MMN_OK;
    mmn_free(state->joined_keys);
    mmn_free(state->joined_values);
    state->joined_capacity = 0;
    state->joined_keys = mmn_allocate(needed, position, error);
    state->joined_values = mmn_allocate(needed, position, error);
    if (!state->joined_keys || !state->joined_values)
        return MMN_SYSTEM;
    state->joined_capacity = needed;
    return MMN_OK;
}

static mmn_status grow_scratch(mmn_language_state *state, const mmn_language_config *config,
                               size_t rows, mmn_error *error)
{
    if (rows <= state->scratch_rows)
        return MMN_OK;
    size_t hidden = config->hidden_size, inner = config->intermediate_size;
    size_t half = config->head_dim / 2, query = query_width(config);
    size_t normed = larger(hidden, query);
    free_scratch(state);
    bool complete =
        (state->normed = mmn_allocate(rows, normed * sizeof(float), error)) &&
        (state->query = mmn_allocate(rows, query * sizeof(float), error)) &&
        (state->attention = mmn_allocate(rows, query * sizeof(float), error)) &&
        (state->gate = mmn_allocate(rows, inner * sizeof(float), error)) &&
        (state->up = mmn_allocate(rows, inner * sizeof(float), error)) &&
        (state->cosine = mmn_allocate(rows, half * sizeof(float), error)) &&
        (state->sine = mmn_allocate(rows, half * sizeof(float), error));
    if (!complete) {
        free_scratch(state);
        return MMN_SYSTEM;
    }
    state->scratch_rows = rows;
    return MMN_OK;
}

/* One run: what every layer needs. */
typedef struct language_run {
    const mmn_compute *compute;
    const mmn_language_config *config;
    const mmn_probes *probes;
    mmn_language_state *state;
    const mmn_sequences *sequences;
    float *hidden;
    size_t rows;
} language_run;

static mmn_status show(const language_run *run, const char *pattern, int layer, float *data,
                       size_t width, mmn_error *error)
{
    return mmn_sequences_show(run->sequences, run->probes, pattern, layer, data, width, error);
}

/* Writes keys or values of all positions of a sequence that shares some to `joined`, one after the
 * other. The first `intact` of the shared ones are there already. */
static void join(float *joined, const float *all, const language_run *run,
                 const mmn_sequence *sequence, size_t intact)
{
    size_t width = key_width(run->config);
    const float *root = all + run->sequences->list[sequence->root].first_row * width;
    if (intact < sequence->shared)
        memcpy(joined + intact * width, root + intact * width,
               (sequence->shared - intact) * width * sizeof(float));
    memcpy(joined + sequence->shared * width, all + sequence->first_row * width,
           sequence->rows * width * sizeof(float));
}

/* Attention of each sequence to itself; keys and values of the rows follow those in the cache. */
static void attend(const language_run *run, const float *keys, const float *values)
{
    const mmn_language_config *config = run->config;
    const mmn_sequences *sequences = run->sequences;
    mmn_language_state *state = run->state;
    size_t root = SIZE_MAX, intact = 0; /* what `joined_keys` begin with */
    for (size_t i = 0; i < sequences->count; i++) {
        const mmn_sequence *sequence = &sequences->list[i];
        size_t first_position = sequences->first_position + sequence->shared;
        size_t row = sequence->first_row * query_width(config);
        mmn_heads heads = {
            .query = state->query + row,
            .keys = keys + sequence->first_row * key_width(config),
            .values = values + sequence->first_row * key_width(config),
            .output = state->attention + row,
            .rows = sequence->rows,
            .key_count = first_position + sequence->rows,
            .heads = config->heads,
            .kv_heads = config->kv_heads,
            .head_dim = config->head_dim,
            .causal = true,
            .first_position = first_position,
            .window = config->sliding_window,
        };
        if (sequence->shared > 0) {
            intact = sequence->root == root ? intact : 0;
            join(state->joined_keys, keys, run, sequence, intact);
            join(state->joined_values, values, run, sequence, intact);
            root = sequence->root;
            intact = sequence->shared;
            heads.keys = state->joined_keys;
            heads.values = state->joined_values;
        }
        mmn_attend(run->compute, &heads);
    }
}

/* hidden += o_proj(attention(input_layernorm(hidden))). */
static mmn_status run_attention(const language_run *run, const mmn_language_layer_weights *layer,
                                int index, mmn_error *error)
{
    const mmn_language_config *config = run->config;
    const mmn_compute *compute = run->compute;
    mmn_language_state *state = run->state;
    size_t hidden = config->hidden_size, head_dim = config->head_dim;
    size_t slot = state->keep_cache ? (size_t)index : 0;
    float *keys = state->keys[slot], *values = state->values[slot];
    float *new_keys = keys + state->length * key_width(config);
    float *new_values = values + state->length * key_width(config);

    mmn_rms_norm(compute, state->normed, run->hidden, &layer->attention_norm, run->rows, hidden,
                 config->rms_norm_eps);
    mmn_apply_linear(compute, state->query, state->normed, run->rows, &layer->query);
    mmn_apply_linear(compute, new_keys, state->normed, run->rows, &layer->key);
    mmn_apply_linear(compute, new_values, state->normed, run->rows, &layer->value);
    mmn_rotate(compute, state->query, state->cosine, state->sine, run->rows,
               config->heads, head_dim);
    mmn_rotate(compute, new_keys, state->cosine, state->sine, run->rows,
               config->kv_heads, head_dim);

    attend(run, keys, values);
    mmn_apply_linear(compute, state->normed, state->attention, run->rows, &layer->output);
    mmn_status status = show(run, "language.layers.{i}.attn.out", index, state->normed,
                             hidden, error);
    if (status == MMN_OK)
        mmn_accumulate(compute, run->hidden, state->normed, run->rows * hidden);
    return status;
}

/* hidden += down_proj(act(gate_proj(x)) * up_proj(x)), x = post_attention_layernorm(hidden). */
static mmn_status run_mlp(const language_run *run, const mmn_language_layer_weights *layer,
                          int index, mmn_error *error)
{
    const mmn_language_config *config = run->config;
    const mmn_compute *compute = run->compute;
    mmn_language_state *state = run->state;
    size_t hidden = config->hidden_size, inner = config->intermediate_size;

    mmn_rms_norm(compute, state->normed, run->hidden, &layer->mlp_norm, run->rows,
                 hidden, config->rms_norm_eps);
    mmn_apply_linear(compute, state->gate, state->normed, run->rows, &layer->gate);
    mmn_status status = show(run, "language.layers.{i}.mlp.gate", index, state->gate, inner,
                             error);
    if (status != MMN_OK)
        return status;
    mmn_activate(compute, config->activation, state->gate, run->rows * inner);
    status = show(run, "language.layers.{i}.mlp.act", index, state->gate, inner,
                  error);
    if (status != MMN_OK)
        return status;
    mmn_apply_linear(compute, state->up, state->normed, run->rows, &layer->up);
    mmn_multiply(compute, state->gate, state->up, run->rows * inner);
    mmn_apply_linear(compute, state->normed, state->gate, run->rows, &layer->down);
    status = show(run, "language.layers.{i}.mlp.out", index, state->normed, hidden, error);
    if (status != MMN_OK)
        return status;
    mmn_accumulate(compute, run->hidden, state->normed, run->rows * hidden);
    return show(run, "language.layers.{i}.out", index, run->hidden, hidden, error);
}

static mmn_status run_layers(const language_run *run, const mmn_language_weights *weights,
                             uint32_t layers, mmn_error *error)
{
    const mmn_language_config *config = run->config;
    mmn_language_state *state = run->state;
    for (size_t i = 0; i < run->sequences->count; i++) {
        const mmn_sequence *sequence = &run->sequences->list[i];
        size_t first = sequence->first_row * (config->head_dim / 2);
        run->compute->kernels->rope_table(state->cosine + first, state->sine + first,
                                          run->sequences->first_position + sequence->shared,
                                          sequence->rows, config->head_dim, config->rope_theta);
    }
    for (uint32_t layer = 0; layer < layers; layer++) {
        mmn_status status = run_attention(run, &weights->layers[layer], (int)layer, error);
        if (status == MMN_OK)
            status = run_mlp(run, &weights->layers[layer], (int)layer, error);
        if (status != MMN_OK)
            return status;
    }
    return MMN_OK;
}

mmn_status mmn_language_run(mmn_compute *compute, const mmn_language_config *config,
                            const mmn_language_weights *weights, const mmn_probes *probes,
                            mmn_language_state *state, float *hidden,
                            const mmn_sequences *sequences, uint32_t layers, mmn_error *error)
{
    const language_run run = {compute, config, probes, state, sequences, hidden, sequences->rows};
    size_t needed = state->length + sequences->rows;
    size_t longest = needed > sequences->longest ? needed : sequences->longest;
    if (needed < sequences->rows)
        return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "the sequence is too long");
    mmn_status status = grow_cache(state, config, needed, error);
    if (status == MMN_OK)
        status = grow_joined(state, config, sequences->longest, error);
    if (status == MMN_OK)
        status = grow_scratch(state, config, sequences->rows, error);
    if (status == MMN_OK)
        status = mmn_compute_reserve(compute, sequences->rows, widest(config),
                                     longest + CACHE_STEP, error);
    if (status == MMN_OK)
        status = run_layers(&run, weights, layers, error);
    if (status == MMN_OK)
        state->length = needed;
    return status;
}

void mmn_language_norm(const mmn_compute *compute, const mmn_language_config *config,
                       const mmn_language_weights *weights, float *normed, const float *hidden,
                       size_t rows)
{
    mmn_rms_norm(compute, normed, hidden, &weights->norm, rows, config->hidden_size,
                 config->rms_norm_eps);
}

void mmn_language_logits(const mmn_compute *compute, const mmn_language_weights *weights,
                         float *logits, const float *normed, size_t rows)
{
    const mmn_linear head = {weights->head, NULL};
    mmn_apply_linear(compute, logits, normed, rows, &head);
}

void mmn_language_embed(const mmn_compute *compute, const mmn_language_weights *weights,
                        float *hidden, const int32_t *ids, size_t rows)
{
    const mmn_matrix *embedding = &weights->embedding;
    size_t width = embedding->columns;
    size_t bytes = width * mmn_weight_size(embedding->type);
    for (size_t row = 0; row < rows; row++)
        compute->kernels->widen(hidden + row * width,
                                (const uint8_t *)embedding->data + (size_t)ids[row] * bytes,
                                embedding->type, width);
}
