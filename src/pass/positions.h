/* How a language model knows positions: frequencies of rotary embeddings, slopes of ALiBi. */
#ifndef MMN_PASS_POSITIONS_H
#define MMN_PASS_POSITIONS_H

#include <stddef.h>

#include "model/config.h"

/* Writes config->head_dim / 2 frequencies of the rotary embedding, radians per position, in f32 as
 * transformers' modeling_rope_utils computes them for a pass at whose end the sequence has `length`
 * positions. Sources: RoFormer (arXiv 2104.09864); position interpolation (2306.15595) for the
 * linear form; LLaMA 3.1's model code for its own; YaRN (2309.00071) for "yarn" and "dynamic";
 * LongRoPE (2402.13753). */
void mmn_rotary_frequencies(float *frequencies, const mmn_language_config *config, size_t length);

/* What cosines and sines are multiplied by: 1, but for YaRN (2309.00071, equation 22) and
 * LongRoPE. */
float mmn_rotary_attention(const mmn_language_config *config);

/* The length up to which the frequencies are those of any shorter sequence; SIZE_MAX where they
 * never change. Beyond it keys depend on the length that the sequence had when they were computed,
 * as they do in transformers: such a sequence cannot be cut otherwise and keep its bits. */
size_t mmn_rotary_constant_length(const mmn_language_config *config);

/* Writes a slope for each head. Source: ALiBi (arXiv 2108.12409), rounded as transformers'
 * build_alibi_tensor rounds them. */
void mmn_alibi_slopes(float *slopes, uint32_t heads);

#endif
