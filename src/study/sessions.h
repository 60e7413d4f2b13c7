/* The sessions of a study, beyond what study.h has for studies. */
#ifndef MMN_STUDY_SESSIONS_H
#define MMN_STUDY_SESSIONS_H

#include "study/study.h"

/* An mmn_study_function: runs the sample in all runs of its domain, and gives what the language
 * model's head makes of its rows to the kind's `read`. */
mmn_status mmn_study_read_sample(void *kept, const mmn_planned_sample *planned,
                                 const mmn_input *input, mmn_error *error);

#endif
