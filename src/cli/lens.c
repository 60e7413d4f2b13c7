/* mmneuron lens: reads the states of every layer as words. */
#include "cli/study.h"

static mmn_status run(mmn_result **result, const mmn_model *model, void *request, mmn_error *error)
{
    return mmn_lens_run(result, model, request, error);
}

static int check(mmn_cli_call *call, mmn_cli_study *study)
{
    const mmn_lens_options *asked = study->request;
    if (asked->neurons == NULL && (asked->off_domain != NULL || asked->off_setting != NULL))
        return mmn_cli_usage(call, "--off and --settings are for --neurons");
    if (asked->positions != NULL && asked->examples == 0)
        return mmn_cli_usage(call, "--positions is for --examples");
    if (asked->neuron != NULL && asked->examples == 0)
        return mmn_cli_usage(call, "--neuron is for --examples");
    if (asked->nearest > 0 && asked->examples == 0)
        return mmn_cli_usage(call, "--nearest is for --examples");
    return MMN_CLI_DONE;
}

int mmn_cli_lens(mmn_cli_call *call)
{
    mmn_lens_options asked = {.size = sizeof(asked)};
    mmn_cli_study study = {.request = &asked,
                           .run = run,
                           .check = check,
                           MMN_CLI_ASKED_OF_LIST(&asked),
                           .neurons = &asked.neurons};
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &study.output, .help = "write everything to FILE (JSON; - is standard output)"},
        {.name = "stages", .value = "STAGES", .kind = MMN_CLI_TEXT, .target = &asked.stages,
         .help = "what to read of each layer: out, attn.out, mid, mlp.out, separated by commas"
                 " (out)"},
        {.name = "samples", .value = "N", .kind = MMN_CLI_WHOLE, .target = &asked.samples,
         .minimum = 1, .help = "the first N samples of each domain (all)"},
        {.name = "top", .value = "K", .kind = MMN_CLI_WHOLE, .target = &asked.top,
         .minimum = 1, .maximum = 1000, .help = "keep K words of each layer (5)"},
        {.name = "examples", .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &asked.examples, .minimum = 0, .maximum = 1e6,
         .help = "keep positions of the first N samples of each domain in full (0)"},
        {.name = "positions", .value = "WHICH", .kind = MMN_CLI_TEXT,
         .target = &asked.positions,
         .help = "with --examples: last, all, numbers, image:K, text:K, separated by commas"
                 " (last)"},
        {.name = "neuron", .value = "NAME", .kind = MMN_CLI_TEXT, .target = &asked.neuron,
         .help = "with --examples: the activation of neuron MODULE:LAYER:NEURON at the patches of"
                 " the first picture"},
        {.name = "nearest", .value = "K", .kind = MMN_CLI_WHOLE, .target = &asked.nearest,
         .maximum = 1000,
         .help = "with --examples: the K words whose embeddings are nearest to each image token"
                 " before the first layer (0)"},
        {.name = "neurons", .former = "mask", .value = "NEURONS.json", .kind = MMN_CLI_TEXT,
         .target = &asked.neurons,
         .help = "switch neurons off that \"mmneuron rank\" found"},
        {.name = "off", .former = "domain", .value = "NAME", .kind = MMN_CLI_TEXT,
         .target = &asked.off_domain,
         .help = "with --neurons: those of this domain (of each sample's own)"},
        {.name = "settings", .former = "setting", .value = "MODULES", .kind = MMN_CLI_TEXT,
         .target = &asked.off_setting,
         .help = "with --neurons: those of these modules, joined by \"+\" (all)"},
        MMN_CLI_STUDY_OF_LIST(&asked, &study),
    };
    /* clang-format on */
    return mmn_cli_run_study(&study, call, options, sizeof options / sizeof options[0]);
}
