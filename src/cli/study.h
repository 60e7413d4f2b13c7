/* study.h: what commands that make a result have in common. */
#ifndef MMN_CLI_STUDY_H
#define MMN_CLI_STUDY_H

#include "cli/command.h"
#include "cli/destination.h"
#include "cli/model.h"
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
     * second argument (NULL: there is none); and the neurons, where they are a file. */
    mmn_progress_function *progress;
    void **progress_context;
    const char **list, **neurons;

    const char *output; /* the value of -o, or NULL */
    mmn_model_options wishes;
} mmn_cli_study;

/* The members that show the progress of the library's `options`, and of those of a list its own. */
#define MMN_CLI_ASKED(options)                                                                     \
    .progress = &(options)->progress, .progress_context = &(options)->progress_context
#define MMN_CLI_ASKED_OF_LIST(options) MMN_CLI_ASKED(options), .list = &(options)->list

/* The entries of an option table that all studies of lists have. */
#define MMN_CLI_STUDY_OF_LIST(options, study)                                                      \
    MMN_CLI_ALLOW_UNKNOWN_KEYS(&(options)->allow_unknown_keys),                                    \
        MMN_CLI_ALLOW_LONG_PROMPTS(&(options)->allow_long_prompts),                                \
        MMN_CLI_OTHER_MODEL(&(options)->other_model),                                              \
        MMN_CLI_RESIZE_ORDER(&(study)->wishes.resize_order),                                       \
        MMN_CLI_ALLOW_NONFINITE(&(study)->wishes.allow_nonfinite)

/* Parses the command line by the table, takes the output, opens the model, runs the study and gives
 * its result. Returns the exit code. */
int mmn_cli_run_study(mmn_cli_study *study, mmn_cli_call *call, const mmn_cli_option *options,
                      size_t count);

#endif
