/* What the commands have in common that let a model read pictures through a detector. */
#include "cli/joint.h"

mmn_status mmn_cli_joint_run(mmn_result **result, const mmn_model *detector, void *context,
                             mmn_error *error)
{
    const mmn_cli_joint *joint = context;
    mmn_model *language = NULL;
    mmn_status status = mmn_cli_open_another(&language, joint->call, joint->call->texts[1], error);
    if (status == MMN_OK)
        status = joint->run(result, detector, language, joint->asked, error);
    mmn_model_close(language);
    return status;
}

int mmn_cli_joint_check(mmn_cli_call *call, mmn_cli_study *study)
{
    const mmn_cli_joint *joint = study->request;
    mmn_cli_destination_source(call, MMN_SOURCE_MODEL, call->texts[1]);
    mmn_cli_destination_source(call, MMN_SOURCE_FILE, *joint->alignment);
    return MMN_CLI_DONE;
}
