/* Likelihoods: ln p of a sample's right answers behind its prompt, teacher-forced. doc/method.md
 * defines them. */
#ifndef MMN_STUDY_LIKELIHOOD_H
#define MMN_STUDY_LIKELIHOOD_H

#include "study/study.h"

/* A right answer, as tokens behind the prompt. */
typedef struct mmn_reference {
    char *text;
    size_t first;    /* the position of its first token */
    int32_t *tokens; /* [count + 1]: the prompt's before that, and its own */
    size_t count;    /* of its own: 1 or more */
} mmn_reference;

/* Those of a sample, all different. Zero-initialise; free with mmn_references_free. */
typedef struct mmn_references {
    mmn_reference *list;
    size_t count, capacity;
    size_t prompt;  /* positions */
    size_t longest; /* the number of that with most rows */
    bool together;  /* whether the rows of that one are those of all */
} mmn_references;

/* The sample's answers without white space at their ends; of multiple choice, the right option's
 * text and its letter. `input` is the sample's. MMN_INPUT for one that is too long, or has no
 * tokens. Frees what there is after a failure. */
mmn_status mmn_references_make(mmn_references *references, const mmn_samples *samples,
                               const mmn_sample *sample, const mmn_input *input, mmn_error *error);
void mmn_references_free(mmn_references *references);

/* What mmn_likelihoods_behind runs behind the prompt at once, at most. */
size_t mmn_references_rows(const mmn_references *references);

/* ln p of the best reference: that whose mean over its tokens is the greatest, the first among
 * equals. NaN where a logit was not finite, and allowed. */
typedef struct mmn_likelihood {
    double sum; /* ln p of all its tokens, in nats */
    size_t tokens, reference;
} mmn_likelihood;

/* The mean over its tokens. */
double mmn_likelihood_per_token(const mmn_likelihood *likelihood);

/* Of each session [count] that has prefilled the sample's input and keeps keys and values, found
 * [count]. Logits come from the study (mmn_study_reserve_logits). */
mmn_status mmn_likelihoods_behind(mmn_likelihood *found, mmn_study *study,
                                  mmn_session *const *sessions, size_t count,
                                  const mmn_references *references, mmn_error *error);

/* ---- In the prefill itself ------------------------------------------------------------------- */

/* Where the rows of one reference are those of all, they can run as a part of the prompt, in
 * sessions that are prompt_only. The bits are the same. */

/* The input whose last rows they are. */
mmn_status mmn_references_input(mmn_input **made, const mmn_references *references,
                                const mmn_input *input, mmn_error *error);

/* What a probe of a session keeps: the final norm of these rows. */
typedef struct mmn_reference_rows {
    const mmn_references *references;
    float *normed; /* [rows][hidden_size]: the caller's */
} mmn_reference_rows;
mmn_probe mmn_reference_rows_probe(mmn_reference_rows *rows);

/* Of each session [count], whose rows are rows[i]. */
mmn_status mmn_likelihoods_within(mmn_likelihood *found, mmn_study *study,
                                  const mmn_reference_rows *const *rows, size_t count,
                                  const mmn_references *references, mmn_error *error);

#endif
