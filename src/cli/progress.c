/* The progress of long work: a bar on a terminal, a plain line now and then elsewhere. */
#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/signals.h"

#define REDRAW_SECONDS 0.1
#define LOG_SECONDS 30.0
#define DEFAULT_COLUMNS 80
#define MAXIMUM_COLUMNS 120

static double now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void mmn_cli_progress_begin(mmn_cli_progress *progress, bool quiet)
{
    const char *type = getenv("TERM");
    *progress = (mmn_cli_progress){.quiet = quiet || mmn_cli_is_silent(), .start = now()};
    progress->terminal = isatty(STDERR_FILENO) && !(type != NULL && strcmp(type, "dumb") == 0);
    /* The first bar comes at once, the first plain line only when the work is long. */
    progress->shown = progress->terminal ? progress->start - REDRAW_SECONDS : progress->start;
}

double mmn_cli_progress_seconds(const mmn_cli_progress *progress)
{
    return now() - progress->start;
}

/* Asked for at every redraw: cheaper than following SIGWINCH, and right after every resize. */
static int terminal_columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return DEFAULT_COLUMNS;
    /* The last column is left free: some terminals would break the line after it. */
    int columns = size.ws_col - 1;
    return columns < MAXIMUM_COLUMNS ? columns : MAXIMUM_COLUMNS;
}

/* Columns that UTF-8 text takes: one for each byte that does not continue a character. */
static int columns_of(const char *text)
{
    int columns = 0;
    for (; *text != '\0'; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

static void draw_bar(mmn_cli_progress *progress, const mmn_progress *state)
{
    char line[4 * MAXIMUM_COLUMNS + 1];
    int available = terminal_columns();
    mmn_progress_line(line, sizeof(line), state, available);
    int columns = columns_of(line);
    int before = progress->drawn < available ? progress->drawn : available;
    fprintf(stderr, "\r%s%*s", line, before > columns ? before - columns : 0, "");
    fflush(stderr);
    progress->drawn = columns;
}

int mmn_cli_progress_show(void *context, const mmn_progress *state)
{
    mmn_cli_progress *progress = context;
    double time = now();
    double wait = progress->terminal ? REDRAW_SECONDS : LOG_SECONDS;
    if (!progress->quiet && time - progress->shown >= wait) {
        progress->shown = time;
        if (progress->terminal) {
            draw_bar(progress, state);
        } else {
            char line[DEFAULT_COLUMNS + 1];
            mmn_progress_line(line, sizeof(line), state, DEFAULT_COLUMNS);
            fprintf(stderr, "%s\n", line);
        }
    }
    return mmn_cli_interrupted() ? 1 : 0;
}

void mmn_cli_progress_clear(mmn_cli_progress *progress)
{
    if (progress->drawn == 0)
        return;
    fprintf(stderr, "\r%*s\r", progress->drawn, "");
    fflush(stderr);
    progress->drawn = 0;
}

void mmn_cli_work_begin(mmn_cli_progress *progress, bool quiet)
{
    mmn_cli_interrupt_catch();
    mmn_cli_progress_begin(progress, quiet);
}

int mmn_cli_work_end(mmn_cli_progress *progress, mmn_status status, const mmn_error *error)
{
    mmn_cli_progress_clear(progress);
    if (status == MMN_OK)
        return MMN_CLI_DONE;
    if (status != MMN_INTERRUPTED || error->file[0] != '\0') /* there it says what is kept */
        return mmn_cli_fail(error);
    mmn_cli_message("interrupted; nothing was written");
    return mmn_cli_interrupt_code();
}
