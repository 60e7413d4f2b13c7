/* work.h: long work that shows its progress and can be interrupted. */
#ifndef MMN_CLI_WORK_H
#define MMN_CLI_WORK_H

#include "cli/progress.h"

/* Before the work, whose options have mmn_cli_progress_show and `progress`: from now on Ctrl-C asks it
 * to stop. */
void mmn_cli_work_begin(mmn_cli_progress *progress, bool quiet);

/* After it: wipes the bar, says what stopped the work, and returns the exit code. */
int mmn_cli_work_end(mmn_cli_progress *progress, mmn_status status, const mmn_error *error);

#endif
