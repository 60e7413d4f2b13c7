/* study.h: what commands that make a result have in common. */
#ifndef MMN_CLI_STUDY_H
#define MMN_CLI_STUDY_H

#include "cli/command.h"
#include "cli/destination.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/picture.h"
#include "cli/progress.h"

/* A study of a model: what a command makes of its options. */
typedef struct mmn_cli_study {
    void *request; /* the command's own */
    /* Calls the library's function. */
    mmn_status (*run)(mmn_result **result, const mmn_model *model, void *request, mmn_error *error);
    /* Whether the request makes sense, an exit code, before any work; NULL: it does. It
     * may add sources of the result. */
    int (*check)(mmn_cli_call *call, struct mmn_cli_study *study);
    /* Of the library's options: progress, and what is to be set to show it; the list, which is the
     * second argument, behind a detector the third (NULL: there is none); and the neurons, where
     * they are a file. */
    mmn_progress_function *progress;
    void **progress_context;
    const char **list, **neurons;

    mmn_rows_options *rows;   /* likewise; NULL: it keeps none */
    bool without_model;       /* it runs none: its first argument is something else */
    mmn_cli_picture *picture; /* what is drawn of the result; NULL: nothing ever is */

    const char *output, *rows_file; /* the values of -o and --rows, or NULL */
    mmn_cli_shard shard;
    int plan; /* whether only to say what it would cost */
    mmn_model_options wishes;
} mmn_cli_study;

/* The members that show the progress of the library's `options`, and of those of a list its own. */
#define MMN_CLI_ASKED(options)                                                                     \
    .progress = &(options)->progress, .progress_context = &(options)->progress_context
#define MMN_CLI_ASKED_OF_LIST(options)                                                             \
    MMN_CLI_ASKED(options), .list = &(options)->list, .rows = &(options)->rows

/* The entries of an option table that all studies of lists have. */
/* clang-format off */
#define MMN_CLI_KEPT_ROWS(study)                                                                   \
    {.name = "rows", .value = "FILE.jsonl", .kind = MMN_CLI_TEXT, .target = &(study)->rows_file,   \
     .help = "add what each sample gives to FILE.jsonl, and go on from what is there already"      \
             " (with -o: to FILE.state, which goes in the end)"},                                  \
    {.name = "shard", .value = "I/N", .kind = MMN_CLI_SHARD, .target = &(study)->shard,            \
     .help = "do the I-th of N parts of the samples, whose rows are all that -o writes;"           \
             " \"mmneuron merge\" makes the result of the parts"}
/* clang-format on */
#define MMN_CLI_ROWS(study) MMN_CLI_KEPT_ROWS(study), MMN_CLI_PLAN(&(study)->plan)
#define MMN_CLI_STUDY_OF_LIST(options, study)                                                      \
    MMN_CLI_ROWS(study), MMN_CLI_ALLOW_UNKNOWN_KEYS(&(options)->allow_unknown_keys),               \
        MMN_CLI_ALLOW_LONG_PROMPTS(&(options)->allow_long_prompts),                                \
        MMN_CLI_OTHER_MODEL(&(options)->other_model),                                              \
        MMN_CLI_RESIZE_ORDER(&(study)->wishes.resize_order),                                       \
        MMN_CLI_ALLOW_NONFINITE(&(study)->wishes.allow_nonfinite)

/* Parses the command line by the table, takes the output, opens the model, runs the study and gives
 * its result. Returns the exit code. */
int mmn_cli_run_study(mmn_cli_study *study, mmn_cli_call *call, const mmn_cli_option *options,
                      size_t count);
/* The same where the command line has been parsed. */
int mmn_cli_run_parsed_study(mmn_cli_study *study, mmn_cli_call *call);

/* Takes, before the work, a further output of a study of model and list, or without them of the
 * destination's sources, to be released with mmn_output_release: of several processes the first
 * does. Returns the exit code. */
int mmn_cli_study_claim(mmn_output **output, const mmn_cli_call *call, const char *path);

#endif
