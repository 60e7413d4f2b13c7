/* mmneuron rank: finds the neurons that belong to a domain, from their counts. */
#include <string.h>

#include "cli/command.h"
#include "cli/destination.h"
#include "cli/model.h"
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

/* The folders of the models that a selection by parameter change compares. */
typedef struct compared {
    const char *model, *second;
} compared;

/* Models are given for a selection that needs them, and for no other. */
static int check_models(const mmn_cli_call *call, const mmn_rank_options *options,
                        const compared *folders)
{
    const bool needed = options->by != NULL && strcmp(options->by, "parameter-change") == 0;
    if (needed && (folders->model == NULL || folders->second == NULL))
        return mmn_cli_usage(call, "--by parameter-change needs --model, the model that was"
                                   " counted, and --second");
    if (!needed && (folders->model != NULL || folders->second != NULL))
        return mmn_cli_usage(call, "--model and --second are for --by parameter-change");
    return MMN_CLI_DONE;
}

/* Ranks with the models that are needed open. */
static mmn_status rank(mmn_result **ranking, const mmn_cli_call *call, mmn_rank_options *options,
                       const compared *folders, mmn_error *error)
{
    mmn_model *model = NULL, *second = NULL;
    mmn_status status = MMN_OK;
    if (folders->model != NULL)
        status = mmn_cli_open_another(&model, call, folders->model, error);
    if (status == MMN_OK && folders->second != NULL)
        status = mmn_cli_open_another(&second, call, folders->second, error);
    options->model = model;
    options->second = second;
    if (status == MMN_OK)
        status = mmn_rank(ranking, call->texts[0], options, error);
    mmn_model_close(model);
    mmn_model_close(second);
    return status;
}

int mmn_cli_rank(mmn_cli_call *call)
{
    const char *output = NULL;
    mmn_rank_options rank_options = {.size = sizeof(rank_options)};
    mmn_cli_modules modules = {{0}};
    compared folders = {NULL, NULL};
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
        {.name = "by", .value = "WHAT", .kind = MMN_CLI_TEXT, .target = &rank_options.by,
         .help = "select by entropy, or as many neurons by something else, for comparisons:"
                 " probability, value-entropy, parameter-change, random (entropy)"},
        {.name = "seed", .value = "N", .kind = MMN_CLI_WHOLE, .target = &rank_options.seed,
         .help = "with --by random: of the choice (0)"},
        {.name = "model", .value = "MODEL", .kind = MMN_CLI_TEXT, .target = &folders.model,
         .help = "with --by parameter-change: the model that was counted"},
        {.name = "second", .value = "MODEL", .kind = MMN_CLI_TEXT, .target = &folders.second,
         .help = "with --by parameter-change: the model that it is compared with, of the same"
                 " shape"},
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
    MMN_CLI_TRY(check_models(call, &rank_options, &folders));
    MMN_CLI_TRY(open_destination(call, output));
    if (rank(&ranking, call, &rank_options, &folders, &error) != MMN_OK)
        return mmn_cli_fail(&error);
    const int code = mmn_cli_give_result(call, ranking);
    mmn_result_free(ranking);
    return code;
}
