/* Alignments at work: what a language model reads as its image, made of a detector's embedding of
 * it, and the way back. */
#ifndef MMN_PASS_ALIGNMENT_H
#define MMN_PASS_ALIGNMENT_H

#include "model/alignment.h"
#include "pass/operations.h"

/* features [rows][outputs of the last layer] of embedding [rows][inputs of the first]. */
mmn_status mmn_alignment_run(mmn_compute *compute, const mmn_alignment *alignment,
                             const float *embedding, size_t rows, float *features,
                             mmn_error *error);

/* of_embedding [rows][inputs] = what the gradient [rows][outputs] of the features gives to it. The
 * layers run again. */
mmn_status mmn_alignment_reverse(mmn_compute *compute, const mmn_alignment *alignment,
                                 const float *embedding, size_t rows, const float *gradient,
                                 float *of_embedding, mmn_error *error);

#endif
