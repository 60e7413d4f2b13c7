/* The options of beam search, which the commands that answer questions share. */
#include "cli/beams.h"

#include <string.h>

#include "cli/output.h"

int mmn_cli_beams_read(mmn_beam_search *search, const mmn_cli_command *command,
                       const mmn_cli_beams *beams, double temperature)
{
    static const char *const names[] = {"false", "true", "never"};
    size_t how = 0;
    while (how < 3 && strcmp(names[how], beams->early_stopping) != 0)
        how++;
    if (how == 3)
        return mmn_cli_usage(command->name, "--early-stopping is true, false or never");
    if (beams->count > 1 && temperature != 0)
        return mmn_cli_usage(command->name, "--num-beams does not go with --temperature");
    *search = (mmn_beam_search){.beams = (uint32_t)beams->count,
                                .length_penalty = beams->length_penalty,
                                .early_stopping = (mmn_early_stopping)how};
    return MMN_CLI_DONE;
}
