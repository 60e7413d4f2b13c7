/* mmneuron perturb: how far switching neurons off moves the hidden states. */
#include "cli/study.h"

static mmn_status run(mmn_result **result, const mmn_model *model, void *request, mmn_error *error)
{
    return mmn_perturb(result, model, request, error);
}

int mmn_cli_perturb(mmn_cli_call *call)
{
    mmn_perturb_options asked = {.size = sizeof(asked), .first_seed = 1};
    mmn_cli_study study = {
        .request = &asked, .run = run, MMN_CLI_ASKED_OF_LIST(&asked), .neurons = &asked.neurons};
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "neurons", .value = "NEURONS.json", .kind = MMN_CLI_TEXT,
         .target = &asked.neurons, .needed = "the neurons to switch off",
         .help = "the neurons to switch off, as \"mmneuron rank -o\" writes them"},
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &study.output, .help = "write all curves to FILE (JSON; - is standard output)"},
        {.name = "settings", .value = "SETTINGS", .kind = MMN_CLI_TEXT,
         .target = &asked.settings,
         .help = "which modules' neurons to switch off: modules joined by \"+\", or \"all\";"
                 " several, separated by commas (those of the paper)"},
        {.name = "samples", .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &asked.samples, .minimum = 1,
         .help = "the first N samples of each domain (all)"},
        {.name = "seeds", .value = "N", .kind = MMN_CLI_WHOLE, .target = &asked.seeds,
         .minimum = 1, .maximum = 1e4, .help = "compare with N choices of random neurons (5)"},
        {.name = "seed", .former = "first-seed", .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &asked.first_seed, .minimum = 0, .maximum = 1e15,
         .help = "the first choice's seed; the others follow (1)"},
        MMN_CLI_STUDY_OF_LIST(&asked, &study),
    };
    /* clang-format on */
    return mmn_cli_run_study(&study, call, options, sizeof options / sizeof options[0]);
}
