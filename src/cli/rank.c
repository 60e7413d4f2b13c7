/* mmneuron rank: finds the neurons that belong to a domain, from their counts. */
#include <string.h>

#include "cli/command.h"
#include "cli/destination.h"
#include "cli/options.h"
#include "cli/output.h"

/* Takes the output and the table beside it. */
static int open_destination(mmn_cli_call *call, const char *output)
{
    mmn_error error;
    char *table = NULL;
    mmn_cli_destination_source(call, MMN_SOURCE_FILE, call->texts[0]);
    if (output != NULL && strcmp(output, "-") != 0 &&
        mmn_ranking_table_file(&table, output, &error) != MMN_OK)
        return mmn_cli_fail(&error);
    const int code = mmn_cli_destination_open(call, output, MMN_CLI_JSON, table);
    mmn_release(table);
    return code;
}

int mmn_cli_rank(mmn_cli_call *call)
{
    const char *output = NULL;
    mmn_rank_options rank_options = {.size = sizeof(rank_options)};
    mmn_cli_modules modules = {{0}};
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &output,
         .help = "write the neurons to FILE (neurons.json; - is standard output), and the ranking"
                 " to ranking.tsv, or NAME.ranking.tsv for another NAME.json, beside it"},
        {.name = "rate", .value = "R", .kind = MMN_CLI_REAL, .target = &rank_options.rate,
         .minimum = 0, .maximum = 1, .above = true,
         .help = "the share of a module's neurons to select (0.01)"},
        {.name = "bar", .value = "Q", .kind = MMN_CLI_REAL, .target = &rank_options.bar,
         .minimum = 0, .maximum = 1, .above = true,
         .help = "the quantile of all activation probabilities that a neuron has to exceed in some"
                 " domain (0.95)"},
        {.name = "assignment-bar", .value = "Q", .kind = MMN_CLI_REAL,
         .target = &rank_options.assignment_bar, .minimum = 0, .maximum = 1, .above = true,
         .help = "the quantile above which a selected neuron belongs to a domain (as --bar)"},
        {.name = "modules", .value = "NAMES", .kind = MMN_CLI_MODULES, .target = &modules,
         .help = "rank these modules only, names separated by commas (all that were counted)"},
        {.name = "float32", .kind = MMN_CLI_FLAG, .target = &rank_options.float32,
         .help = "repeat the published code's float32 arithmetic, for comparisons"},
        {.name = "allow-nonfinite", .kind = MMN_CLI_FLAG,
         .target = &rank_options.allow_nonfinite,
         .help = "rank counts of samples in which numbers were infinite or NaN, and mark the"
                 " ranking, instead of refusing them"},
    };
    /* clang-format on */
    MMN_CLI_TRY(mmn_cli_parse(call, options, sizeof options / sizeof options[0]));
    if (modules.names[0] != '\0')
        rank_options.modules = modules.names;
    mmn_error error;
    mmn_result *ranking = NULL;
    MMN_CLI_TRY(open_destination(call, output));
    if (mmn_rank(&ranking, call->texts[0], &rank_options, &error) != MMN_OK)
        return mmn_cli_fail(&error);
    const int code = mmn_cli_give_result(call, ranking);
    mmn_result_free(ranking);
    return code;
}
