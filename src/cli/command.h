/* command.h: what a subcommand of the program is, and the table's entries. */
#ifndef MMN_CLI_COMMAND_H
#define MMN_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* The program's exit codes; 128 + a signal's number when a signal interrupted it. */
enum {
    MMN_CLI_DONE = 0,
    MMN_CLI_DIFFERENT = 1,
    MMN_CLI_USAGE = 2,
    MMN_CLI_FAILED = 3,
    MMN_CLI_INTERRUPTED = 130
};

/* Ends the function that it stands in, which returns an exit code or a status, where `call` does not
 * return 0: MMN_CLI_DONE or MMN_OK. */
#define MMN_CLI_TRY(call)               \
    do {                                \
        const int tried_ = (int)(call); \
        if (tried_ != 0)                \
            return tried_;              \
    } while (0)

typedef struct mmn_cli_command mmn_cli_command;

struct mmn_cli_command {
    const char *name;
    const char *arguments; /* as the usage line shows them: "MODEL DATA.jsonl" */
    const char *summary;   /* one line, for the list of commands and the command's own help */
    size_t minimum, maximum; /* how many arguments there may be */
    /* Runs the command; argv[0] is its name. Returns the exit code. */
    int (*run)(const mmn_cli_command *command, int argc, char **argv);
};

int mmn_cli_info(const mmn_cli_command *command, int argc, char **argv);
int mmn_cli_ask(const mmn_cli_command *command, int argc, char **argv);
int mmn_cli_contrib(const mmn_cli_command *command, int argc, char **argv);
int mmn_cli_count(const mmn_cli_command *command, int argc, char **argv);
int mmn_cli_lens(const mmn_cli_command *command, int argc, char **argv);
int mmn_cli_merge(const mmn_cli_command *command, int argc, char **argv);
int mmn_cli_perturb(const mmn_cli_command *command, int argc, char **argv);
int mmn_cli_rank(const mmn_cli_command *command, int argc, char **argv);
int mmn_cli_eval(const mmn_cli_command *command, int argc, char **argv);
int mmn_cli_report(const mmn_cli_command *command, int argc, char **argv);
int mmn_cli_dump(const mmn_cli_command *command, int argc, char **argv);
int mmn_cli_verify(const mmn_cli_command *command, int argc, char **argv);
int mmn_cli_digest(const mmn_cli_command *command, int argc, char **argv);

/* The command of the library's study number `number`; false when there are no more. */
bool mmn_cli_study_command(mmn_cli_command *command, size_t number);

#endif
