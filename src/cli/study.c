/* What commands that make a result have in common; and the commands of the library's table of
 * studies, mmneuron NAME, which need nothing else. */
#include "cli/study.h"

static int run_on_model(const mmn_cli_study *study, const mmn_cli_call *call)
{
    mmn_cli_progress progress;
    mmn_result *result = NULL;
    mmn_error error;
    *study->progress = mmn_cli_progress_show;
    *study->progress_context = &progress;
    mmn_cli_work_begin(&progress, call->quiet);
    const mmn_status status = study->run(&result, call->model, study->request, &error);
    int code = mmn_cli_work_end(&progress, status, &error);
    if (status == MMN_OK)
        code = mmn_cli_give_result(call, result);
    mmn_result_free(result);
    return code;
}

int mmn_cli_run_study(mmn_cli_study *study, mmn_cli_call *call, const mmn_cli_option *options,
                      size_t count)
{
    MMN_CLI_TRY(mmn_cli_parse(call, options, count));
    if (study->list != NULL)
        *study->list = call->texts[1];
    if (study->check != NULL)
        MMN_CLI_TRY(study->check(call, study));
    if (study->list != NULL)
        mmn_cli_destination_source(call, MMN_SOURCE_LIST, *study->list);
    if (study->neurons != NULL)
        mmn_cli_destination_source(call, MMN_SOURCE_FILE, *study->neurons);
    mmn_cli_destination_source(call, MMN_SOURCE_MODEL, call->texts[0]);
    MMN_CLI_TRY(mmn_cli_destination_open(call, study->output, MMN_CLI_JSON, NULL));
    MMN_CLI_TRY(mmn_cli_open_model(call, &study->wishes));
    return run_on_model(study, call);
}

/* ---- Studies of the table -------------------------------------------------------------------- */

typedef struct study_request {
    const char *name;
    mmn_study_options options;
} study_request;

static mmn_status run(mmn_result **result, const mmn_model *model, void *context, mmn_error *error)
{
    const study_request *request = context;
    return mmn_study_run(result, model, request->name, &request->options, error);
}

static int run_command(mmn_cli_call *call)
{
    study_request request = {
        .name = call->command->name,
        .options = {.size = sizeof(mmn_study_options), .seeds = 5, .first_seed = 1}};
    mmn_study_options *asked = &request.options;
    mmn_cli_study study = {
        .request = &request, .run = run, MMN_CLI_ASKED_OF_LIST(asked), .neurons = &asked->neurons};
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "neurons", .value = "NEURONS.json", .kind = MMN_CLI_TEXT,
         .target = &asked->neurons, .needed = "the neurons to switch off",
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
        {.name = "seeds", .value = "N", .kind = MMN_CLI_U32, .target = &asked->seeds,
         .minimum = 0, .maximum = 31, .help = "compare with N choices of random neurons (5)"},
        {.name = "seed", .value = "N", .kind = MMN_CLI_WHOLE, .target = &asked->first_seed,
         .minimum = 0, .maximum = 1e15,
         .help = "the first choice's seed; the others follow (1)"},
        {.name = "batch", .value = "N", .kind = MMN_CLI_U32, .target = &asked->batch,
         .minimum = 1, .maximum = 1000,
         .help = "run a sample in N ways side by side (as many as need at most 2 GiB)"},
        MMN_CLI_STUDY_OF_LIST(asked, &study),
    };
    /* clang-format on */
    return mmn_cli_run_study(&study, call, options, sizeof options / sizeof options[0]);
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
