/* Opening a model as the options that all commands share ask. */
#include "cli/model.h"

#include "cli/output.h"

int mmn_cli_open_model(mmn_model **model, const char *folder, const mmn_cli_arguments *arguments,
                       mmn_resize_order order)
{
    const mmn_model_options options = {
        .threads = (int)arguments->threads,
        .simd = arguments->simd,
        .resize_order = order,
    };
    mmn_error error;
    if (mmn_model_open(model, folder, &options, &error) != MMN_OK)
        return mmn_cli_fail(&error);
    return MMN_CLI_DONE;
}
