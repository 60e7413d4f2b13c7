/* The language model: decoder layers over the keys and values of what came before. */
#ifndef MMN_PASS_LANGUAGE_H
#define MMN_PASS_LANGUAGE_H

#include "pass/batch.h"
#include "pass/operations.h"

/* Runs a batch, in place: its rows hold embeddings before, and after it the final norm where
 * something depends on that or all_rows asks for it. As many decoder layers, final norm and logits
 * run as spans, endings or probes need. Appends keys and values of all rows to their spans and
 * shows the language.* stages. Everything but attention sees all rows at once, and any way of
 * cutting a sequence into batches or of joining sequences in one gives the same bits. Source: LLaMA
 * (arXiv 2302.13971), Mistral 7B (2310.06825), Qwen2 (2407.10671), BLOOM (2211.05100), OPT
 * (2205.01068) and Phi (2309.05463) as transformers' LlamaModel, MistralModel, Qwen2Model,
 * BloomModel, OPTModel and PhiModel compute them. */
mmn_status mmn_language_run(mmn_batch *batch, mmn_error *error);

/* Runs the rows that have begun through layer number `number`: batch->hidden is what enters and
 * what leaves. Shows the stages of the layer, each if all that was made since the one before it is
 * finite:
 *
 *     hidden += o_proj(attention(rotated qkv(input_layernorm(hidden))))
 *     hidden += down(act(gate(x)) * up(x)), x = post_attention_layernorm(hidden)
 *
 * Without a gate there is no up, and what precedes the activation function is still shown as the
 * gate. Where the MLP is parallel, x = input_layernorm(hidden) as it was before the attention. */
mmn_status mmn_language_layer(mmn_batch *batch, uint32_t number, mmn_error *error);

/* normed [rows][hidden_size] = hidden, normalised in the way that the language model has; may be
 * the same array. */
void mmn_language_normalise(const mmn_compute *compute, const mmn_language_config *config,
                            float *normed, const float *hidden, const mmn_norm *norm, size_t rows);

/* Queries, keys and values of the batch's memory: those of its normalised rows, with the positions
 * that queries and keys have by rotation. */
void mmn_language_project(const mmn_batch *batch, const mmn_language_layer_weights *layer);

/* Rotates queries and keys of the batch's rows by the angles with the cosines of its memory and
 * these sines; nothing where positions enter in another way. */
void mmn_language_rotate(const mmn_batch *batch, float *query, float *keys, const float *sine);

/* Attention of each sequence to itself, over its queries. */
void mmn_language_attend(const mmn_batch *batch, uint32_t layer);

/* logits [rows][vocab_size] of normed [rows][hidden_size]. */
void mmn_language_logits(const mmn_compute *compute, const mmn_language_weights *weights,
                         float *logits, const float *normed, size_t rows);

/* Writes the token embeddings of ids [rows] to hidden [rows][hidden_size], normalised where the
 * configuration says so; every id must be below vocab_size. */
void mmn_language_embed(const mmn_compute *compute, const mmn_model *model, float *hidden,
                        const int32_t *ids, size_t rows);

/* ---- Neurons and words ----------------------------------------------------------------------- */

/* The MLPs as seen from the vocabulary: what a neuron writes to the residual stream, and how far
 * that points at words (Geva et al., arXiv 2203.14680). Nothing of the weights is copied; the
 * product of all output columns with all words is never formed. */

/* scores [count][neurons]: for each word ids[i] and each neuron k of `layer`, the product of column
 * k of the layer's output matrix with row ids[i] of the head, in which the final norm has no part.
 * `rows` is room for [count][hidden_size]. Ids are below vocab_size. */
void mmn_word_space_scores(const mmn_compute *compute, const mmn_model *model, uint32_t layer,
                           const int32_t *ids, size_t count, float *rows, float *scores);

/* column [hidden_size] = column `neuron` of the layer's output matrix. */
void mmn_word_space_column(const mmn_compute *compute, const mmn_model *model, uint32_t layer,
                           uint32_t neuron, float *column);

/* products [count][vocab_size] = columns [count][hidden_size] times the rows of the head, whose
 * bias has no part either. Room for as many rows must have been reserved. */
void mmn_word_space_products(const mmn_compute *compute, const mmn_model *model, float *products,
                             const float *columns, size_t count);

/* factors [rows][neurons]: what the layer multiplies its activations by at positions whose residual
 * stream after the attention is state [rows][hidden_size]: up_proj(norm(state)), or 1 where its MLP
 * has no gate. The same bits as in the forward pass. `normed` is room for [rows][hidden_size]; room
 * for the products must have been reserved. */
void mmn_word_space_factors(const mmn_compute *compute, const mmn_model *model, uint32_t layer,
                            const float *state, size_t rows, float *normed, float *factors);

#endif
