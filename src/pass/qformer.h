/* The Q-Former: what the queries of an instruction read of an image, as language features. */
#ifndef MMN_PASS_QFORMER_H
#define MMN_PASS_QFORMER_H

#include "model/config.h"
#include "model/input.h"
#include "model/weights.h"
#include "pass/operations.h"
#include "pass/probes.h"

/* Runs the queries and the input's instruction over the vision tower's features [1][tokens][width]
 * of its one image, and projects the queries for the language model: *merged [queries][language
 * hidden_size] (freed with mmn_free), *rows the number of queries. Shows the query.*, qformer.* and
 * projector.* stages. Source: InstructBLIP (arXiv 2305.06500) as transformers'
 * InstructBlipQFormerModel computes it. */
mmn_status mmn_qformer_run(mmn_compute *compute, const mmn_config *config,
                           const mmn_weights *weights, const mmn_probes *probes,
                           const mmn_input *input, const float *features, float **merged,
                           size_t *rows, mmn_error *error);

#endif
