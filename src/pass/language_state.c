/* What is kept of the language model between calls: the cache of keys and values, and scratch memory. */
#include "pass/language_state.h"

#include <string.h>

#include "base/memory.h"
#include "pass/positions.h"

size_t mmn_language_key_width(const mmn_language_config *config)
{
    return (size_t)config->kv_heads * config->head_dim;
}

size_t mmn_language_query_width(const mmn_language_config *config)
{
    return (size_t)config->heads * config->head_dim;
}

static void free_scratch(mmn_language_state *state)
{
    mmn_free(state->normed);
    mmn_free(state->query);
    mmn_free(state->attention);
    mmn_free(state->fused);
    mmn_free(state->gate);
    mmn_free(state->up);
    mmn_free(state->cosine);
    mmn_free(state->sine);
    state->normed = state->query = state->attention = state->fused = NULL;
    state->gate = state->up = state->cosine = state->sine = NULL;
    state->scratch_rows = 0;
}

static void free_spread(mmn_language_state *state)
{
    mmn_free(state->spread_keys);
    mmn_free(state->spread_values);
    state->spread_keys = state->spread_values = NULL;
    state->spread_rows = 0;
}

void mmn_language_free(mmn_language_state *state)
{
    for (size_t layer = 0; layer < state->cached_layers; layer++) {
        mmn_free(state->keys[layer]);
        mmn_free(state->values[layer]);
    }
    mmn_free(state->keys);
    mmn_free(state->values);
    free_spread(state);
    free_scratch(state);
    mmn_free(state->frequencies);
    mmn_free(state->slopes);
    *state = (mmn_language_state){.keep_cache = state->keep_cache};
}

size_t mmn_language_position(const mmn_language_state *state)
{
    return state->trunk_length + state->length;
}

void mmn_language_copy_cache(mmn_language_state *state, const mmn_language_state *from,
                             const mmn_language_config *config)
{
    size_t bytes = from->length * mmn_language_key_width(config) * sizeof(float);
    for (size_t layer = 0; layer < from->cached_layers && bytes > 0; layer++) {
        memcpy(state->keys[layer], from->keys[layer], bytes);
        memcpy(state->values[layer], from->values[layer], bytes);
    }
    state->length = from->length;
}

void mmn_language_cut(mmn_language_state *state, size_t length)
{
    if (length < state->length)
        state->length = length;
}

mmn_status mmn_language_reserve_cache(mmn_language_state *state, const mmn_language_config *config,
                                      size_t positions, mmn_error *error)
{
    size_t layers = state->keep_cache ? config->layers : 1;
    if (!state->keys && !(state->keys = mmn_allocate(layers, sizeof(*state->keys), error)))
        return MMN_SYSTEM;
    if (!state->values && !(state->values = mmn_allocate(layers, sizeof(*state->values), error)))
        return MMN_SYSTEM;
    state->cached_layers = layers;
    if (positions > state->capacity) {
        /* It grows by more than one, so that generating does not copy it for every token. */
        size_t capacity =
            state->capacity == 0 ? positions : positions + MMN_LANGUAGE_CACHE_STEP;
        size_t position = mmn_language_key_width(config) * sizeof(float);
        mmn_status status = MMN_OK;
        for (size_t layer = 0; layer < layers && status == MMN_OK; layer++) {
            status = mmn_resize(&state->keys[layer], state->length, capacity, position, error);
            if (status == MMN_OK)
                status =
                    mmn_resize(&state->values[layer], state->length, capacity, position, error);
        }
        if (status != MMN_OK)
            return status;
        state->capacity = capacity;
    }
    return MMN_OK;
}

/* What positions are made of, once. */
static mmn_status make_position_constants(mmn_language_state *state,
                                          const mmn_language_config *config, mmn_error *error)
{
    if (state->frequencies)
        return MMN_OK;
    mmn_free(state->slopes);
    state->slopes = mmn_allocate(config->heads, sizeof(float), error);
    if (!state->slopes)
        return MMN_SYSTEM;
    state->frequencies = mmn_allocate(config->head_dim / 2, sizeof(float), error);
    if (!state->frequencies)
        return MMN_SYSTEM;
    mmn_alibi_slopes(state->slopes, config->heads);
    mmn_rotary_frequencies(state->frequencies, config, 0);
    state->rotary_attention = mmn_rotary_attention(config);
    return MMN_OK;
}

/* Room for the keys and values of `rows` rows that go to several caches; what it held is lost. */
static mmn_status reserve_spread(mmn_language_state *state, const mmn_language_config *config,
                                 size_t rows, mmn_error *error)
{
    size_t position = mmn_language_key_width(config) * sizeof(float);
    if (rows <= state->spread_rows)
        return MMN_OK;
    free_spread(state);
    if (!(state->spread_keys = mmn_allocate(rows, position, error)) ||
        !(state->spread_values = mmn_allocate(rows, position, error)))
        return MMN_SYSTEM;
    state->spread_rows = rows;
    return MMN_OK;
}

mmn_status mmn_language_reserve_scratch(mmn_language_state *state,
                                        const mmn_language_config *config, size_t rows,
                                        size_t spread, mmn_error *error)
{
    mmn_status status = make_position_constants(state, config, error);
    if (status != MMN_OK)
        return status;
    if (rows > state->scratch_rows) {
        size_t hidden = config->hidden_size, inner = config->intermediate_size;
        size_t half = config->head_dim / 2, query = mmn_language_query_width(config);
        size_t normed = hidden > query ? hidden : query;
        size_t fused = config->fused_qkv ? 3 * query : 0, up = config->gated ? inner : 0;
        free_scratch(state);
        bool complete =
            (state->normed = mmn_allocate(rows, normed * sizeof(float), error)) &&
            (state->query = mmn_allocate(rows, query * sizeof(float), error)) &&
            (state->attention = mmn_allocate(rows, query * sizeof(float), error)) &&
            (state->fused = mmn_allocate(rows, fused * sizeof(float), error)) &&
            (state->gate = mmn_allocate(rows, inner * sizeof(float), error)) &&
            (state->up = mmn_allocate(rows, up * sizeof(float), error)) &&
            (state->cosine = mmn_allocate(rows, half * sizeof(float), error)) &&
            (state->sine = mmn_allocate(rows, half * sizeof(float), error));
        if (!complete) {
            free_scratch(state);
            return MMN_SYSTEM;
        }
        state->scratch_rows = rows;
    }
    return reserve_spread(state, config, spread, error);
}
