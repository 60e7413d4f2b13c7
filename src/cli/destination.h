/* destination.h: where -o says that a result goes, proved before the work, and what becomes of the
 * result when it cannot go there after it. */
#ifndef MMN_CLI_DESTINATION_H
#define MMN_CLI_DESTINATION_H

#include "cli/command.h"
#include "cli/output.h"

typedef enum mmn_cli_destination_kind {
    MMN_CLI_JSON,   /* a text in memory: of "-o -" nothing is written before it is printed */
    MMN_CLI_BINARY, /* a file that the library writes, which no terminal shall show */
    MMN_CLI_PAGE,   /* a file that the library writes, of text */
    MMN_CLI_FOLDER  /* a folder for several files, which cannot go to standard output */
} mmn_cli_destination_kind;

/* Adds what the result will be made from, before mmn_cli_destination_open; a NULL path is none. */
void mmn_cli_destination_source(mmn_cli_call *call, mmn_source_kind kind, const char *path);
/* Takes `given`, the value of -o (NULL: none), for a result of this kind; `beside`, or NULL, is
 * written with it. Returns the exit code; when it is not MMN_CLI_DONE a message says why nothing
 * can be written there. */
int mmn_cli_destination_open(mmn_cli_call *call, const char *given, mmn_cli_destination_kind kind,
                             const char *beside);
/* Takes a further file for what is drawn of the result, after mmn_cli_destination_open. */
int mmn_cli_destination_open_further(mmn_cli_call *call, const char *given);
void mmn_cli_destination_close(mmn_cli_destination *destination);

/* Writes a result where that is wanted, and prints its table, or its JSON where that is asked for.
 * Where it could not be written, its JSON goes to a second place, which is named, or to standard
 * output. Returns the exit code. */
int mmn_cli_give_result(const mmn_cli_call *call, const mmn_result *result);

/* Copies a file that was written for "-o -" to standard output; of other destinations does nothing.
 * Returns the exit code. */
int mmn_cli_destination_send(mmn_cli_call *call);

#endif
