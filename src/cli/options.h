/* options.h: the one parser of command lines, driven by tables that also make the help texts. */
#ifndef MMN_CLI_OPTIONS_H
#define MMN_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/command.h"
#include "mmneuron.h"

/* What an option takes, and the type of the variable that receives it. */
typedef enum mmn_cli_kind {
    MMN_CLI_FLAG,    /* nothing; int, set to 1 */
    MMN_CLI_TEXT,    /* const char * */
    MMN_CLI_TEXTS,   /* mmn_cli_texts: the option may be repeated */
    MMN_CLI_WHOLE,   /* a whole number from minimum to maximum; uint64_t */
    MMN_CLI_U32,     /* the same with a maximum that fits; uint32_t */
    MMN_CLI_REAL,    /* a real number from minimum to maximum; double */
    MMN_CLI_SHARD,   /* I/N with 1 <= I <= N; mmn_cli_shard */
    MMN_CLI_ORDER,   /* an order of resizing; mmn_resize_order */
    MMN_CLI_MODULES, /* names of modules, separated by commas; mmn_cli_modules */
    MMN_CLI_IDS      /* token ids, separated by commas; mmn_cli_ids */
} mmn_cli_kind;

typedef struct mmn_cli_shard {
    uint32_t index, count; /* 0, 0: not given */
} mmn_cli_shard;

/* Names of modules as the library knows them, separated by commas; "" if not given. */
typedef struct mmn_cli_modules {
    char names[96];
} mmn_cli_modules;

typedef struct mmn_cli_ids {
    int32_t *ids; /* NULL if not given */
    size_t count;
} mmn_cli_ids;

typedef struct mmn_cli_option {
    const char *name;   /* without the dashes */
    const char *former; /* an older name, which goes on working and is not shown; or NULL */
    char letter;        /* the short form, or 0 */
    const char *value;  /* what the help calls its value; NULL for a flag */
    mmn_cli_kind kind;
    void *target;
    double minimum, maximum; /* of numbers; maximum 0: none */
    bool above;              /* a real number must be above the minimum */
    const char *needed; /* of a text that must be given: what it is, for the message; or NULL */
    const int *unless;  /* a flag with which it need not be; or NULL */
    const char *help;   /* starts in lower case, no full stop */
} mmn_cli_option;

/* Parses the call's command line by the command's own options and those that all commands share.
 * The command is to run on MMN_CLI_DONE. MMN_CLI_ANSWERED: help or the version was asked for and
 * printed; any other exit code: the command line was wrong, and a message says how. */
int mmn_cli_parse(mmn_cli_call *call, const mmn_cli_option *options, size_t count);

#endif
