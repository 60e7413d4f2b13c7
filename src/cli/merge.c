/* mmneuron merge: adds the counts of the shards of one run, or makes the result of their rows. */
#include <jansson.h>

#include "cli/command.h"
#include "cli/destination.h"
#include "cli/options.h"
#include "cli/output.h"

static int merge_counts(mmn_cli_call *call, const char *output)
{
    mmn_error error;
    for (size_t i = 0; i < call->count; i++)
        mmn_cli_destination_source(call, MMN_SOURCE_FILE, call->texts[i]);
    MMN_CLI_TRY(mmn_cli_destination_open(call, output, MMN_CLI_BINARY, NULL));
    if (mmn_counts_merge(call->texts, call->count, call->destination.path, &error) != MMN_OK)
        return mmn_cli_fail(&error);
    if (call->destination.standard)
        return mmn_cli_destination_send(call);
    if (call->json)
        return mmn_cli_print_json(
            json_pack("{s:s, s:I}", "output", output, "merged", (json_int_t)call->count));
    mmn_cli_print("%s: the sum of %zu counts files\n", output, call->count);
    return MMN_CLI_DONE;
}

/* Calls the command that made the rows as it was called then, but for what this call says of
 * places, threads, kernels and what is printed. */
static int merge_rows(mmn_cli_call *call, mmn_cli_merging *merging, char **arguments, size_t count)
{
    const mmn_cli_command *command = call->find(arguments[0]);
    merging->parts = call->texts;
    merging->part_count = call->count;
    merging->threads = call->threads;
    merging->simd = call->simd;
    merging->quiet = call->quiet;
    merging->json = call->json;
    if (command == NULL || !command->has_rows) {
        mmn_cli_message("%s: these rows were not made by a command of mmneuron, which could make "
                        "their result",
                        call->texts[0]);
        return MMN_CLI_FAILED;
    }
    call->command = command;
    call->argc = (int)count;
    call->argv = arguments;
    call->merging = merging;
    return command->run(call);
}

int mmn_cli_merge(mmn_cli_call *call)
{
    mmn_cli_merging merging = {0};
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &merging.output, .needed = "the file that receives the whole",
         .help = "where to write the sum of counts, or the result of rows (- is standard output)"},
        {.name = "model", .value = "FOLDER", .kind = MMN_CLI_TEXT, .target = &merging.model,
         .help = "of rows: where the model lies here (where the parts found it)"},
        {.name = "list", .value = "DATA.jsonl", .kind = MMN_CLI_TEXT, .target = &merging.list,
         .help = "of rows: where the list lies here"},
        {.name = "neurons", .value = "NEURONS.json", .kind = MMN_CLI_TEXT,
         .target = &merging.neurons, .help = "of rows: where the neurons lie here"},
        {.name = "detector", .value = "FOLDER", .kind = MMN_CLI_TEXT, .target = &merging.detector,
         .help = "of rows of hallucinations or bias: where the detector lies here"},
        {.name = "align", .value = "W", .kind = MMN_CLI_TEXT, .target = &merging.alignment,
         .help = "and where the alignment lies"},
    };
    /* clang-format on */
    mmn_error error;
    char **arguments;
    size_t count;
    MMN_CLI_TRY(mmn_cli_parse(call, options, sizeof(options) / sizeof(options[0])));
    if (mmn_rows_arguments(&arguments, &count, call->texts[0], &error) != MMN_OK)
        return mmn_cli_fail(&error);
    const bool placed = merging.model || merging.list || merging.neurons || merging.detector ||
                        merging.alignment;
    const int code =
        count > 0 ? merge_rows(call, &merging, arguments, count)
        : placed  ? mmn_cli_usage(call, "--model, --list, --neurons, --detector and --align are for"
                                         " rows; the sum of counts needs none of them")
                  : merge_counts(call, merging.output);
    mmn_release(arguments);
    return code;
}
