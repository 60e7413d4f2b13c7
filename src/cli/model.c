/* Opening a model as the options that all commands share ask. */
#include "cli/model.h"

#include "cli/interrupt.h"
#include "cli/output.h"

int mmn_cli_open_model(mmn_model **model, const char *folder, const mmn_cli_arguments *arguments,
                       const mmn_model_options *wishes)
{
    mmn_model_options options = *wishes;
    options.threads = (int)arguments->threads;
    options.simd = arguments->simd;
    options.interrupted = mmn_cli_interrupt_asked;
    mmn_error error;
    if (mmn_model_open(model, folder, &options, &error) != MMN_OK)
        return mmn_cli_fail(&error);
    const mmn_model_info *info = mmn_model_describe(*model);
    for (size_t i = 0; i < info->remark_count && !arguments->quiet; i++)
        mmn_cli_message("%s: %s", folder, info->remarks[i]);
    return MMN_CLI_DONE;
}

void mmn_cli_say_nonfinite(const mmn_model *model, const char *consequence)
{
    mmn_error first;
    char sentence[2400];
    if (mmn_model_nonfinite(model, &first) == 0)
        return;
    mmn_error_sentence(&first, sentence, sizeof(sentence));
    mmn_cli_message("%s; %s", sentence, consequence);
}
