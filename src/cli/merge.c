/* mmneuron merge: adds the counts of the shards of one run. */
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"

int mmn_cli_merge(const mmn_cli_command *command, int argc, char **argv)
{
    const char *output = NULL;
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &output, .help = "where to write the sum"},
    };
    mmn_cli_arguments arguments;
    int code;
    if (!mmn_cli_parse(command, options, sizeof options / sizeof options[0], argc, argv,
                       &arguments, &code))
        return code;

    mmn_error error;
    if (output == NULL)
        code = mmn_cli_usage(command->name, "-o is missing: the file that receives the sum");
    else if (mmn_counts_merge(arguments.texts, arguments.count, output, &error) != MMN_OK)
        code = mmn_cli_fail(&error);
    else if (arguments.json)
        code = mmn_cli_print_json(json_pack("{s:s, s:I}", "output", output, "merged",
                                            (json_int_t)arguments.count));
    else
        mmn_cli_print("%s: the sum of %zu counts files\n", output, arguments.count);
    mmn_cli_free(arguments.texts);
    return code;
}
