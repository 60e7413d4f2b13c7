/* mmneuron rank: finds the neurons that belong to a domain, from their counts. */
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"

static int print_ranking(const mmn_ranking *ranking, bool json)
{
    mmn_error error;
    char *text = NULL;
    mmn_status status = json ? mmn_ranking_json(ranking, &text, &error)
                             : mmn_ranking_table(ranking, &text, &error);
    if (status != MMN_OK)
        return mmn_cli_fail(&error);
    mmn_cli_print("%s", text);
    if (!json)
        mmn_cli_print("digest %s\n", mmn_ranking_digest(ranking));
    mmn_release(text);
    return MMN_CLI_DONE;
}

int mmn_cli_rank(const mmn_cli_command *command, int argc, char **argv)
{
    const char *output = NULL;
    mmn_rank_options rank_options = {0};
    mmn_cli_modules modules = {{0}};
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &output,
         .help = "write the neurons to FILE (neurons.json), and the ranking to ranking.tsv next to"
                 " it"},
        {.name = "rate", .value = "R", .kind = MMN_CLI_REAL, .target = &rank_options.rate,
         .minimum = 0, .maximum = 1, .above = true, .help = "the share of a module's neurons to select (0.01)"},
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
    };
    mmn_cli_arguments arguments;
    int code;
    if (!mmn_cli_parse(command, options, sizeof options / sizeof options[0], argc, argv,
                       &arguments, &code))
        return code;

    if (modules.names[0] != '\0')
        rank_options.modules = modules.names;
    mmn_error error;
    mmn_ranking *ranking = NULL;
    if (mmn_rank(&ranking, arguments.texts[0], &rank_options, &error) != MMN_OK ||
        (output != NULL && mmn_ranking_write(ranking, output, &error) != MMN_OK))
        code = mmn_cli_fail(&error);
    else
        code = print_ranking(ranking, arguments.json);
    mmn_ranking_free(ranking);
    mmn_cli_free(arguments.texts);
    return code;
}
