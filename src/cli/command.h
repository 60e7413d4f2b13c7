/* command.h: what a subcommand of the program is, a call of one, and the table's entries. */
#ifndef MMN_CLI_COMMAND_H
#define MMN_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "mmneuron.h"

/* The program's exit codes; 128 + a signal's number when a signal interrupted it. */
enum {
    MMN_CLI_DONE = 0,
    MMN_CLI_DIFFERENT = 1,
    MMN_CLI_USAGE = 2,
    MMN_CLI_FAILED = 3,
    MMN_CLI_INTERRUPTED = 130,
    MMN_CLI_ANSWERED = -1 /* within the program: nothing is left to do, and it ends with 0 */
};

/* Ends the function that it stands in, which returns an exit code or a status, where `call` does
 * not return 0: MMN_CLI_DONE or MMN_OK. */
#define MMN_CLI_TRY(call)                                                                          \
    do {                                                                                           \
        const int tried_ = (int)(call);                                                            \
        if (tried_ != 0)                                                                           \
            return tried_;                                                                         \
    } while (0)

typedef struct mmn_cli_command mmn_cli_command;
typedef struct mmn_cli_call mmn_cli_call;

struct mmn_cli_command {
    const char *name;
    const char *arguments;   /* as the usage line shows them: "MODEL DATA.jsonl" */
    const char *summary;     /* one line, for the list of commands and the command's own help */
    size_t minimum, maximum; /* how many arguments there may be */
    int (*run)(mmn_cli_call *call); /* returns the exit code */
    bool has_rows;                  /* whether it is a study of a list, which keeps rows */
};

/* Whether it is one of a list whose pictures a model reads through a detector, which are its three
 * arguments: detector, model, list. */
static inline bool mmn_cli_has_detector(const mmn_cli_command *command)
{
    return command->has_rows && command->minimum == 3;
}

/* Where the result goes (cli/destination.h). */
typedef struct mmn_cli_destination {
    const char *path; /* where to write; NULL: no file is wanted */
    bool standard;    /* "-o -": the result goes to standard output */
    char *temporary;  /* then, unless it is JSON: the file, `path`, in a folder of its own */
    char *state;      /* of the run while it has no result, a file that goes once that is written */
    mmn_output *output, *further; /* and a further file's, or NULL */
    mmn_source *sources;
    size_t source_count;
    bool short_of_memory;
} mmn_cli_destination;

/* Arguments of commands that have rows: model and list, and what may follow; or a detector before
 * both. */
enum { MMN_CLI_PLACES = 3 };

/* "mmneuron merge" of rows: the command that made them makes its result of all of them. */
typedef struct mmn_cli_merging {
    const char *output; /* the value of -o */
    const char *const *parts;
    size_t part_count;
    /* Where they lie now; NULL: where the command found them. */
    const char *detector, *model, *list, *neurons, *alignment;
    uint64_t threads; /* as in mmn_cli_call, of merge's own command line */
    const char *simd;
    int quiet, json;
} mmn_cli_merging;

/* The values of an option that may be repeated. */
typedef struct mmn_cli_texts {
    const char **texts; /* argv's */
    size_t count;
} mmn_cli_texts;

/* A call of a command: what is asked of it, and what it has opened, which is closed when it has
 * ended. */
struct mmn_cli_call {
    const mmn_cli_command *command;
    int argc;
    char **argv; /* argv[0] is the command's name */

    /* What mmn_cli_parse finds there that every command takes, and what remains beside the
     * options. */
    uint64_t threads; /* 0: as many as OpenMP gives */
    const char *simd; /* NULL: MMNEURON_SIMD, else the fastest */
    int quiet, json;
    const char *const *texts; /* the command's arguments, in order */
    size_t count;
    const char *places[MMN_CLI_PLACES]; /* of a merge: these arguments */

    mmn_cli_texts deltas; /* of commands that take any (MMN_CLI_DELTA) */
    mmn_cli_destination destination;
    mmn_model *model;
    const mmn_cli_command *(*find)(const char *name); /* a command; NULL: there is none */
    const mmn_cli_merging *merging;                   /* NULL: it is called by itself */
};

int mmn_cli_info(mmn_cli_call *call);
int mmn_cli_ask(mmn_cli_call *call);
int mmn_cli_bias(mmn_cli_call *call);
int mmn_cli_contrib(mmn_cli_call *call);
int mmn_cli_count(mmn_cli_call *call);
int mmn_cli_edit(mmn_cli_call *call);
int mmn_cli_edits(mmn_cli_call *call);
int mmn_cli_encode(mmn_cli_call *call);
int mmn_cli_detect(mmn_cli_call *call);
int mmn_cli_hallucinations(mmn_cli_call *call);
int mmn_cli_judge(mmn_cli_call *call);
int mmn_cli_locate(mmn_cli_call *call);
int mmn_cli_lens(mmn_cli_call *call);
int mmn_cli_merge(mmn_cli_call *call);
int mmn_cli_perturb(mmn_cli_call *call);
int mmn_cli_rank(mmn_cli_call *call);
int mmn_cli_eval(mmn_cli_call *call);
int mmn_cli_report(mmn_cli_call *call);
int mmn_cli_dump(mmn_cli_call *call);
int mmn_cli_verify(mmn_cli_call *call);
int mmn_cli_digest(mmn_cli_call *call);

/* The command of the library's study number `number`; false when there are no more. */
bool mmn_cli_study_command(mmn_cli_command *command, size_t number);

#endif
