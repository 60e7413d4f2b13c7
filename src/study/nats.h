/* How improbable a text's tokens are to a model. */
#ifndef MMN_STUDY_NATS_H
#define MMN_STUDY_NATS_H

#include "study/study.h"

/* Of tokens that were predicted. */
typedef struct mmn_nats {
    uint64_t tokens;
    double nats; /* sum of their negative log likelihoods */
} mmn_nats;

/* For the `read` of a study whose logits are `followed`: adds - ln softmax(logits) of the tokens
 * behind the positions, one by one in their order. Changes the logits. MMN_INPUT where a logit is
 * not finite. */
mmn_status mmn_nats_add(mmn_nats *sum, const mmn_study *study, const mmn_input *input, size_t first,
                        float *logits, size_t rows, mmn_error *error);
/* Their mean, NaN of none. */
double mmn_nats_mean(const mmn_nats *sum);

/* MMN_INPUT for a domain of which no token was predicted with nothing off; nats [runs]. */
mmn_status mmn_nats_check(const mmn_study *study, const mmn_nats *nats, mmn_error *error);

#endif
