/* What commands that make a result have in common. */
#include "cli/study.h"

#include "cli/work.h"

static int run_on_model(const mmn_cli_study *study, const mmn_model *model,
                        const mmn_cli_arguments *arguments)
{
    mmn_cli_progress progress;
    mmn_result *result = NULL;
    mmn_error error;
    mmn_cli_work_begin(&progress, arguments->quiet);
    const mmn_status status = study->run(&result, model, study->request, &progress, &error);
    int code = mmn_cli_work_end(&progress, status, &error);
    if (status == MMN_OK)
        code = mmn_cli_give_result(result, &study->destination, arguments);
    mmn_result_free(result);
    return code;
}

int mmn_cli_run_study(mmn_cli_study *study, const mmn_cli_command *command,
                      const mmn_cli_arguments *arguments)
{
    mmn_model *model = NULL;
    mmn_cli_destination_source(&study->destination, MMN_SOURCE_MODEL, arguments->texts[0]);
    int code = mmn_cli_destination_open(&study->destination, command, study->output, MMN_CLI_JSON,
                                        NULL);
    if (code == MMN_CLI_DONE && study->check != NULL)
        code = study->check(command, study->request);
    if (code == MMN_CLI_DONE)
        code = mmn_cli_open_model(&model, arguments->texts[0], arguments, &study->wishes);
    if (code == MMN_CLI_DONE)
        code = run_on_model(study, model, arguments);
    mmn_cli_destination_close(&study->destination);
    mmn_model_close(model);
    return code;
}
