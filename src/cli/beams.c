/* The options of decoding, which the commands that answer questions share. */
#include "cli/beams.h"

#include <string.h>

#include "cli/output.h"

static const char *const hows[] = {"false", "true", "never"};

/* The number of a way to stop; 3: there is none of this name. */
static size_t find_how(const char *name)
{
    size_t how = 0;
    while (how < 3 && strcmp(hows[how], name) != 0)
        how++;
    return how;
}

int mmn_cli_beams_check(const mmn_cli_command *command, const mmn_cli_beams *beams,
                        double temperature)
{
    if (beams->early_stopping != NULL && find_how(beams->early_stopping) == 3)
        return mmn_cli_usage(command->name, "--early-stopping is true, false or never");
    if (beams->count > 1 && temperature != 0)
        return mmn_cli_usage(command->name, "--num-beams does not go with --temperature");
    return MMN_CLI_DONE;
}

bool mmn_cli_beams_given(const mmn_cli_beams *beams)
{
    return beams->count > 0 || beams->length_penalty <= 100 || beams->early_stopping != NULL;
}

mmn_beam_search mmn_cli_beams_search(const mmn_cli_beams *beams, const mmn_model *model)
{
    mmn_beam_search search = mmn_model_describe(model)->generation.beam_search;
    if (beams->count > 0)
        search.beams = (uint32_t)beams->count;
    if (beams->length_penalty <= 100)
        search.length_penalty = beams->length_penalty;
    if (beams->early_stopping != NULL)
        search.early_stopping = (mmn_early_stopping)find_how(beams->early_stopping);
    return search;
}
