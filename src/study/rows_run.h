/* The run that rows are of, as their file says it: two runs that say the same make the same
 * rows. */
#ifndef MMN_STUDY_ROWS_RUN_H
#define MMN_STUDY_ROWS_RUN_H

#include "count/samples.h"
#include "result/result.h"
#include "study/plan.h"

typedef struct mmn_rows_run {
    const char *model_digest, *neurons_digest; /* "": no neurons */
    const mmn_samples *samples;
    const mmn_plan *plan;
    const mmn_result *asked; /* as far as mmn_study_kind's `describe` fills it */
} mmn_rows_run;

/* The members of an object that say so, freed with mmn_free. */
mmn_status mmn_rows_run_text(char **text, const mmn_rows_run *run, mmn_error *error);

#endif
