/* signals.h: Ctrl-C as a request to stop that long work can see, and a mapped file that got shorter
 * as a sentence. */
#ifndef MMN_CLI_SIGNALS_H
#define MMN_CLI_SIGNALS_H

#include <stdbool.h>

/* From now on SIGINT, SIGTERM and SIGHUP end the program as ever, but remove what is to be
 * removed. */
void mmn_cli_interrupt_guard(void);
/* Lets them wait, while something is made that has yet to be named as such, or stop waiting. */
void mmn_cli_interrupt_hold(bool hold);
/* A file, or a folder that is empty once the files named before it are gone, that nothing shall
 * find after a signal has ended the program. */
void mmn_cli_interrupt_removes(const char *path);
/* Whoever made them removes them now, or leaves them. */
void mmn_cli_interrupt_keeps(void);

/* From now on the first SIGINT, SIGTERM or SIGHUP only asks to stop; the second ends the program,
 * and so does the first where nobody has asked mmn_cli_interrupted within two seconds of it. A
 * reader of our output that goes away no longer ends the program: the work may have a file to
 * write. */
void mmn_cli_interrupt_catch(void);

/* Whether to stop. */
bool mmn_cli_interrupted(void);
/* The same for the library: an mmn_interrupted_function. */
int mmn_cli_interrupt_asked(void *context);

/* The exit code of interrupted work: 128 + the signal's number, as shells count. */
int mmn_cli_interrupt_code(void);

/* Ends the program as a pipe without a reader does, unless somebody chose that it shall not. */
void mmn_cli_end_by_broken_pipe(void);

/* From now on SIGBUS ends the program with exit code 3 and a sentence that names the file. */
void mmn_cli_guard_mappings(void);

#endif
