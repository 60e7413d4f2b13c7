/* Studies: a list's samples run through a model with nothing off, with each domain's neurons off
 * and with random ones off, and something is measured of every run. What all of them share is here:
 * what they are asked, the plan, the loop over samples, sessions side by side, progress and
 * interruption, and what is asked of list and model in the end. A study sets what it wants, and
 * measures. */
#ifndef MMN_STUDY_STUDY_H
#define MMN_STUDY_STUDY_H

#include "mask/allowances.h"
#include "count/samples.h"
#include "study/plan.h"

/* Zero-initialise; free with mmn_study_close. */
typedef struct mmn_study {
    /* What is wanted, before mmn_study_find: */
    const mmn_model *model;
    mmn_samples samples;  /* its list (none: a study of something else), and what is taken */
    const char *neurons;  /* neurons.json; NULL: nothing is switched off */
    const char *settings; /* as mmn_settings_make takes them, of these neurons */
    const char *setting;  /* instead: a single one */
    mmn_plan plan;        /* its settings are filled by mmn_study_find */
    mmn_allowances allowed;
    size_t batch;         /* runs side by side; 0: as many as do not need too much memory */
    mmn_progress progress; /* its label and unit */
    mmn_progress_function show;
    void *show_context;

    char model_digest[MMN_DIGEST_SIZE], neurons_digest[MMN_DIGEST_SIZE]; /* "": no neurons */
    bool nonfinite; /* numbers were infinite or NaN on the way to the result, and allowed */

    /* At work: */
    mmn_neuron_lists *lists;
    uint64_t passed; /* numbers of the model that were not finite and allowed, at the beginning */
    double start;
    size_t *side;           /* [runs]: those of the sample's domain, and... */
    mmn_session **sessions; /* ...[runs] theirs */
} mmn_study;

void mmn_study_close(mmn_study *study);

/* Tells that `done` more is done (0: that it is still at work). MMN_INTERRUPTED when it shall
 * stop. */
mmn_status mmn_study_advance(mmn_study *study, uint64_t done, mmn_error *error);

/* What is done with a sample, whose input is freed afterwards. */
typedef mmn_status (*mmn_study_function)(void *context, const mmn_planned_sample *planned,
                                         const mmn_input *input, mmn_error *error);

/* How a sample is measured in its runs. */
typedef struct mmn_measuring {
    size_t tokens; /* that are generated behind the input; 0: none */
    bool again;    /* the sample will be measured again, so that nothing counts as done yet */
    /* Makes the session of run number `run` ready, whose neurons are off already: adds probes. */
    mmn_status (*ready)(void *context, mmn_session *session, size_t run, mmn_error *error);
    /* After the prefill of sessions [count], side by side, of runs [count]. NULL: nothing to do. */
    mmn_status (*finish)(void *context, mmn_session *const *sessions, const size_t *runs,
                         size_t count, mmn_error *error);
} mmn_measuring;

/* Runs an input in all runs of its domain, side by side as far as memory allows; the domain's first
 * run is always the first of a session's group. */
mmn_status mmn_study_measure(mmn_study *study, const mmn_measuring *measuring, void *context,
                             size_t domain, const mmn_input *input, mmn_error *error);

/* What is particular to a study. What it keeps is zero at first, and begins with an mmn_study,
 * whose wishes are set before mmn_study_find. */
typedef struct mmn_study_kind {
    /* In the table of studies (study/studies.h) only: */
    const char *name, *summary; /* of its command, and a line of help */
    const char *doing;          /* the label of its progress: "comparing" */
    size_t size;                /* of what it keeps */

    /* What would stop it later, asked once it is open and before any work; NULL: nothing. */
    mmn_status (*check)(void *kept, mmn_error *error);
    /* Makes room, once there is a plan; without a list, it does everything. */
    mmn_status (*begin)(void *kept, mmn_error *error);
    mmn_study_function measure; /* a sample; its context is what is kept. NULL: there is no list */
    void (*end)(void *kept);    /* frees what it keeps beside the study, however far it came */
    const struct mmn_form *form; /* of its result */
    /* Fills a result: the row of "result", and tables, but for "domains". */
    void (*fill)(struct mmn_result *result, const void *kept);
} mmn_study_kind;

/* Opens, plans and runs a study. An error that is a sample's fault is MMN_INPUT and names the list
 * and the line. In the end list and model must be the files still that they were. */
mmn_status mmn_study_find(const mmn_study_kind *kind, void *kept, mmn_error *error);

#endif
