/* output.h: results on standard output, checked, and messages on standard error. */
#ifndef MMN_CLI_OUTPUT_H
#define MMN_CLI_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/command.h"
#include "mmneuron.h"

#if defined(__GNUC__)
#define MMN_CLI_PRINTF(format_index, first_argument)                                               \
    __attribute__((format(printf, format_index, first_argument)))
#else
#define MMN_CLI_PRINTF(format_index, first_argument)
#endif

/* Opens /dev/null in place of a standard stream that is closed, so that no result file takes its
 * number and receives what was meant for the stream. */
void mmn_cli_guard_streams(void);

/* Makes Jansson, whose functions pass over some failed allocations, remember them for
 * mmn_cli_print_json. To be called before anything else may use Jansson. */
void mmn_cli_watch_json(void);

/* Makes the end of a program that another library ends, as libgomp does for want of threads or
 * memory, a sentence and MMN_CLI_FAILED: its own code would say something else. */
void mmn_cli_guard_exit(void);

/* From now on nothing is printed; of messages the last is kept. */
void mmn_cli_silence(void);
bool mmn_cli_is_silent(void);
/* Prints that message, if there is one, as that of process `number`. */
void mmn_cli_say_kept(unsigned number);

/* Prints a result. A failure to write is remembered for mmn_cli_finish. */
void mmn_cli_print(const char *format, ...) MMN_CLI_PRINTF(1, 2);
/* The same on standard error, where a result goes to standard output. */
void mmn_cli_print_aside(const char *format, ...) MMN_CLI_PRINTF(1, 2);
void mmn_cli_print_bytes(const void *bytes, size_t size);
/* Hands over what was printed. Whether all that was printed so far could be written. */
bool mmn_cli_flush(void);
/* Whether it could not because nobody reads it any more (a pipe to "head"). */
bool mmn_cli_reader_is_gone(void);

/* Prints a JSON value and a line break; takes over the reference, which may be NULL after a failed
 * construction. Returns the exit code: MMN_CLI_FAILED when it could not be made. */
int mmn_cli_print_json(json_t *value);

/* Prints a message as one line on standard error, after the program's name. */
void mmn_cli_message(const char *format, ...) MMN_CLI_PRINTF(1, 2);

/* Prints the library's error as one line on standard error and returns its exit code. */
int mmn_cli_fail(const mmn_error *error);

/* Prints what is wrong with the command line and where to read on, and returns MMN_CLI_USAGE.
 * `call` is that of the subcommand or NULL. */
int mmn_cli_usage(const mmn_cli_call *call, const char *format, ...) MMN_CLI_PRINTF(2, 3);

/* Closes standard output. Returns `code`, or MMN_CLI_FAILED with a message when a result could not
 * be written. */
int mmn_cli_finish(int code);

#endif
