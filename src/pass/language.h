/* The language model: decoder layers over a cache of keys and values. */
#ifndef MMN_PASS_LANGUAGE_H
#define MMN_PASS_LANGUAGE_H

#include "pass/layer.h"

/* Runs rows through the first `layers` decoder layers, in place: hidden [rows][hidden_size] holds
 * embeddings before and the output of the last of them (before the final norm) after. The parts' rows
 * follow each other. A sequence alone goes on from what is in its cache, at first_position =
 * mmn_language_position(state); several begin with an empty cache. Appends keys and values of all rows. Fewer
 * layers than the model has, and several sequences, are for a state that keeps no cache. Shows the
 * language.layers.* stages to the probes of each part. Everything but attention sees all rows at
 * once, and any way of cutting a sequence into calls or of joining sequences in one gives the same
 * bits.
 *
 * Parts are in ascending order of first_layer, the first one's being 0. A part with a higher one has
 * as many rows as the first, takes what that has made in the layers below, and begins there with a
 * copy of its rows; its probes do not see those layers.
 * Source: LLaMA (arXiv 2302.13971), Mistral 7B (2310.06825), Qwen2 (2407.10671) and BLOOM
 * (2211.05100) as transformers' LlamaModel, MistralModel, Qwen2Model and BloomModel compute them. */
mmn_status mmn_language_run(mmn_compute *compute, const mmn_language_config *config,
                            const mmn_language_weights *weights, const mmn_language_part *parts,
                            size_t count, float *hidden, uint32_t layers, mmn_error *error);

/* normed [rows][hidden_size] = the final norm of hidden. */
void mmn_language_norm(const mmn_compute *compute, const mmn_language_config *config,
                       const mmn_language_weights *weights, float *normed, const float *hidden,
                       size_t rows);

/* logits [rows][vocab_size] of normed [rows][hidden_size]. */
void mmn_language_logits(const mmn_compute *compute, const mmn_language_weights *weights,
                         float *logits, const float *normed, size_t rows);

/* Writes the token embeddings of ids [rows] to hidden [rows][hidden_size], normalised where the
 * configuration says so; every id must be below vocab_size. */
void mmn_language_embed(const mmn_compute *compute, const mmn_language_config *config,
                        const mmn_language_weights *weights, float *hidden, const int32_t *ids,
                        size_t rows);

#endif
