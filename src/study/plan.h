/* Plans: which neurons are off while the samples of which domains are measured; and what
 * repetitions with other seeds say together. */
#ifndef MMN_STUDY_PLAN_H
#define MMN_STUDY_PLAN_H

#include <stdbool.h>

#include "mmneuron.h"
#include "count/counts.h"
#include "count/neurons.h"

/* ---- Settings: which modules' neurons are switched off --------------------------------------- */

enum { MMN_SETTING_LIMIT = 32 };

typedef struct mmn_settings {
    char *names[MMN_SETTING_LIMIT]; /* "language", "vision+projector", "all" */
    size_t count;
} mmn_settings;

/* The settings that `text` names, separated by commas; NULL: those of doc/method.md whose modules
 * the lists have, without "none". With a text the lists are not used. MMN_USAGE for too many, one
 * without a name, or one named twice. Zero-initialise; free with mmn_settings_free, after a failure
 * too. */
mmn_status mmn_settings_make(mmn_settings *settings, const char *text, const mmn_neurons *lists,
                             mmn_error *error);
/* Adds one setting, whatever its name. */
mmn_status mmn_settings_add(mmn_settings *settings, const char *name, mmn_error *error);
/* The number of a setting, or SIZE_MAX. */
size_t mmn_settings_find(const mmn_settings *settings, const char *name);
/* Removes a setting, if it is there. */
void mmn_settings_remove(mmn_settings *settings, const char *name);
void mmn_settings_free(mmn_settings *settings);

/* ---- Runs ------------------------------------------------------------------------------------ */

/* What is off in a run. */
typedef enum mmn_off {
    MMN_OFF_NOTHING,
    MMN_OFF_DOMAIN,
    MMN_OFF_RANDOM,
    MMN_OFF_STEERED /* those of the domain measured, while those of another are raised */
} mmn_off;

/* One set of neurons off, while the samples of one domain are measured. */
typedef struct mmn_run {
    size_t setting; /* its number; 0 with nothing off */
    mmn_off off;
    size_t neurons_of; /* domain whose neurons are off, beside whose neurons random ones are, or
                          whose are raised */
    uint64_t seed;     /* MMN_OFF_RANDOM */
    size_t domain;     /* measured */
    mmn_mask *mask;    /* the plan's; runs with the same neurons off, which follow each other, share
                          it; NULL: none */
    uint64_t samples;  /* of its domain that have been measured in it so far */
    bool ended;        /* no more of them are */
} mmn_run;

/* Zero-initialise; free with mmn_plan_free. */
typedef struct mmn_plan {
    /* What is wanted: */
    bool plain;                      /* each domain with nothing off, too */
    mmn_settings settings;           /* each domain with neurons off */
    bool crossed[MMN_SETTING_LIMIT]; /* settings in which every domain's neurons are off in every
                                        domain, and not in their own alone */
    const mmn_counts *counts;   /* in crossed settings every domain is steered to every other, too,
                                   whose neurons are raised to their means here; NULL: none is */
    bool other_model;           /* whatever model the counts are of */
    const char *off_domain;     /* whose neurons are off in all domains; NULL: each one's own */
    uint64_t seeds, first_seed; /* random choices beside each domain's own */
    struct {
        const mmn_neurons *neurons; /* NULL: those of the lists, for the modules of its name */
        const char *modules;
    } of[MMN_SETTING_LIMIT]; /* by setting: neurons of its own */

    mmn_run *runs; /* with nothing off, by domain; then by setting, and domain whose neurons are
                      off: by domain measured, then by seed in its own */
    size_t run_count;
} mmn_plan;

/* Makes the runs over these domains, and their masks of the neurons that `lists`, of `file`, has;
 * NULL: there are none, and no settings. MMN_INPUT, with the samples' list, for a domain that has
 * no neurons. */
mmn_status mmn_plan_make(mmn_plan *plan, const mmn_model *model, const mmn_domains *domains,
                         const char *list, const mmn_neurons *lists, const char *file,
                         mmn_error *error);
void mmn_plan_free(mmn_plan *plan);

/* "nothing", "domain", "random", "steered"; and the name of a run's setting: "none" with nothing
 * off. */
extern const char *const mmn_off_names[];
const char *mmn_plan_setting(const mmn_plan *plan, const mmn_run *run);

/* The number of the run with these neurons off, the first of several seeds; SIZE_MAX: there is
 * none. With nothing off, `setting` and `neurons_of` are of no matter. */
size_t mmn_plan_find(const mmn_plan *plan, size_t setting, mmn_off off, size_t neurons_of,
                     size_t domain);

/* The number of the first of a domain's runs from number `run` on that has not ended; run_count:
 * there is none. */
size_t mmn_plan_next(const mmn_plan *plan, size_t run, size_t domain);
/* Ends the runs of a setting in a domain, and where no setting goes on there, that with nothing
 * off. Returns how many these are. */
size_t mmn_plan_end(mmn_plan *plan, size_t setting, size_t domain);

/* ---- Repetitions ----------------------------------------------------------------------------- */

typedef struct mmn_interval {
    double mean, low, high;
} mmn_interval;

/* The mean of `count` values and its 95 % confidence interval by Student's t distribution, which
 * takes them for independent and normal; with fewer than two values low = high = mean. */
mmn_interval mmn_interval_of(const double *values, size_t count);

/* What a setting does to a domain. */
typedef struct mmn_summary {
    double plain, domain_off;
    size_t seeds; /* random choices that ran */
    mmn_interval random;
} mmn_summary;

/* What `value` says of the plan's runs. At most MMN_SUMMARY_SEEDS seeds. */
enum { MMN_SUMMARY_SEEDS = 31 };
mmn_summary mmn_plan_summarise(const mmn_plan *plan, size_t setting, size_t domain,
                               double (*value)(const void *context, size_t run),
                               const void *context);

#endif
