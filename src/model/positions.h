/* How a language model knows positions: frequencies of rotary embeddings, slopes of ALiBi. */
#ifndef MMN_MODEL_POSITIONS_H
#define MMN_MODEL_POSITIONS_H

#include "model/config.h"

/* Writes config->head_dim / 2 frequencies of the rotary embedding, radians per position, in f32 as
 * transformers' modeling_rope_utils computes them. Sources: RoFormer (arXiv 2104.09864); position
 * interpolation (2306.15595) for the linear form; LLaMA 3.1's model code for its own. */
void mmn_rotary_frequencies(float *frequencies, const mmn_language_config *config);

/* Writes a slope for each head. Source: ALiBi (arXiv 2108.12409), rounded as transformers'
 * build_alibi_tensor rounds them. */
void mmn_alibi_slopes(float *slopes, uint32_t heads);

#endif
