/* Evaluations: what they keep, shared by what measures and what makes a result of it. */
#ifndef MMN_STUDY_EVAL_H
#define MMN_STUDY_EVAL_H

#include "study/accuracy.h"
#include "study/confidence.h"
#include "study/judge.h"
#include "study/likelihood.h"
#include "study/run_result.h"
#include "text/languages.h"

/* What a sample asks, where cases are told. */
typedef struct mmn_asked_sample {
    char *question; /* or its prompt */
    char **answers, **choices, **images;
    size_t answer_count, choice_count, image_count;
} mmn_asked_sample;

typedef struct mmn_prediction {
    char *id, *answer; /* the answer NULL where none was asked for */
    size_t language;   /* its number among the languages; SIZE_MAX: none */
    double score;      /* by the measure that the sample's metric names */
    mmn_likelihood likelihood;
    char *reference;        /* whose likelihood that is; NULL: none was asked for */
    mmn_asked_sample asked; /* of runs with nothing off, where cases are told */
} mmn_prediction;

/* What one of the plan's runs has made of a sample. */
typedef struct mmn_eval_row {
    mmn_row row;
    char *answer;                  /* NULL: none was asked for */
    char *language;                /* of the answer; NULL: none, or nobody asked */
    double score;                  /* by the measure that the sample's metric names */
    double measures[MMN_MEASURES]; /* NaN where one says nothing about the sample */
    char *reference;               /* whose likelihood follows; NULL: none was asked for */
    double log_probability;        /* of its tokens together */
    uint64_t tokens;
} mmn_eval_row;

/* What one of the plan's runs has answered. */
typedef struct mmn_eval_run {
    double accuracy_sum, sums[MMN_MEASURES];
    double likelihood_sum;       /* of ln p per token */
    size_t counts[MMN_MEASURES]; /* of samples to which the measure applies */
    mmn_prediction *predictions; /* in the list's order */
    size_t count, capacity;
} mmn_eval_run;

/* The metric of a domain's samples. */
typedef struct mmn_eval_domain {
    bool begun, mixed; /* whether a sample has been answered; whether they have several metrics */
    mmn_metric metric; /* once begun */
} mmn_eval_domain;

/* What is known so far of a setting's own neurons less random ones in a domain. */
typedef struct mmn_eval_known {
    mmn_confidence likelihood;
    mmn_bounded_confidence accuracy; /* instead, where answers alone are measured */
    double mean, half_width;
    bool enough;
} mmn_eval_known;

typedef struct mmn_evaluation {
    mmn_study study;
    const mmn_eval_options *options;
    /* What the caller leaves open is the folder's or a default. */
    const char *template_name;
    uint64_t tokens;
    double top_p, repetition_penalty; /* 1: none */
    mmn_beam_search beam_search;
    bool answers, likelihood; /* which of them are measured */

    mmn_eval_domain *domains; /* [domains] */
    mmn_eval_run *runs;       /* [runs of the plan] */
    mmn_eval_known *known;    /* [settings][domains]; NULL: nobody looks before the list's end */

    /* At work: */
    const mmn_sample *sample;
    int32_t *ids;                      /* [runs][tokens] */
    size_t *counts;                    /* [runs] */
    mmn_references references;         /* the sample's */
    mmn_likelihood *likelihoods;       /* [runs]: of sessions side by side */
    bool within;                       /* whether references run as a part of the prompt */
    mmn_reference_rows *rows;          /* [runs]: what is kept of them then... */
    const mmn_reference_rows **beside; /* ...[runs], of sessions side by side */
    mmn_session *judge;                /* NULL: nobody is asked */
    char judge_digest[MMN_DIGEST_SIZE];
    mmn_languages languages;     /* count 0: nobody asks for an answer's */
    mmn_counts *steering_counts; /* NULL: no domain is steered */
    struct mmn_asked {           /* [runs]: what the judge was asked about the sample, and said */
        const char *answer;
        bool is_right;
    } * asked;
    size_t asked_count;
} mmn_evaluation;

/* mmn_study_kind's `set_up` and `check`. */
mmn_status mmn_evaluation_set_up(void *evaluation, const mmn_model *model, const void *options,
                                 mmn_error *error);
mmn_status mmn_evaluation_check(void *evaluation, mmn_error *error);
/* Lets a session find answers as the options say. */
mmn_status mmn_evaluation_set_decoding(const mmn_evaluation *evaluation, mmn_session *session,
                                       mmn_error *error);

/* Reads the list of texts that languages are learned from. */
mmn_status mmn_languages_read(mmn_languages *languages, const char *list, mmn_error *error);
/* The number of a language, or SIZE_MAX. */
size_t mmn_languages_named(const mmn_languages *languages, const char *name);
/* Finds an answer's language, and fills the row's, and whether it is the wanted one: the sample's
 * domain, or the domain to which the run is steered. */
mmn_status mmn_evaluation_language(mmn_evaluation *evaluation, mmn_eval_row *row, size_t run,
                                   mmn_error *error);

/* What sample number `sample` of a run has: its score, and ln p per token. */
double mmn_score_of_sample(const void *evaluation, size_t run, size_t sample);
double mmn_likelihood_of_sample(const void *evaluation, size_t run, size_t sample);

/* Evaluations that end where enough is known: whether that makes sense, once the settings are
 * chosen; room for what is known; and mmn_study_kind's `known`. */
mmn_status mmn_evaluation_check_until(const mmn_evaluation *evaluation, mmn_error *error);
mmn_status mmn_evaluation_begin_until(mmn_evaluation *evaluation, mmn_error *error);
bool mmn_evaluation_known(void *evaluation, size_t setting, size_t domain);
mmn_eval_known *mmn_evaluation_known_of(const mmn_evaluation *evaluation, size_t setting,
                                        size_t domain);

/* Cases: keeps what the sample asks, and adds to the result the first samples whose answers change
 * in each run with a domain's neurons off. */
mmn_status mmn_evaluation_keep_asked(mmn_asked_sample *asked, mmn_evaluation *evaluation,
                                     const mmn_sample *sample, mmn_error *error);
void mmn_evaluation_add_cases(mmn_result *result, const mmn_evaluation *evaluation);

/* The result of an evaluation (mmn_study_kind). */
void mmn_evaluation_describe(mmn_result *result, const void *evaluation);
void mmn_evaluation_fill(mmn_result *result, const void *evaluation);

#endif
