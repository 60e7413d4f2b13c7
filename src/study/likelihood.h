/* Likelihoods: how improbable a language model finds the tokens of a text. */
#ifndef MMN_STUDY_LIKELIHOOD_H
#define MMN_STUDY_LIKELIHOOD_H

#include "model/operations.h"
#include "mmneuron.h"

enum { MMN_LIKELIHOOD_ROWS = 64 }; /* at a time: logits of all rows of a long window are too many */

/* Zero-initialise; free with mmn_likelihood_free. */
typedef struct mmn_likelihood {
    const mmn_model *model;
    mmn_compute compute;
    float *logits; /* [MMN_LIKELIHOOD_ROWS][vocab_size] */
    double nats[MMN_LIKELIHOOD_ROWS];
} mmn_likelihood;

mmn_status mmn_likelihood_begin(mmn_likelihood *likelihood, const mmn_model *model,
                                mmn_error *error);
void mmn_likelihood_free(mmn_likelihood *likelihood);

/* Adds to *sum the negative log likelihoods, in nats, of targets [rows], each predicted from its row of
 * normed [rows][hidden_size], the final norm's output; one by one in the order of the rows. MMN_INPUT
 * where a logit is not finite. */
mmn_status mmn_likelihood_add(mmn_likelihood *likelihood, double *sum, const float *normed,
                              const int32_t *targets, size_t rows, mmn_error *error);

#endif
