/* Judges of answers: from a text's tokens to the numbers of a classifier. */
#ifndef MMN_PASS_JUDGE_H
#define MMN_PASS_JUDGE_H

#include "model/compute.h"
#include "model/config.h"
#include "model/input.h"
#include "model/weights.h"
#include "pass/probes.h"

/* What a session keeps of a judge. Start from {0}. */
typedef struct mmn_judge_state {
    /* Keys and queries of distances [layers][2][heads][2 * span][head_dim], which no text changes,
     * in f32 as weights are stored; NULL: not made yet. */
    uint8_t *distances;
    float *logits; /* [labels] of the last text */
} mmn_judge_state;

void mmn_judge_state_free(mmn_judge_state *state);

/* Runs the ids of `input` through the encoder, pooler and classifier: state->logits. Shows the
 * judge.* stages.
 * Source: DeBERTa (arXiv 2006.03654) and DeBERTaV3 (2111.09543) as transformers'
 * DebertaV2ForSequenceClassification computes them. */
mmn_status mmn_judge_run(mmn_compute *compute, const mmn_judge_config *config,
                         const mmn_judge_weights *weights, mmn_judge_state *state,
                         const mmn_probes *probes, const mmn_input *input, mmn_error *error);

#endif
