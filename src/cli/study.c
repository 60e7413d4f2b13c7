/* What commands that make a result have in common; and the commands of the library's table of
 * studies, mmneuron NAME, which need nothing else. */
#include "cli/study.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "cli/ranks.h"

/* What a shard ends with, which has no result. */
static int tell_shard(const mmn_cli_call *call, const mmn_rows_options *rows)
{
    if (call->json)
        return mmn_cli_print_json(json_pack("{s:s, s:I, s:I}", "rows", rows->file, "shard",
                                            (json_int_t)rows->shard, "shards",
                                            (json_int_t)rows->shards));
    mmn_cli_print("%s: the rows of shard %" PRIu32 "/%" PRIu32 "\n", rows->file, rows->shard,
                  rows->shards);
    return MMN_CLI_DONE;
}

static int run_study(const mmn_cli_study *study, const mmn_cli_call *call)
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
        code = result != NULL ? mmn_cli_give_result(call, result) : tell_shard(call, study->rows);
    if (code == MMN_CLI_DONE && study->picture != NULL)
        code = mmn_cli_picture_give(study->picture, result);
    mmn_result_free(result);
    return code;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* Of "mmneuron merge": what the command line of the parts said of outputs is of no matter. */
static void take_merging(mmn_cli_call *call, mmn_cli_study *study)
{
    const mmn_cli_merging *merging = call->merging;
    call->threads = merging->threads;
    call->simd = merging->simd;
    call->quiet = merging->quiet;
    call->json = merging->json;
    study->output = merging->output;
    study->rows_file = NULL;
    study->shard = (mmn_cli_shard){0, 0};
    study->rows->parts = merging->parts;
    study->rows->part_count = merging->part_count;
}

/* A shard's output is its rows, whichever option names them. */
static int take_shard(mmn_cli_call *call, mmn_cli_study *study)
{
    study->rows->shard = study->shard.index;
    study->rows->shards = study->shard.count;
    if ((study->output != NULL) == (study->rows_file != NULL))
        return mmn_cli_usage(call, "--shard needs one file for the rows that it makes: -o FILE");
    if (study->output != NULL)
        study->rows_file = study->output;
    study->output = NULL;
    if (strcmp(study->rows_file, "-") == 0)
        return mmn_cli_usage(call, "the rows of a shard go to a file, and not to standard output");
    return MMN_CLI_DONE;
}

/* Decides where rows are kept: beside the result, until there is one, unless another place is
 * named. */
static int choose_rows(mmn_cli_call *call, mmn_cli_study *study)
{
    mmn_error error;
    if (study->plan && mmn_cli_ranks() != NULL)
        return mmn_cli_usage(call, MMN_CLI_PLAN_IS_ALONE);
    if (study->plan) {
        *study->rows = (mmn_rows_options){
            .shard = study->shard.index, .shards = study->shard.count, .plan = 1};
        study->output = study->rows_file = NULL;
        return MMN_CLI_DONE;
    }
    study->rows->arguments = (const char *const *)call->argv;
    study->rows->argument_count = (size_t)call->argc;
    if (call->merging != NULL)
        take_merging(call, study);
    else if (study->shard.count > 0)
        MMN_CLI_TRY(take_shard(call, study));
    study->rows->file = study->rows_file;
    study->rows->ranks = mmn_cli_ranks();
    if (study->rows->ranks != NULL && study->shard.count > 0)
        return mmn_cli_usage(call, "--shard is for runs that do not know of each other, and these"
                                   " are processes of one, which divide the samples themselves");
    if (study->rows->ranks != NULL && study->rows_file == NULL &&
        (study->output == NULL || strcmp(study->output, "-") == 0))
        return mmn_cli_usage(call, "several processes put together what they find in a file, which"
                                   " -o FILE or --rows FILE must name");
    if (study->rows_file != NULL || study->output == NULL || strcmp(study->output, "-") == 0 ||
        call->merging != NULL)
        return MMN_CLI_DONE;
    if (mmn_count_state_file(&call->destination.state, study->output, &error) != MMN_OK)
        return mmn_cli_fail(&error);
    study->rows->file = call->destination.state;
    return MMN_CLI_DONE;
}

/* Takes the places of the result and of the rows, which may be one. */
static int open_destination(mmn_cli_call *call, const mmn_cli_study *study)
{
    const char *rows = study->rows != NULL ? study->rows->file : NULL;
    if (study->output != NULL || rows == NULL)
        return mmn_cli_destination_open(call, study->output, MMN_CLI_JSON, rows);
    MMN_CLI_TRY(mmn_cli_destination_open(call, rows, MMN_CLI_JSON, NULL));
    call->destination.path = NULL; /* of no result */
    return MMN_CLI_DONE;
}

static int open_and_run(mmn_cli_call *call, const mmn_cli_study *study)
{
    if (study->list != NULL)
        mmn_cli_destination_source(call, MMN_SOURCE_LIST, *study->list);
    if (study->neurons != NULL)
        mmn_cli_destination_source(call, MMN_SOURCE_FILE, *study->neurons);
    for (size_t i = 0; call->merging != NULL && i < call->merging->part_count; i++)
        mmn_cli_destination_source(call, MMN_SOURCE_FILE, call->merging->parts[i]);
    if (!study->without_model)
        mmn_cli_destination_source(call, MMN_SOURCE_MODEL, call->texts[0]);
    MMN_CLI_TRY(open_destination(call, study));
    if (study->picture != NULL)
        MMN_CLI_TRY(mmn_cli_picture_open(study->picture, call));
    MMN_CLI_TRY(
        study->without_model
            ? mmn_cli_ranks_ready(MMN_CLI_DONE, mmn_cli_ranks_threads(call->threads), call->quiet)
            : mmn_cli_open_model(call, &study->wishes));
    return run_study(study, call);
}

int mmn_cli_run_study(mmn_cli_study *study, mmn_cli_call *call, const mmn_cli_option *options,
                      size_t count)
{
    MMN_CLI_TRY(mmn_cli_parse(call, options, count));
    return mmn_cli_run_parsed_study(study, call);
}

int mmn_cli_run_parsed_study(mmn_cli_study *study, mmn_cli_call *call)
{
    if (study->list != NULL)
        *study->list = call->texts[mmn_cli_has_detector(call->command) ? 2 : 1];
    if (study->check != NULL)
        MMN_CLI_TRY(study->check(call, study));
    if (study->rows != NULL)
        MMN_CLI_TRY(choose_rows(call, study));
    return open_and_run(call, study);
}

int mmn_cli_study_claim(mmn_output **output, const mmn_cli_call *call, const char *path)
{
    const bool has_list = call->count > 1;
    const mmn_source sources[] = {{MMN_SOURCE_LIST, has_list ? call->texts[1] : NULL},
                                  {MMN_SOURCE_MODEL, call->texts[0]}};
    const mmn_cli_destination *given = &call->destination;
    char purpose[64];
    mmn_error error;
    snprintf(purpose, sizeof purpose, "mmneuron %s", call->command->name);
    const mmn_output_options options = {
        .size = sizeof options,
        .purpose = purpose,
        .sources = has_list ? sources : given->sources,
        .source_count = has_list ? sizeof sources / sizeof sources[0] : given->source_count};
    if (mmn_cli_ranks_follow())
        return MMN_CLI_DONE;
    return mmn_output_claim(output, path, &options, &error) == MMN_OK ? MMN_CLI_DONE
                                                                      : mmn_cli_fail(&error);
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
    const int optional = !mmn_study_needs_neurons(request.name);
    mmn_cli_study study = {
        .request = &request, .run = run, MMN_CLI_ASKED_OF_LIST(asked), .neurons = &asked->neurons};
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "neurons", .value = "NEURONS.json", .kind = MMN_CLI_TEXT,
         .target = &asked->neurons, .needed = "the neurons to switch off", .unless = &optional,
         .help = "the neurons to switch off, as \"mmneuron rank -o\" writes them, or counts, which are"
                 " ranked for each setting"},
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &study.output, .help = "write everything to FILE (JSON; - is standard output)"},
        {.name = "settings", .value = "SETTINGS", .kind = MMN_CLI_TEXT,
         .target = &asked->settings,
         .help = "which modules' neurons to switch off: modules joined by \"+\", or \"all\";"
                 " several, separated by commas; of counts, at a rate and bar: all@0.05/0.9"
                 " (those of the paper; of a sweep five rates)"},
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
         .help = "run a sample in N ways side by side (as many as half of the"
                 " memory that is left takes)"},
        MMN_CLI_STUDY_OF_LIST(asked, &study),
    };
    /* clang-format on */
    return mmn_cli_run_study(&study, call, options, sizeof options / sizeof options[0]);
}

bool mmn_cli_study_command(mmn_cli_command *command, size_t number)
{
    *command = (mmn_cli_command){.minimum = 2, .maximum = 2, .run = run_command, .has_rows = true};
    command->name = mmn_study_name(number, &command->summary);
    command->arguments = mmn_study_needs_neurons(command->name)
                             ? "MODEL DATA.jsonl --neurons NEURONS.json"
                             : "MODEL DATA.jsonl [--neurons NEURONS.json]";
    return command->name != NULL;
}
