/* mmneuron count: counts how often each neuron is active in each domain of a list. */
#include <inttypes.h>
#include <string.h>

#include "cli/command.h"
#include "cli/destination.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/ranks.h"
#include "cli/signals.h"

/* What the library's functions call back with. */
typedef struct count_watch {
    mmn_cli_progress progress;
    bool quiet;
    json_t *skipped; /* the sentences about skipped samples, for --json; else NULL */
} count_watch;

static int show_progress(void *context, const mmn_progress *state)
{
    count_watch *watch = context;
    return mmn_cli_progress_show(&watch->progress, state);
}

/* Lists a skipped sample at once: a long run may end otherwise. */
static void list_skipped(void *context, const mmn_error *error)
{
    count_watch *watch = context;
    char sentence[2400];
    mmn_error_sentence(error, sentence, sizeof(sentence));
    if (watch->skipped != NULL)
        json_array_append_new(watch->skipped, json_string(sentence));
    if (watch->quiet)
        return;
    mmn_cli_progress_clear(&watch->progress);
    mmn_cli_message("skipped: %s", sentence);
}

static int give_result(mmn_cli_call *call, const mmn_count_summary *summary, json_t *skipped)
{
    const char *output = call->destination.path;
    if (summary->nonfinite > 0)
        mmn_cli_message("in %" PRIu64 " of %" PRIu64 " samples numbers were infinite or NaN; the"
                        " counts are marked, and \"mmneuron rank\" refuses them",
                        summary->nonfinite, summary->samples);
    if (call->destination.standard)
        return mmn_cli_destination_send(call);
    if (skipped != NULL)
        return mmn_cli_print_json(json_pack(
            "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:O}", "output", output, "samples",
            (json_int_t)summary->samples, "skipped", (json_int_t)summary->skipped, "resumed",
            (json_int_t)summary->resumed, "positions", (json_int_t)summary->positions, "window",
            (json_int_t)summary->window, "nonfinite", (json_int_t)summary->nonfinite, "seconds",
            summary->seconds, "skipped_samples", skipped));
    if (summary->window > 0)
        mmn_cli_print("%s: %" PRIu64 " windows of %" PRIu64 " positions counted\n", output,
                      summary->samples, summary->window);
    else
        mmn_cli_print("%s: %" PRIu64 " samples counted, %" PRIu64 " skipped\n", output,
                      summary->samples, summary->skipped);
    return MMN_CLI_DONE;
}

/* Says what became of work that was interrupted. */
static int end_interrupted(const mmn_cli_destination *destination, const mmn_error *error)
{
    if (!destination->standard)
        return mmn_cli_fail(error);
    mmn_cli_message("interrupted; of counts for standard output nothing is kept");
    return mmn_cli_interrupt_code();
}

static int run_count(mmn_cli_call *call, mmn_count_options *options)
{
    count_watch watch = {.quiet = call->quiet, .skipped = call->json ? json_array() : NULL};
    mmn_count_summary summary;
    mmn_error error;
    int code;
    options->output = call->destination.path;
    options->progress = show_progress;
    options->progress_context = &watch;
    options->skipped = list_skipped;
    mmn_cli_work_begin(&watch.progress, call->quiet);
    mmn_status status = mmn_count(call->model, options, &summary, &error);
    mmn_cli_progress_clear(&watch.progress);
    if (status == MMN_OK)
        code = give_result(call, &summary, watch.skipped);
    else if (status == MMN_INTERRUPTED)
        code = end_interrupted(&call->destination, &error);
    else
        code = mmn_cli_fail(&error);
    json_decref(watch.skipped);
    return code;
}

static int run_plan(mmn_cli_call *call, const mmn_count_options *options)
{
    mmn_cli_progress progress;
    mmn_result *result = NULL;
    mmn_error error;
    mmn_cli_work_begin(&progress, call->quiet);
    const mmn_status status = mmn_count_plan(&result, call->model, options, &error);
    int code = mmn_cli_work_end(&progress, status, &error);
    if (status == MMN_OK)
        code = mmn_cli_give_result(call, result);
    mmn_result_free(result);
    return code;
}

/* Takes the output and the state file beside it. */
static int open_destination(mmn_cli_call *call, const char *output)
{
    mmn_error error;
    char *state;
    if (mmn_count_state_file(&state, output, &error) != MMN_OK)
        return mmn_cli_fail(&error);
    mmn_cli_destination_source(call, MMN_SOURCE_MODEL, call->texts[0]);
    mmn_cli_destination_source(call, MMN_SOURCE_LIST, call->texts[1]);
    const int code = mmn_cli_destination_open(call, output, MMN_CLI_BINARY, state);
    mmn_release(state);
    return code;
}

int mmn_cli_count(mmn_cli_call *call)
{
    mmn_count_options count_options = {.size = sizeof(count_options)};
    mmn_cli_modules modules = {{0}};
    mmn_cli_modules positions_module = {{0}};
    mmn_cli_shard shard = {0, 0};
    int plan = 0;
    mmn_model_options wishes = {.size = sizeof(wishes)};
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &count_options.output, .needed = "the file that receives the counts",
         .unless = &plan,
         .help = "where to write the counts (- is standard output); the state of an unfinished run"
                 " is in FILE.state"},
        {.name = "samples", .value = "N", .kind = MMN_CLI_WHOLE, .target = &count_options.samples,
         .minimum = 1,
         .help = "count the first N samples of each domain, or windows of its texts (all)"},
        {.name = "window", .value = "N", .kind = MMN_CLI_WHOLE, .target = &count_options.window,
         .minimum = 1, .maximum = 1 << 20,
         .help = "cut texts into windows of N positions (what the model was made for, at most"
                 " 4096)"},
        {.name = "bos", .kind = MMN_CLI_FLAG, .target = &count_options.begin_of_text,
         .help = "begin each window of texts with the token that begins a text"},
        {.name = "magnitudes", .kind = MMN_CLI_FLAG, .target = &count_options.magnitudes,
         .help = "sum absolute values, too, which \"mmneuron rank --by value-entropy\" needs"},
        {.name = "positions", .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &count_options.positions, .minimum = 1,
         .help = "stop each domain after N positions of the module of --positions-module"},
        {.name = "positions-module", .value = "NAME", .kind = MMN_CLI_MODULES,
         .target = &positions_module,
         .help = "the module that --positions goes by (the model's first; of texts, the"
                 " first counted)"},
        {.name = "modules", .value = "NAMES", .kind = MMN_CLI_MODULES, .target = &modules,
         .help = "count these modules only: vision, projector, qformer, query, language, separated"
                 " by commas (all that the model has)"},
        {.name = "shard", .value = "I/N", .kind = MMN_CLI_SHARD, .target = &shard,
         .help = "do the I-th of N parts of the work; \"mmneuron merge\" adds the parts"},
        {.name = "skip-bad", .kind = MMN_CLI_FLAG, .target = &count_options.skip_bad,
         .help = "skip and list samples that cannot be read, instead of stopping at the first"},
        {.name = "batch", .value = "N", .kind = MMN_CLI_U32, .target = &count_options.batch,
         .minimum = 1, .maximum = 1e6,
         .help = "run up to N short samples together, which is faster and counts the same (16)"},
        {.name = "stop-after", .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &count_options.stop_after, .minimum = 1,
         .help = "stop after N samples as Ctrl-C would, to go on another time"},
        MMN_CLI_PLAN(&plan),
        MMN_CLI_ALLOW_UNKNOWN_KEYS(&count_options.allow_unknown_keys),
        MMN_CLI_ALLOW_LONG_PROMPTS(&count_options.allow_long_prompts),
        MMN_CLI_RESIZE_ORDER(&wishes.resize_order),
        MMN_CLI_ALLOW_NONFINITE(&wishes.allow_nonfinite),
    };
    /* clang-format on */
    MMN_CLI_TRY(mmn_cli_parse(call, options, sizeof options / sizeof options[0]));
    count_options.list = call->texts[1];
    count_options.modules = modules.names[0] != '\0' ? modules.names : NULL;
    count_options.positions_module = positions_module.names[0] != '\0' ? positions_module.names
                                                                       : NULL;
    count_options.shard = shard.index;
    count_options.shards = shard.count;
    count_options.ranks = mmn_cli_ranks();
    if (count_options.ranks != NULL && (shard.count > 0 || count_options.stop_after > 0))
        return mmn_cli_usage(call, "several processes divide all samples among themselves, and do"
                                   " neither a --shard nor --stop-after");
    if (strchr(positions_module.names, ',') != NULL)
        return mmn_cli_usage(call, "--positions-module takes one module, not several");
    if (plan && count_options.ranks != NULL)
        return mmn_cli_usage(call, MMN_CLI_PLAN_IS_ALONE);
    if (!plan)
        MMN_CLI_TRY(open_destination(call, count_options.output));
    MMN_CLI_TRY(mmn_cli_open_model(call, &wishes));
    return plan ? run_plan(call, &count_options) : run_count(call, &count_options);
}
