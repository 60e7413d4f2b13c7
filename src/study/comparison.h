/* Comparisons: what a domain's own neurons, or other domains', do to its samples beside random ones
 * or none, paired by sample. */
#ifndef MMN_STUDY_COMPARISON_H
#define MMN_STUDY_COMPARISON_H

#include "study/run_result.h"

/* A number that each run has for each of its domain's samples. */
typedef struct mmn_sample_values {
    const char *measure; /* its name in results */
    const mmn_study *study;
    const void *context;
    double (*value)(const void *context, size_t run, size_t sample);
    /* Of own neurons off less random ones, an interval that allows for having been looked at after
     * each sample, NaN where it is not known; NULL: nobody did, and it is that of all others. */
    mmn_interval (*interval)(const void *context, size_t setting, size_t domain);
} mmn_sample_values;

/* The tables of results: all comparisons; and what those of own neurons with random ones show, for
 * people alone (mmn_evaluation_state). */
#define MMN_COMPARISON_TABLES                                                                      \
    {"comparisons", "result",                                                                      \
     MMN_COLUMNS(MMN_TEXT("measure"), MMN_TEXT("setting"), MMN_TEXT("domain"), MMN_TEXT("off"),    \
                 MMN_TEXT("against"), MMN_WHOLE("samples"), MMN_REAL("difference", ""),            \
                 MMN_REAL("low", ""), MMN_REAL("high", ""), MMN_TEXT("shows"))},                   \
    {                                                                                              \
        "statements", "result",                                                                    \
            MMN_COLUMNS(MMN_TEXT("setting"), MMN_TEXT("domain"), MMN_TEXT("shows"),                \
                        MMN_WHOLE("samples"), MMN_REAL("by", ""), MMN_REAL("least", ""),           \
                        MMN_REAL("most", ""))                                                      \
    }
#define MMN_COMPARISON_JSON                                                                        \
    "{'measure': $measure, 'setting': $setting, 'domain': $domain, 'off': $off,"                   \
    " 'against': $against, 'samples': $samples, 'difference': $difference,"                        \
    " 'interval': " MMN_INTERVAL_JSON("low", "high") ", 'shows': $shows}"

/* Adds the comparisons of one measure: for each setting and domain the domain's own neurons off
 * less random ones and less none, and, in crossed settings, other domains' less random ones, each
 * the mean over samples of differences of the means over domains or seeds. */
void mmn_add_comparisons(mmn_result *result, const mmn_sample_values *values);

/* Fewer samples show nothing, whatever their interval. */
enum { MMN_COMPARISON_LEAST = 10 };

/* What the draws of their intervals are seeded by. */
uint64_t mmn_comparison_seed(const mmn_study *study);

#endif
