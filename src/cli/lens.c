/* mmneuron lens: reads the states of every layer as words. */
#include "cli/study.h"

static mmn_status run(mmn_result **result, const mmn_model *model, void *request,
                      mmn_cli_progress *progress, mmn_error *error)
{
    mmn_lens_options *options = request;
    options->progress = mmn_cli_progress_show;
    options->progress_context = progress;
    return mmn_lens_run(result, model, options, error);
}

int mmn_cli_lens(const mmn_cli_command *command, int argc, char **argv)
{
    mmn_lens_options lens_options = {0};
    mmn_cli_study study = {.request = &lens_options, .run = run};
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &study.output, .help = "write everything to FILE (JSON; - is standard output)"},
        {.name = "stages", .value = "STAGES", .kind = MMN_CLI_TEXT, .target = &lens_options.stages,
         .help = "what to read of each layer: out, attn.out, mid, mlp.out, separated by commas"
                 " (out)"},
        {.name = "samples", .value = "N", .kind = MMN_CLI_WHOLE, .target = &lens_options.samples,
         .minimum = 1, .help = "the first N samples of each domain (all)"},
        {.name = "top", .value = "K", .kind = MMN_CLI_WHOLE, .target = &lens_options.top,
         .minimum = 1, .maximum = 1000, .help = "keep K words of each layer (5)"},
        {.name = "examples", .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &lens_options.examples, .minimum = 0, .maximum = 1e6,
         .help = "keep positions of the first N samples of each domain in full (0)"},
        {.name = "positions", .value = "WHICH", .kind = MMN_CLI_TEXT,
         .target = &lens_options.positions,
         .help = "with --examples: last, all, numbers, image:K, text:K, separated by commas"
                 " (last)"},
        {.name = "neuron", .value = "NAME", .kind = MMN_CLI_TEXT, .target = &lens_options.neuron,
         .help = "with --examples: the activation of neuron MODULE:LAYER:NEURON at the patches of"
                 " the first picture"},
        {.name = "neurons", .former = "mask", .value = "NEURONS.json", .kind = MMN_CLI_TEXT,
         .target = &lens_options.ranking,
         .help = "switch neurons off that \"mmneuron rank\" found"},
        {.name = "off", .former = "domain", .value = "NAME", .kind = MMN_CLI_TEXT,
         .target = &lens_options.off_domain,
         .help = "with --neurons: those of this domain (of each sample's own)"},
        {.name = "settings", .former = "setting", .value = "MODULES", .kind = MMN_CLI_TEXT,
         .target = &lens_options.off_setting,
         .help = "with --neurons: those of these modules, joined by \"+\" (all)"},
        MMN_CLI_STUDY_OF_LIST(&lens_options, &study),
    };
    mmn_cli_arguments arguments;
    int code;
    if (!mmn_cli_parse(command, options, sizeof options / sizeof options[0], argc, argv,
                       &arguments, &code))
        return code;
    if (lens_options.ranking == NULL &&
        (lens_options.off_domain != NULL || lens_options.off_setting != NULL)) {
        code = mmn_cli_usage(command->name, "--off and --settings are for --neurons");
        goto done;
    }
    if (lens_options.positions != NULL && lens_options.examples == 0) {
        code = mmn_cli_usage(command->name, "--positions is for --examples");
        goto done;
    }
    if (lens_options.neuron != NULL && lens_options.examples == 0) {
        code = mmn_cli_usage(command->name, "--neuron is for --examples");
        goto done;
    }
    lens_options.list = arguments.texts[1];
    mmn_cli_destination_source(&study.destination, MMN_SOURCE_LIST, lens_options.list);
    mmn_cli_destination_source(&study.destination, MMN_SOURCE_FILE, lens_options.ranking);
    code = mmn_cli_run_study(&study, command, &arguments);
done:
    mmn_cli_free(arguments.texts);
    return code;
}
