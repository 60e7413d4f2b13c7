/* Spans: keys and values of positions that follow each other, in every layer. */
#include "pass/span.h"

#include <string.h>

#include "base/memory.h"
#include "base/threads.h"

enum { LEAST_STEP = 64 };

size_t mmn_language_key_width(const mmn_language_config *config)
{
    return (size_t)config->kv_heads * config->head_dim;
}

size_t mmn_language_query_width(const mmn_language_config *config)
{
    return (size_t)config->heads * config->head_dim;
}

/* Keys, or values, of `length` positions of each head, in memory that has room for more. */
static float *widen(const float *heads, const mmn_language_config *config, size_t length,
                    size_t old_capacity, size_t capacity, mmn_error *error)
{
    size_t head_dim = config->head_dim, bytes = mmn_language_key_width(config) * sizeof(float);
    float *wider = mmn_allocate(capacity, bytes, error);
    for (size_t head = 0; wider && head < config->kv_heads && length > 0; head++)
        memcpy(wider + head * capacity * head_dim, heads + head * old_capacity * head_dim,
               length * head_dim * sizeof(float));
    return wider;
}

/* So many that copying stays a small part of a long answer's work, and memory nobody comes to use
 * a small part of ten beams'. */
static size_t room_behind(size_t positions, size_t to_come)
{
    size_t room = positions < LEAST_STEP      ? LEAST_STEP
                  : positions > MMN_SPAN_STEP ? MMN_SPAN_STEP
                                              : positions;
    return room < to_come ? room : to_come;
}

static mmn_status reserve_layer(mmn_layer_keys *layer, const mmn_language_config *config,
                                size_t length, size_t positions, size_t to_come, mmn_error *error)
{
    if (positions <= layer->capacity)
        return MMN_OK;
    size_t capacity = positions + room_behind(positions, to_come);
    float *keys = widen(layer->keys, config, length, layer->capacity, capacity, error);
    float *values = keys ? widen(layer->values, config, length, layer->capacity, capacity, error)
                         : NULL;
    if (!values) {
        mmn_free(keys);
        return MMN_SYSTEM;
    }
    mmn_free(layer->keys);
    mmn_free(layer->values);
    *layer = (mmn_layer_keys){keys, values, capacity};
    return MMN_OK;
}

mmn_status mmn_span_reserve(mmn_span *span, const mmn_language_config *config, size_t positions,
                            size_t to_come, mmn_error *error)
{
    span->layers = config->layers;
    if (!span->of_layer)
        MMN_NEED(span->of_layer = mmn_allocate(span->layers, sizeof(*span->of_layer), error));
    for (size_t layer = 0; layer < span->layers; layer++)
        MMN_TRY(
            reserve_layer(&span->of_layer[layer], config, span->length, positions, to_come, error));
    return MMN_OK;
}

mmn_key_span mmn_span_keys(const mmn_span *span, const mmn_language_config *config, uint32_t layer,
                           size_t first, size_t count)
{
    const mmn_layer_keys *kept = &span->of_layer[layer];
    size_t head_dim = config->head_dim;
    return (mmn_key_span){kept->keys + first * head_dim, kept->values + first * head_dim, count,
                          head_dim, kept->capacity * head_dim};
}

void mmn_span_append(mmn_span *span, const mmn_language_config *config, uint32_t layer,
                     const mmn_key_span *from, int threads)
{
    const mmn_layer_keys *kept = &span->of_layer[layer];
    size_t head_dim = config->head_dim, bytes = head_dim * sizeof(float);

    MMN_PARALLEL_FOR(from->count > 1 ? threads : 1, static)
    for (size_t head = 0; head < config->kv_heads; head++) {
        size_t to = (head * kept->capacity + span->length) * head_dim;
        size_t place = head * from->head_stride;
        for (size_t i = 0; i < from->count; i++, to += head_dim, place += from->stride) {
            memcpy(kept->keys + to, from->keys + place, bytes);
            memcpy(kept->values + to, from->values + place, bytes);
        }
    }
}

mmn_status mmn_span_copy(mmn_span *span, const mmn_span *from, const mmn_language_config *config,
                         mmn_error *error)
{
    MMN_TRY(mmn_span_reserve(span, config, from->length, 0, error));
    span->length = 0;
    for (uint32_t layer = 0; layer < from->layers; layer++) {
        const mmn_key_span all = mmn_span_keys(from, config, layer, 0, from->length);
        mmn_span_append(span, config, layer, &all, 1);
    }
    span->length = from->length;
    return MMN_OK;
}

void mmn_span_free(mmn_span *span)
{
    for (size_t layer = 0; layer < span->layers && span->of_layer; layer++) {
        mmn_free(span->of_layer[layer].keys);
        mmn_free(span->of_layer[layer].values);
    }
    mmn_free(span->of_layer);
    *span = (mmn_span){0};
}
