/* Evaluations: accuracy in each domain with neurons on, with domain neurons off, and with random ones
 * off. */
#ifndef MMN_STUDY_EVAL_H
#define MMN_STUDY_EVAL_H

#include "mmneuron.h"
#include "study/accuracy.h"
#include "study/study.h"

typedef struct mmn_prediction {
    char *id, *answer;
    double score; /* by the measure that the sample's metric names */
} mmn_prediction;

/* What one of the plan's runs has answered. */
typedef struct mmn_eval_run {
    double accuracy_sum, sums[MMN_MEASURES];
    size_t counts[MMN_MEASURES]; /* of samples to which the measure applies */
    mmn_prediction *predictions; /* in the list's order */
    size_t count, capacity;
} mmn_eval_run;

/* The metric of a domain's samples. */
typedef struct mmn_eval_domain {
    bool begun, mixed; /* whether a sample has been answered; whether they have several metrics */
    mmn_metric metric; /* once begun */
} mmn_eval_domain;

typedef struct mmn_evaluation {
    mmn_study study;
    const mmn_eval_options *options;
    /* What the caller leaves open is the folder's or a default. */
    const char *template_name;
    uint64_t tokens;
    double top_p, repetition_penalty; /* 1: none */
    mmn_beam_search beam_search;

    mmn_eval_domain *domains; /* [domains] */
    mmn_eval_run *runs;       /* [runs of the plan] */

    /* At work: */
    const mmn_sample *sample;
    int32_t *ids;   /* [runs][tokens] */
    size_t *counts; /* [runs] */
} mmn_evaluation;

/* Does what mmn_eval does, on a zero-initialised evaluation. Free it after a failure too. */
mmn_status mmn_evaluate(mmn_evaluation *evaluation, const mmn_model *model,
                        const mmn_eval_options *options, mmn_error *error);
void mmn_evaluation_free(mmn_evaluation *evaluation);

/* Mean score of a run's samples; 0 without samples. `evaluation` is an mmn_evaluation. */
double mmn_eval_accuracy(const void *evaluation, size_t run);

#endif
