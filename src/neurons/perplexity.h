/* Perplexities: how well a model predicts the texts of each language with neurons on, with each
 * language's neurons off, and with random ones off. */
#ifndef MMN_NEURONS_PERPLEXITY_H
#define MMN_NEURONS_PERPLEXITY_H

#include "mmneuron.h"
#include "neurons/allowances.h"
#include "neurons/count_plan.h"
#include "neurons/eval.h"

/* One set of neurons off, reading the texts of one domain. */
typedef struct mmn_perplexity_run {
    mmn_eval_off off;
    size_t neurons_of;    /* domain whose neurons are off, or beside whose neurons random ones are */
    uint64_t seed;        /* MMN_OFF_RANDOM */
    size_t domain;        /* read */
    const mmn_mask *mask; /* NULL: none */
    double nats;          /* sum of the negative log likelihoods of the predicted tokens */
} mmn_perplexity_run;

typedef struct mmn_perplexity {
    const mmn_model *model;
    /* Copies of the options' texts. */
    char *list, *setting;
    uint64_t samples, first_seed;
    uint32_t seeds;
    mmn_allowances allowed;
    char model_digest[MMN_DIGEST_SIZE], neurons_digest[MMN_DIGEST_SIZE]; /* "": no neurons */
    bool nonfinite; /* numbers were infinite or NaN on the way to it, and allowed */
    char data[MMN_DIGEST_SIZE];                                          /* of the texts' windows */

    mmn_counts *domains; /* no counts: only names, in their bytewise order */
    mmn_count_plan plan; /* its windows say how the texts were cut */
    uint64_t *tokens;    /* [domains]: predicted */
    mmn_mask **masks;
    size_t mask_count, mask_capacity;
    mmn_perplexity_run *runs; /* by domain read: nothing off, each domain's neurons, seeds */
    size_t run_count, run_capacity;
} mmn_perplexity;

/* Does what mmn_perplexity_measure does; on failure *perplexity is NULL. */
mmn_status mmn_perplexity_make(mmn_perplexity **perplexity, const mmn_model *model,
                               const mmn_perplexity_options *options, mmn_error *error);
void mmn_perplexity_free(mmn_perplexity *perplexity);

/* Mean of a run's negative log likelihoods in nats, and its exp. */
double mmn_perplexity_nats(const mmn_perplexity *perplexity, const mmn_perplexity_run *run);
double mmn_perplexity_of(double nats);

/* The run over a domain with nothing off, or with a domain's neurons off. */
const mmn_perplexity_run *mmn_perplexity_find(const mmn_perplexity *perplexity, mmn_eval_off off,
                                              size_t neurons_of, size_t domain);

/* What switching off does to a domain: means in nats. */
mmn_eval_summary mmn_perplexity_summarise(const mmn_perplexity *perplexity, size_t domain);

#endif
