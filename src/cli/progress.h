/* progress.h: the progress of long work, on standard error, and its end. */
#ifndef MMN_CLI_PROGRESS_H
#define MMN_CLI_PROGRESS_H

#include <stdbool.h>

#include "mmneuron.h"

typedef struct mmn_cli_progress {
    bool quiet;
    bool terminal; /* a bar is redrawn; otherwise a plain line is written now and then */
    double start;  /* when the work began, in seconds of the monotonic clock */
    double shown;  /* when something was last shown */
    int drawn;     /* columns of the bar that stand in the terminal's line */
} mmn_cli_progress;

void mmn_cli_progress_begin(mmn_cli_progress *progress, bool quiet);

/* Shows `state` if it is time to. An mmn_progress_function: `context` is an mmn_cli_progress;
 * returns 1 when the user asked to stop. */
int mmn_cli_progress_show(void *context, const mmn_progress *state);

/* Seconds since mmn_cli_progress_begin. */
double mmn_cli_progress_seconds(const mmn_cli_progress *progress);

/* Wipes the bar, so that a message or the result can follow. */
void mmn_cli_progress_clear(mmn_cli_progress *progress);

/* Before the work, whose options have mmn_cli_progress_show and `progress`: from now on Ctrl-C asks
 * it to stop. */
void mmn_cli_work_begin(mmn_cli_progress *progress, bool quiet);

/* After it: wipes the bar, says what stopped the work, and returns the exit code. */
int mmn_cli_work_end(mmn_cli_progress *progress, mmn_status status, const mmn_error *error);

#endif
