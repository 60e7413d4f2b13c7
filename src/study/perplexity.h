/* Perplexities: how well a model predicts the texts of each language with neurons on, with each
 * language's neurons off, and with random ones off. */
#ifndef MMN_STUDY_PERPLEXITY_H
#define MMN_STUDY_PERPLEXITY_H

#include "mmneuron.h"
#include "study/likelihood.h"
#include "study/study.h"

/* One of the plan's runs. */
typedef struct mmn_perplexity_run {
    mmn_likelihood *likelihood;
    double nats; /* sum of the negative log likelihoods of the predicted tokens */
} mmn_perplexity_run;

typedef struct mmn_perplexity {
    mmn_study study; /* one setting, or none */
    const mmn_perplexity_options *options;
    char data[MMN_DIGEST_SIZE]; /* of the texts' windows */
    uint64_t *tokens;           /* [domains]: predicted */
    mmn_perplexity_run *runs;   /* [runs of the plan] */
    mmn_likelihood likelihood;  /* at work */
} mmn_perplexity;

/* Does what mmn_perplexity_measure does, on a zero-initialised perplexity. Free it after a failure too. */
mmn_status mmn_perplexity_find(mmn_perplexity *perplexity, const mmn_model *model,
                               const mmn_perplexity_options *options, mmn_error *error);
void mmn_perplexity_free(mmn_perplexity *perplexity);

/* Mean of a run's negative log likelihoods in nats; `perplexity` is an mmn_perplexity. And its exp. */
double mmn_perplexity_nats(const void *perplexity, size_t run);
double mmn_perplexity_of(double nats);

#endif
