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

/* Takes the output, opens the model, runs the study and gives its result. Returns the exit code. */
int mmn_cli_run_study(mmn_cli_study *study, const mmn_cli_command *command,
                      const mmn_cli_arguments *arguments);

#endif
