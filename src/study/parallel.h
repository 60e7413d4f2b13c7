/* Parallel samples: those of a list that say the same in several domains, which their ids tell. */
#ifndef MMN_STUDY_PARALLEL_H
#define MMN_STUDY_PARALLEL_H

#include "study/study.h"

/* Zero-initialise; its memory is the study's. */
typedef struct mmn_parallel {
    size_t *group_of; /* [samples], by a planned sample's number */
    size_t *sizes;    /* [groups]: samples with one id, each in a domain of its own */
    size_t group_count;
} mmn_parallel;

/* Goes through the samples of a study's list, which begin again then. MMN_INPUT, with the list's
 * line, for an id that a domain has twice, and where no two domains have an id in common. */
mmn_status mmn_parallel_find(mmn_parallel *parallel, mmn_study *study, mmn_error *error);

#endif
