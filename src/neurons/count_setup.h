/* What a count starts with: its modules, what it belongs to, and what an interrupted run left. */
#ifndef MMN_NEURONS_COUNT_SETUP_H
#define MMN_NEURONS_COUNT_SETUP_H

#include "mmneuron.h"
#include "neurons/counts.h"

/* Checks the options and makes counts without domains for the modules that they name. */
mmn_status mmn_count_setup(mmn_counts **counts, const mmn_model *model,
                           const mmn_count_options *options, mmn_error *error);

/* Fills in version, model digest (which reads the whole checkpoint), digest of the list, and
 * settings. */
mmn_status mmn_count_identify(mmn_counts *counts, const mmn_model *model,
                              const mmn_count_options *options, mmn_error *error);

/* Reads the state file of an interrupted run; MMN_INPUT when it is not of the run that `counts` was
 * set up for, saying in what they differ. */
mmn_status mmn_count_resume(mmn_counts **state, const char *file, const mmn_counts *counts,
                            mmn_error *error);

#endif
