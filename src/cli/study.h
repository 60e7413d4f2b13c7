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
    /* Whether the request makes sense, an exit code, once the output is taken; NULL: it does. */
    int (*check)(const mmn_cli_command *command, void *request);
    /* Calls the library's function; `progress` is for mmn_cli_progress_show. */
    mmn_status (*run)(mmn_result **result, const mmn_model *model, void *request,
                      mmn_cli_progress *progress, mmn_error *error);
    const char *output; /* the value of -o, or NULL */
    mmn_cli_destination destination; /* with sources beside the model, the first argument */
    mmn_model_options wishes;
} mmn_cli_study;

/* The entries of an option table that all studies of lists have; `options` are the library's. */
#define MMN_CLI_STUDY_OF_LIST(options, study)                      \
    MMN_CLI_ALLOW_UNKNOWN_KEYS(&(options)->allow_unknown_keys),    \
    MMN_CLI_ALLOW_LONG_PROMPTS(&(options)->allow_long_prompts),    \
    MMN_CLI_OTHER_MODEL(&(options)->other_model),                  \
    MMN_CLI_RESIZE_ORDER(&(study)->wishes.resize_order),           \
    MMN_CLI_ALLOW_NONFINITE(&(study)->wishes.allow_nonfinite)

/* Takes the output, opens the model, runs the study and gives its result. Returns the exit code. */
int mmn_cli_run_study(mmn_cli_study *study, const mmn_cli_command *command,
                      const mmn_cli_arguments *arguments);

#endif
