/* Detectors: from a picture's pixels and a query's tokens to boxes and the query's score in each.
 */
#ifndef MMN_PASS_DETECTOR_H
#define MMN_PASS_DETECTOR_H

#include "pass/batch.h"

/* What a session keeps of a detector: a box for each patch of the vision tower. Start from {0}. */
typedef struct mmn_detector_state {
    const mmn_input *seen; /* whose picture the next four are of, retained; NULL: none */
    float *boxes;          /* [patches][4]: centre x and y, width and height, in 0..1 */
    float *classes;        /* [patches][query_size], divided by their lengths */
    float *shift, *scale;  /* [patches]: of scores */
    float *logits;         /* [patches]: of the last input's query */
} mmn_detector_state;

void mmn_detector_state_free(mmn_detector_state *state);

/* Runs the picture of `input`, unless it is the last one's and nobody wants to see it run, and its
 * ids as a query: state->boxes, state->logits. Without a picture only the query runs. Shows the
 * vision.*, language.* and detector.* stages.
 * Source: OWL-ViT (arXiv 2205.06230) as transformers' OwlViTForObjectDetection computes it. */
mmn_status mmn_detector_run(mmn_compute *compute, const mmn_model *model, mmn_row_memory *memory,
                            mmn_detector_state *state, const mmn_probes *probes,
                            const mmn_input *input, mmn_error *error);

/* The score that a logit means: its sigmoid. */
float mmn_detector_score(float logit);

#endif
