/* Spans: keys and values of positions that follow each other, in every layer. */
#include "pass/span.h"

#include <string.h>

#include "base/memory.h"

size_t mmn_language_key_width(const mmn_language_config *config)
{
    return (size_t)config->kv_heads * config->head_dim;
}

size_t mmn_language_query_width(const mmn_language_config *config)
{
    return (size_t)config->heads * config->head_dim;
}

mmn_status mmn_span_reserve(mmn_span *span, const mmn_language_config *config, size_t positions,
                            mmn_error *error)
{
    size_t layers = config->layers, position = mmn_language_key_width(config) * sizeof(float);
    if (!span->keys && !(span->keys = mmn_allocate(layers, sizeof(*span->keys), error)))
        return MMN_SYSTEM;
    if (!span->values && !(span->values = mmn_allocate(layers, sizeof(*span->values), error)))
        return MMN_SYSTEM;
    span->layers = layers;
    if (positions <= span->capacity)
        return MMN_OK;
    /* It grows by more than one, so that generating does not copy it for every token. */
    size_t capacity = span->capacity == 0 ? positions : positions + MMN_SPAN_STEP;
    for (size_t layer = 0; layer < layers; layer++) {
        MMN_TRY(mmn_resize(&span->keys[layer], span->length, capacity, position, error));
        MMN_TRY(mmn_resize(&span->values[layer], span->length, capacity, position, error));
    }
    span->capacity = capacity;
    return MMN_OK;
}

void mmn_span_append(mmn_span *span, uint32_t layer, const mmn_language_config *config,
                     const float *keys, const float *values, size_t rows)
{
    size_t width = mmn_language_key_width(config), bytes = rows * width * sizeof(float);
    memcpy(span->keys[layer] + span->length * width, keys, bytes);
    memcpy(span->values[layer] + span->length * width, values, bytes);
}

mmn_status mmn_span_copy(mmn_span *span, const mmn_span *from, const mmn_language_config *config,
                         mmn_error *error)
{
    MMN_TRY(mmn_span_reserve(span, config, from->length, error));
    span->length = 0;
    for (uint32_t layer = 0; layer < from->layers; layer++)
        mmn_span_append(span, layer, config, from->keys[layer], from->values[layer], from->length);
    span->length = from->length;
    return MMN_OK;
}

void mmn_span_free(mmn_span *span)
{
    for (size_t layer = 0; layer < span->layers; layer++) {
        mmn_free(span->keys[layer]);
        mmn_free(span->values[layer]);
    }
    mmn_free(span->keys);
    mmn_free(span->values);
    *span = (mmn_span){0};
}
