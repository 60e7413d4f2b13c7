/* lines.h: the lines of a file that a command takes its questions from. */
#ifndef MMN_CLI_LINES_H
#define MMN_CLI_LINES_H

#include <stddef.h>

/* Zero-initialise; free with mmn_cli_free_lines. */
typedef struct mmn_cli_lines {
    const char **texts; /* [count], in the file's order; they point into `contents` */
    size_t count;
    char *contents;
} mmn_cli_lines;

/* Reads a file ("-": standard input) of at most 16 MiB. Empty lines are left out, and line breaks
 * may be those of DOS. Returns the exit code, after a message when the file cannot be read, is too
 * long, holds a zero byte or has no line. */
int mmn_cli_read_lines(mmn_cli_lines *lines, const char *file);
void mmn_cli_free_lines(mmn_cli_lines *lines);

#endif
