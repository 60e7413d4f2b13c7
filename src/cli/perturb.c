/* mmneuron perturb: how far switching neurons off moves the hidden states. */
#include "cli/command.h"
#include "cli/destination.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/work.h"

static int give_result(const mmn_perturbation *perturbation, const mmn_cli_destination *destination,
                       const mmn_cli_arguments *arguments)
{
    mmn_cli_result result = {0};
    if (destination->path != NULL)
        result.written = mmn_perturbation_write(perturbation, destination->path, &result.write_error);
    result.made = mmn_perturbation_json(perturbation, &result.json, &result.error);
    if (result.made == MMN_OK)
        result.made = mmn_perturbation_table(perturbation, &result.table, &result.error);
    return mmn_cli_give_result(&result, destination, arguments);
}

static int run_perturb(const mmn_model *model, mmn_perturb_options *options,
                       const mmn_cli_destination *destination,
                       const mmn_cli_arguments *arguments)
{
    mmn_cli_progress progress;
    mmn_perturbation *perturbation;
    mmn_error error;
    options->progress = mmn_cli_progress_show;
    options->progress_context = &progress;
    mmn_cli_work_begin(&progress, arguments->quiet);
    mmn_status status = mmn_perturb(&perturbation, model, options, &error);
    int code = mmn_cli_work_end(&progress, status, &error);
    if (status == MMN_OK) {
        code = give_result(perturbation, destination, arguments);
        mmn_perturbation_free(perturbation);
    }
    return code;
}

int mmn_cli_perturb(const mmn_cli_command *command, int argc, char **argv)
{
    mmn_perturb_options perturb_options = {.first_seed = 1};
    const char *output = NULL;
    mmn_resize_order order = MMN_RESIZE_HORIZONTAL_FIRST;
    int allow_nonfinite = 0;
    const mmn_cli_option options[] = {
        {.name = "neurons", .value = "NEURONS.json", .kind = MMN_CLI_TEXT,
         .target = &perturb_options.ranking,
         .help = "the neurons to switch off, as \"mmneuron rank -o\" writes them"},
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &output, .help = "write all curves to FILE (JSON; - is standard output)"},
        {.name = "settings", .value = "SETTINGS", .kind = MMN_CLI_TEXT,
         .target = &perturb_options.settings,
         .help = "which modules' neurons to switch off: modules joined by \"+\", or \"all\";"
                 " several, separated by commas (those of the paper)"},
        {.name = "samples", .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &perturb_options.samples, .minimum = 1,
         .help = "the first N samples of each domain (all)"},
        {.name = "seeds", .value = "N", .kind = MMN_CLI_WHOLE, .target = &perturb_options.seeds,
         .minimum = 1, .maximum = 1e4, .help = "compare with N choices of random neurons (5)"},
        {.name = "first-seed", .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &perturb_options.first_seed, .minimum = 0, .maximum = 1e15,
         .help = "the first choice's seed; the others follow (1)"},
        MMN_CLI_ALLOW_UNKNOWN_KEYS(&perturb_options.allow_unknown_keys),
        MMN_CLI_ALLOW_LONG_PROMPTS(&perturb_options.allow_long_prompts),
        MMN_CLI_OTHER_MODEL(&perturb_options.other_model),
        MMN_CLI_RESIZE_ORDER(&order),
        MMN_CLI_ALLOW_NONFINITE(&allow_nonfinite),
    };
    mmn_cli_arguments arguments;
    mmn_cli_destination destination = {0};
    mmn_model *model = NULL;
    int code;
    if (!mmn_cli_parse(command, options, sizeof options / sizeof options[0], argc, argv,
                       &arguments, &code))
        return code;
    if (perturb_options.ranking == NULL) {
        code = mmn_cli_usage(command->name, "--neurons is missing: the neurons to switch off");
        goto done;
    }
    perturb_options.list = arguments.texts[1];
    mmn_cli_destination_source(&destination, MMN_SOURCE_MODEL, arguments.texts[0]);
    mmn_cli_destination_source(&destination, MMN_SOURCE_LIST, arguments.texts[1]);
    mmn_cli_destination_source(&destination, MMN_SOURCE_FILE, perturb_options.ranking);
    code = mmn_cli_destination_open(&destination, command, output, MMN_CLI_JSON, NULL);
    if (code == MMN_CLI_DONE)
        code = mmn_cli_open_model(&model, arguments.texts[0], &arguments,
                                  &(mmn_model_options){.resize_order = order,
                                                       .allow_nonfinite = allow_nonfinite});
    if (code == MMN_CLI_DONE)
        code = run_perturb(model, &perturb_options, &destination, &arguments);
done:
    mmn_cli_destination_close(&destination);
    mmn_model_close(model);
    mmn_cli_free(arguments.texts);
    return code;
}
