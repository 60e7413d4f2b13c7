/* Adding up the counts of one run's parts. */
#ifndef MMN_COUNT_MERGE_H
#define MMN_COUNT_MERGE_H

#include "count/counts.h"

/* Adds `part` to `sum`, which has taken other samples of the same run. */
mmn_status mmn_counts_add(mmn_counts *sum, const mmn_counts *part, mmn_error *error);

#endif
