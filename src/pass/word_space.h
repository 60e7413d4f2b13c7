/* The language model's MLPs as seen from its vocabulary: what a neuron writes to the residual stream,
 * and how far that points at words (Geva et al., arXiv 2203.14680). Nothing of the weights is copied;
 * the product of all output columns with all words is never formed. */
#ifndef MMN_PASS_WORD_SPACE_H
#define MMN_PASS_WORD_SPACE_H

#include "model/model.h"

/* scores [count][neurons]: for each word ids[i] and each neuron k of `layer`, the product of column k
 * of the layer's output matrix with row ids[i] of the head, in which the final norm has no part.
 * `rows` is room for [count][hidden_size]. Ids are below vocab_size. */
void mmn_word_space_scores(const mmn_compute *compute, const mmn_model *model, uint32_t layer,
                           const int32_t *ids, size_t count, float *rows, float *scores);

/* column [hidden_size] = column `neuron` of the layer's output matrix. */
void mmn_word_space_column(const mmn_compute *compute, const mmn_model *model, uint32_t layer,
                           uint32_t neuron, float *column);

/* factors [rows][neurons]: what the layer multiplies its activations by at positions whose residual
 * stream after the attention is state [rows][hidden_size]: up_proj(norm(state)), or 1 where its MLP
 * has no gate. The same bits as in the forward pass. `normed` is room for [rows][hidden_size]; room
 * for the products must have been reserved. */
void mmn_word_space_factors(const mmn_compute *compute, const mmn_model *model, uint32_t layer,
                            const float *state, size_t rows, float *normed, float *factors);

#endif
