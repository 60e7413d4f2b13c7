/* Spans: keys and values of positions that follow each other, in every layer. */
#ifndef MMN_PASS_SPAN_H
#define MMN_PASS_SPAN_H

#include "kernels.h"
#include "model/config.h"

/* Keys and values [kv_heads][capacity][head_dim] of one layer: attention reads all positions of a
 * head. */
typedef struct mmn_layer_keys {
    float *keys, *values;
    size_t capacity; /* positions */
} mmn_layer_keys;

/* Zero-initialise; free with mmn_span_free. */
typedef struct mmn_span {
    /* The sequence's first `shared` positions are those of another span, which must outlive this
     * one and not change while it does. NULL: this one has them all. */
    const struct mmn_span *beginning;
    size_t shared;

    mmn_layer_keys *of_layer; /* [layers] */
    size_t layers, length;    /* positions, those behind the shared ones */
} mmn_span;

/* Numbers in a position's keys (or values), and in its queries. */
size_t mmn_language_key_width(const mmn_language_config *config);
size_t mmn_language_query_width(const mmn_language_config *config);

/* The most positions more than were asked for that a span makes room for at once. */
enum { MMN_SPAN_STEP = 256 };

/* Makes room for `positions` positions and, where memory must be taken for them, for more of the
 * `to_come` that may follow: otherwise each of these would copy all that are there. */
mmn_status mmn_span_reserve(mmn_span *span, const mmn_language_config *config, size_t positions,
                            size_t to_come, mmn_error *error);

/* The keys and values of `count` positions of one layer from number `first` behind the shared ones
 * on. */
mmn_key_span mmn_span_keys(const mmn_span *span, const mmn_language_config *config, uint32_t layer,
                           size_t first, size_t count);

/* Appends positions of one layer behind `length`, where there must be room, with up to `threads`
 * threads. The length grows when all layers have them. */
void mmn_span_append(mmn_span *span, const mmn_language_config *config, uint32_t layer,
                     const mmn_key_span *from, int threads);

/* Makes the span hold what `from` has, which goes on from the same beginning. */
mmn_status mmn_span_copy(mmn_span *span, const mmn_span *from, const mmn_language_config *config,
                         mmn_error *error);
void mmn_span_free(mmn_span *span);

#endif
