/* The LLaMA-family language model: decoder layers over a cache of keys and values. */
#ifndef MMN_MODEL_LANGUAGE_H
#define MMN_MODEL_LANGUAGE_H

#include "model/config.h"
#include "model/operations.h"
#include "model/probes.h"
#include "model/sequences.h"
#include "model/weights.h"

/* What a session keeps of the language model between calls. Zero-initialise; free with
 * mmn_language_free. */
typedef struct mmn_language_state {
    bool keep_cache; /* keys and values of every layer, else only of the one that is running */
    size_t cached_layers;
    float **keys, **values; /* [cached_layers] of [capacity][kv_heads * head_dim] */
    size_t length, capacity; /* positions */

    /* Sequences that share a beginning: keys and values of one, [joined_capacity] positions. */
    size_t joined_capacity;
    float *joined_keys, *joined_values;

    size_t scratch_rows; /* that the following have room for */
    float *normed, *query, *attention, *gate, *up, *cosine, *sine;
} mmn_language_state;

/* Leaves the first `length` positions in the cache; memory is kept. */
void mmn_language_cut(mmn_language_state *state, size_t length);
void mmn_language_free(mmn_language_state *state);

/* Runs the rows of `sequences` through the first `layers` decoder layers, in place: hidden
 * [sequences->rows][hidden_size] holds embeddings before and the output of the last of them (before
 * the final norm) after. One sequence alone goes on from what is in the cache, at first_position =
 * state->length; several begin with an empty cache. Appends keys and values of all rows. Fewer
 * layers than the model has, and several sequences, are for a state that keeps no cache. Shows the
 * language.layers.* stages. Everything but attention sees the rows of all sequences at once, and
 * any way of cutting a sequence into calls or of joining sequences in one gives the same bits.
 * Source: LLaMA (arXiv 2302.13971), Mistral 7B (arXiv 2310.06825) as transformers' LlamaModel and
 * MistralModel compute them. */
mmn_status mmn_language_run(mmn_compute *compute, const mmn_language_config *config,
                            const mmn_language_weights *weights, const mmn_probes *probes,
                            mmn_language_state *state, float *hidden,
                            const mmn_sequences *sequences, uint32_t layers, mmn_error *error);

/* normed [rows][hidden_size] = the final RMSNorm of hidden. */
void mmn_language_norm(const mmn_compute *compute, const mmn_language_config *config,
                       const mmn_language_weights *weights, float *normed, const float *hidden,
                       size_t rows);

/* logits [rows][vocab_size] of normed [rows][hidden_size]. */
void mmn_language_logits(const mmn_compute *compute, const mmn_language_weights *weights,
                         float *logits, const float *normed, size_t rows);

/* Writes the token embeddings of ids [rows] to hidden [rows][hidden_size]; every id must be below
 * vocab_size. */
void mmn_language_embed(const mmn_compute *compute, const mmn_language_weights *weights,
                        float *hidden, const int32_t *ids, size_t rows);

#endif
