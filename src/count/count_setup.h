/* What a count starts with: its modules, what it belongs to, and what an interrupted run left. */
#ifndef MMN_NEURONS_COUNT_SETUP_H
#define MMN_NEURONS_COUNT_SETUP_H

#include "mmneuron.h"
#include "count/samples.h"
#include "count/counts.h"
#include "count/windows.h"

/* Checks the options and makes counts without domains for the modules that they name. The length of
 * windows is set where the list has texts, and stays 0 otherwise; of texts, only modules that read
 * them are counted. */
mmn_status mmn_count_setup(mmn_counts **counts, mmn_windows *windows, const mmn_model *model,
                           const mmn_count_options *options, mmn_error *error);

/* The module that the limit of positions goes by: if the options name none, the model's first, or
 * of texts the first that is counted. */
const char *mmn_count_positions_module(const mmn_count_options *options, const mmn_model *model,
                                       const mmn_counts *counts, bool texts);

/* Fills in version, model digest (which reads the whole checkpoint), digest of the samples' list
 * or, if it is of texts, of their windows, and settings. The samples start again at the first. */
mmn_status mmn_count_identify(mmn_counts *counts, const mmn_samples *samples,
                              const mmn_model *model, const mmn_count_options *options,
                              mmn_error *error);

/* Reads the state file of an interrupted run; MMN_INPUT when it is not of the run that `counts` was
 * set up for, saying in what they differ. */
mmn_status mmn_count_resume(mmn_counts **state, const char *file, const mmn_counts *counts,
                            mmn_error *error);

#endif
