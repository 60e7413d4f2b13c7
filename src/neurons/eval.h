/* Evaluations: accuracy in each domain with neurons on, with domain neurons off, and with random ones
 * off. */
#ifndef MMN_NEURONS_EVAL_H
#define MMN_NEURONS_EVAL_H

#include "mmneuron.h"
#include "neurons/accuracy.h"
#include "neurons/allowances.h"
#include "neurons/list_run.h"
#include "neurons/neuron_lists.h"

/* What is off in a run. */
typedef enum mmn_eval_off { MMN_OFF_NOTHING, MMN_OFF_DOMAIN, MMN_OFF_RANDOM } mmn_eval_off;

typedef struct mmn_prediction {
    char *id, *answer;
    double score; /* by the measure that the sample's metric names */
} mmn_prediction;

/* One set of neurons off, answering the samples of one domain. */
typedef struct mmn_eval_run {
    size_t setting; /* its number; 0 is "none" */
    mmn_eval_off off;
    size_t neurons_of; /* domain whose neurons are off, or beside whose neurons random ones are */
    uint64_t seed;     /* MMN_OFF_RANDOM */
    size_t domain;     /* answered */
    const mmn_mask *mask; /* NULL: none */

    double accuracy_sum, sums[MMN_MEASURES];
    size_t counts[MMN_MEASURES]; /* of samples to which the measure applies */
    mmn_prediction *predictions; /* in the list's order */
    size_t count, capacity;
} mmn_eval_run;

typedef struct mmn_eval_domain {
    const char *name;  /* that of `domains` in the run over the list */
    uint64_t wanted;   /* samples that are answered */
    size_t listed;     /* its number in the neuron lists */
    bool begun, mixed; /* whether a sample has been answered; whether they have several metrics */
    mmn_metric metric; /* once begun */
} mmn_eval_domain;

typedef struct mmn_evaluation {
    const mmn_model *model;
    /* Copies of the options' texts. */
    char *list, *template_name;
    bool template_is_own; /* not chosen by the caller */
    uint64_t samples, tokens, first_seed;
    uint32_t seeds;
    double temperature, top_p;
    uint64_t sampling_seed;
    uint64_t top_k; /* 0: all */
    double repetition_penalty; /* 1: none */
    mmn_beam_search beam_search;
    char **stop_strings; /* [stop_string_count]: the caller's, none: the folder's */
    size_t stop_string_count;
    mmn_allowances allowed;
    char model_digest[MMN_DIGEST_SIZE], neurons_digest[MMN_DIGEST_SIZE]; /* "": no neurons */
    bool nonfinite; /* numbers were infinite or NaN on the way to it, and allowed */

    size_t setting_count, setting_capacity;
    char **settings; /* [0] is "none" */
    bool *crossed;   /* [setting_count]: whether all domains' neurons are off in turn */
    mmn_list_run list_run;
    size_t domain_count;
    mmn_eval_domain *domains; /* in the bytewise order of their names */
    mmn_mask **masks;
    size_t mask_count, mask_capacity;
    mmn_eval_run *runs; /* by setting, what is off, its domain, seed, and domain answered */
    size_t run_count, run_capacity;
} mmn_evaluation;

/* Does what mmn_eval does; on failure *evaluation is NULL. */
mmn_status mmn_evaluation_make(mmn_evaluation **evaluation, const mmn_model *model,
                               const mmn_eval_options *options, mmn_error *error);
void mmn_evaluation_free(mmn_evaluation *evaluation);

/* Reads which domains the list has, makes masks, and plans the runs. */
mmn_status mmn_eval_plan(mmn_evaluation *evaluation, const mmn_eval_options *options,
                         mmn_error *error);

/* Mean score of a run's samples; 0 without samples. */
double mmn_eval_accuracy(const mmn_eval_run *run);

/* What a setting does to a domain. */
typedef struct mmn_eval_summary {
    double plain, domain_off;
    size_t seeds; /* random choices that ran */
    double random_mean, random_low, random_high; /* a 95 % interval of the mean, with 2 or more */
} mmn_eval_summary;

mmn_eval_summary mmn_eval_summarise(const mmn_evaluation *evaluation, size_t setting,
                                    size_t domain);

/* The run with these neurons off, or NULL. */
const mmn_eval_run *mmn_eval_find(const mmn_evaluation *evaluation, size_t setting,
                                  mmn_eval_off off, size_t neurons_of, size_t domain);

/* The most random choices. */
enum { MMN_EVAL_SEED_LIMIT = 31 };

#endif
