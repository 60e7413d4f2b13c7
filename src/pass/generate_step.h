/* What the ways of generating share: running tokens that have been chosen, and making logits. */
#ifndef MMN_PASS_GENERATE_STEP_H
#define MMN_PASS_GENERATE_STEP_H

#include "pass/session.h"

/* Sessions at work. */
typedef struct mmn_generating {
    const mmn_model *model;
    mmn_session *const *sessions;
    size_t count, limit;
    int32_t *ids;   /* [count][limit] */
    size_t *counts; /* [count] */
    bool *stopped;  /* [count] */

    /* Of those that run a token, or want logits. */
    mmn_session_part *parts; /* [count] */
    float *rows;             /* [count][hidden_size] */
    float *logits;           /* [count][vocab_size]; NULL where there is one session */
} mmn_generating;

/* Runs the tokens that have been chosen and not run, in sessions that have not stopped. */
mmn_status mmn_generating_run(const mmn_generating *generating, mmn_error *error);
/* Makes the sessions' logits that are not there yet, in one product. */
mmn_status mmn_generating_make_logits(const mmn_generating *generating, mmn_error *error);

#endif
