/* Points: settings whose neurons are ranked at a rate and a bar of their own, from counts. */
#ifndef MMN_STUDY_POINTS_H
#define MMN_STUDY_POINTS_H

#include "study/plan.h"

/* Zero-initialise; free with mmn_points_free. */
typedef struct mmn_points {
    struct mmn_point {
        char *modules; /* "all" of the setting "all@0.05/0.9" */
        mmn_neurons *neurons;
    } of[MMN_SETTING_LIMIT]; /* by setting */
    size_t count;
    char digest[MMN_DIGEST_SIZE]; /* of all points' digests */
} mmn_points;

/* Ranks the counts at each setting's rate and bar: MODULES[@RATE[/BAR]], where what is left out is
 * as in mmn_rank_options. MMN_USAGE for what is no number above 0 and at most 1. */
mmn_status mmn_points_make(mmn_points *points, const mmn_settings *settings,
                           const mmn_counts *counts, mmn_error *error);
void mmn_points_free(mmn_points *points);

/* The rate and bar that a setting names, 0 where it does not; and where its modules end. MMN_USAGE
 * as above. */
mmn_status mmn_point_read(double *rate, double *bar, size_t *length, const char *setting,
                          mmn_error *error);

#endif
