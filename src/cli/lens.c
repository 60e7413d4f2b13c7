/* mmneuron lens: reads the states of every layer as words. */
#include "cli/command.h"
#include "cli/destination.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/work.h"

static int give_result(const mmn_lens *lens, const mmn_cli_destination *destination,
                       const mmn_cli_arguments *arguments)
{
    mmn_cli_result result = {0};
    if (destination->path != NULL)
        result.written = mmn_lens_write(lens, destination->path, &result.write_error);
    result.made = mmn_lens_json(lens, &result.json, &result.error);
    if (result.made == MMN_OK)
        result.made = mmn_lens_table(lens, &result.table, &result.error);
    return mmn_cli_give_result(&result, destination, arguments);
}

static int run_lens(const mmn_model *model, mmn_lens_options *options,
                    const mmn_cli_destination *destination,
                    const mmn_cli_arguments *arguments)
{
    mmn_cli_progress progress;
    mmn_lens *lens;
    mmn_error error;
    options->progress = mmn_cli_progress_show;
    options->progress_context = &progress;
    mmn_cli_work_begin(&progress, arguments->quiet);
    mmn_status status = mmn_lens_run(&lens, model, options, &error);
    int code = mmn_cli_work_end(&progress, status, &error);
    if (status == MMN_OK) {
        code = give_result(lens, destination, arguments);
        mmn_lens_free(lens);
    }
    return code;
}

int mmn_cli_lens(const mmn_cli_command *command, int argc, char **argv)
{
    mmn_lens_options lens_options = {0};
    const char *output = NULL;
    mmn_resize_order order = MMN_RESIZE_HORIZONTAL_FIRST;
    int allow_nonfinite = 0;
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &output, .help = "write everything to FILE (JSON; - is standard output)"},
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
        {.name = "mask", .value = "NEURONS.json", .kind = MMN_CLI_TEXT,
         .target = &lens_options.ranking,
         .help = "switch neurons off that \"mmneuron rank\" found"},
        {.name = "domain", .value = "NAME", .kind = MMN_CLI_TEXT,
         .target = &lens_options.off_domain,
         .help = "with --mask: those of this domain (of each sample's own)"},
        {.name = "setting", .value = "MODULES", .kind = MMN_CLI_TEXT,
         .target = &lens_options.off_setting,
         .help = "with --mask: those of these modules, joined by \"+\" (all)"},
        MMN_CLI_ALLOW_UNKNOWN_KEYS(&lens_options.allow_unknown_keys),
        MMN_CLI_ALLOW_LONG_PROMPTS(&lens_options.allow_long_prompts),
        MMN_CLI_OTHER_MODEL(&lens_options.other_model),
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
    if (lens_options.ranking == NULL &&
        (lens_options.off_domain != NULL || lens_options.off_setting != NULL)) {
        code = mmn_cli_usage(command->name, "--domain and --setting are for --mask");
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
    mmn_cli_destination_source(&destination, MMN_SOURCE_MODEL, arguments.texts[0]);
    mmn_cli_destination_source(&destination, MMN_SOURCE_LIST, arguments.texts[1]);
    mmn_cli_destination_source(&destination, MMN_SOURCE_FILE, lens_options.ranking);
    code = mmn_cli_destination_open(&destination, command, output, MMN_CLI_JSON, NULL);
    if (code == MMN_CLI_DONE)
        code = mmn_cli_open_model(&model, arguments.texts[0], &arguments,
                                  &(mmn_model_options){.resize_order = order,
                                                       .allow_nonfinite = allow_nonfinite});
    if (code == MMN_CLI_DONE)
        code = run_lens(model, &lens_options, &destination, &arguments);
done:
    mmn_cli_destination_close(&destination);
    mmn_model_close(model);
    mmn_cli_free(arguments.texts);
    return code;
}
