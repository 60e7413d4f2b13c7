/* Commands of the library's table of studies: mmneuron NAME, for each of its names. */
#include <string.h>

#include "cli/study.h"

typedef struct study_request {
    const char *name;
    mmn_study_options options;
} study_request;

static mmn_status run(mmn_result **result, const mmn_model *model, void *context,
                      mmn_cli_progress *progress, mmn_error *error)
{
    study_request *request = context;
    request->options.progress = mmn_cli_progress_show;
    request->options.progress_context = progress;
    return mmn_study_run(result, model, request->name, &request->options, error);
}

static int run_command(const mmn_cli_command *command, int argc, char **argv)
{
    study_request request = {.name = command->name, .options = {.first_seed = 1}};
    mmn_study_options *asked = &request.options;
    mmn_cli_study study = {.request = &request, .run = run};
    uint64_t seeds = 5, batch = 0;
    const mmn_cli_option options[] = {
        {.name = "neurons", .value = "NEURONS.json", .kind = MMN_CLI_TEXT,
         .target = &asked->neurons,
         .help = "the neurons to switch off, as \"mmneuron rank -o\" writes them"},
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &study.output, .help = "write everything to FILE (JSON; - is standard output)"},
        {.name = "settings", .value = "SETTINGS", .kind = MMN_CLI_TEXT,
         .target = &asked->settings,
         .help = "which modules' neurons to switch off: modules joined by \"+\", or \"all\";"
                 " several, separated by commas (those of the paper)"},
        {.name = "samples", .value = "N", .kind = MMN_CLI_WHOLE, .target = &asked->samples,
         .minimum = 1, .help = "the first N samples of each domain, or windows of its texts (all)"},
        {.name = "window", .value = "N", .kind = MMN_CLI_WHOLE, .target = &asked->window,
         .minimum = 1, .maximum = 1e6,
         .help = "cut texts into windows of N positions (what the model was made for, at most"
                 " 4096)"},
        {.name = "bos", .kind = MMN_CLI_FLAG, .target = &asked->begin_of_text,
         .help = "begin each window of texts with the token that begins a text"},
        {.name = "seeds", .value = "N", .kind = MMN_CLI_WHOLE, .target = &seeds, .minimum = 0,
         .maximum = 31, .help = "compare with N choices of random neurons (5)"},
        {.name = "seed", .value = "N", .kind = MMN_CLI_WHOLE, .target = &asked->first_seed,
         .minimum = 0, .maximum = 1e15,
         .help = "the first choice's seed; the others follow (1)"},
        {.name = "batch", .value = "N", .kind = MMN_CLI_WHOLE, .target = &batch, .minimum = 1,
         .maximum = 1000,
         .help = "run a sample in N ways side by side (as many as need at most 2 GiB)"},
        MMN_CLI_STUDY_OF_LIST(asked, &study),
    };
    mmn_cli_arguments arguments;
    int code;
    if (!mmn_cli_parse(command, options, sizeof options / sizeof options[0], argc, argv,
                       &arguments, &code))
        return code;
    if (asked->neurons == NULL) {
        code = mmn_cli_usage(command->name, "--neurons is missing: the neurons to switch off");
        goto done;
    }
    asked->list = arguments.texts[1];
    asked->seeds = (uint32_t)seeds;
    asked->batch = (uint32_t)batch;
    mmn_cli_destination_source(&study.destination, MMN_SOURCE_LIST, asked->list);
    mmn_cli_destination_source(&study.destination, MMN_SOURCE_FILE, asked->neurons);
    code = mmn_cli_run_study(&study, command, &arguments);
done:
    mmn_cli_free(arguments.texts);
    return code;
}

bool mmn_cli_study_command(mmn_cli_command *command, size_t number)
{
    *command = (mmn_cli_command){.arguments = "MODEL DATA.jsonl --neurons NEURONS.json",
                                 .minimum = 2,
                                 .maximum = 2,
                                 .run = run_command};
    command->name = mmn_study_name(number, &command->summary);
    return command->name != NULL;
}
