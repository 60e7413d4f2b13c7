/* One decoder layer of the language model, for all rows of a run. */
#ifndef MMN_PASS_LAYER_H
#define MMN_PASS_LAYER_H

#include "model/config.h"
#include "model/weights.h"
#include "pass/language_state.h"
#include "pass/operations.h"
#include "pass/probes.h"
#include "pass/sequences.h"

/* Rows of a run that go on from one cache: one sequence, or several that begin with an empty
 * one. */
typedef struct mmn_language_part {
    const mmn_probes *probes;
    mmn_language_state *state;
    const mmn_sequences *sequences;
    size_t first_row; /* of the run's rows */
    uint32_t first_layer;
} mmn_language_part;

/* The rows of a run, and what every layer needs. */
typedef struct mmn_language_rows {
    const mmn_compute *compute;
    const mmn_language_config *config;
    const mmn_language_part *parts;
    size_t part_count;
    size_t begun;                /* parts that have rows in the layer that is running... */
    size_t rows;                 /* ...and how many */
    mmn_language_state *scratch; /* of the first part */
    float *hidden;
} mmn_language_rows;

/* normed [rows][hidden_size] = hidden, normalised in the way that the language model has; may be the
 * same array. */
void mmn_language_normalise(const mmn_compute *compute, const mmn_language_config *config,
                            float *normed, const float *hidden, const mmn_norm *norm, size_t rows);

/* Runs the rows through layer number `number`: run->hidden [rows][hidden_size] is what enters and what
 * leaves. Keys and values of all rows follow those in their caches, where there must be room. Shows the stages of the layer, each if all that was made since the one before it is finite:
 *
 *     hidden += o_proj(attention(rotated qkv(input_layernorm(hidden))))
 *     hidden += down(act(gate(x)) * up(x)), x = post_attention_layernorm(hidden)
 *
 * Without a gate there is no up, and what precedes the activation function is still shown as the
 * gate. */
mmn_status mmn_language_layer(const mmn_language_rows *run,
                              const mmn_language_layer_weights *layer, uint32_t number,
                              mmn_error *error);

#endif
