/* mmneuron perturb: how far switching neurons off moves the hidden states. */
#include "cli/study.h"

static mmn_status run(mmn_result **result, const mmn_model *model, void *request,
                      mmn_cli_progress *progress, mmn_error *error)
{
    mmn_perturb_options *options = request;
    options->progress = mmn_cli_progress_show;
    options->progress_context = progress;
    return mmn_perturb(result, model, options, error);
}

int mmn_cli_perturb(const mmn_cli_command *command, int argc, char **argv)
{
    mmn_perturb_options perturb_options = {.first_seed = 1};
    mmn_cli_study study = {.request = &perturb_options, .run = run};
    const mmn_cli_option options[] = {
        {.name = "neurons", .value = "NEURONS.json", .kind = MMN_CLI_TEXT,
         .target = &perturb_options.ranking,
         .help = "the neurons to switch off, as \"mmneuron rank -o\" writes them"},
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &study.output, .help = "write all curves to FILE (JSON; - is standard output)"},
        {.name = "settings", .value = "SETTINGS", .kind = MMN_CLI_TEXT,
         .target = &perturb_options.settings,
         .help = "which modules' neurons to switch off: modules joined by \"+\", or \"all\";"
                 " several, separated by commas (those of the paper)"},
        {.name = "samples", .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &perturb_options.samples, .minimum = 1,
         .help = "the first N samples of each domain (all)"},
        {.name = "seeds", .value = "N", .kind = MMN_CLI_WHOLE, .target = &perturb_options.seeds,
         .minimum = 1, .maximum = 1e4, .help = "compare with N choices of random neurons (5)"},
        {.name = "seed", .former = "first-seed", .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &perturb_options.first_seed, .minimum = 0, .maximum = 1e15,
         .help = "the first choice's seed; the others follow (1)"},
        MMN_CLI_STUDY_OF_LIST(&perturb_options, &study),
    };
    mmn_cli_arguments arguments;
    int code;
    if (!mmn_cli_parse(command, options, sizeof options / sizeof options[0], argc, argv,
                       &arguments, &code))
        return code;
    if (perturb_options.ranking == NULL) {
        code = mmn_cli_usage(command->name, "--neurons is missing: the neurons to switch off");
        goto done;
    }
    perturb_options.list = arguments.texts[1];
    mmn_cli_destination_source(&study.destination, MMN_SOURCE_LIST, perturb_options.list);
    mmn_cli_destination_source(&study.destination, MMN_SOURCE_FILE, perturb_options.ranking);
    code = mmn_cli_run_study(&study, command, &arguments);
done:
    mmn_cli_free(arguments.texts);
    return code;
}
