/* mmneuron merge: adds the counts of the shards of one run. */
#include "cli/command.h"
#include "cli/destination.h"
#include "cli/options.h"
#include "cli/output.h"

static int give_result(mmn_cli_destination *destination, const char *output,
                       const mmn_cli_arguments *arguments)
{
    if (destination->standard)
        return mmn_cli_destination_send(destination);
    if (arguments->json)
        return mmn_cli_print_json(json_pack("{s:s, s:I}", "output", output, "merged",
                                            (json_int_t)arguments->count));
    mmn_cli_print("%s: the sum of %zu counts files\n", output, arguments->count);
    return MMN_CLI_DONE;
}

int mmn_cli_merge(const mmn_cli_command *command, int argc, char **argv)
{
    const char *output = NULL;
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &output, .help = "where to write the sum (- is standard output)"},
    };
    mmn_cli_arguments arguments;
    mmn_cli_destination destination = {0};
    int code;
    if (!mmn_cli_parse(command, options, sizeof(options) / sizeof(options[0]), argc, argv,
                       &arguments, &code))
        return code;

    mmn_error error;
    for (size_t i = 0; i < arguments.count; i++)
        mmn_cli_destination_source(&destination, MMN_SOURCE_FILE, arguments.texts[i]);
    if (output == NULL)
        code = mmn_cli_usage(command->name, "-o is missing: the file that receives the sum");
    else
        code = mmn_cli_destination_open(&destination, command, output, MMN_CLI_BINARY, NULL);
    if (code == MMN_CLI_DONE && mmn_counts_merge(arguments.texts, arguments.count,
                                                 destination.path, &error) != MMN_OK)
        code = mmn_cli_fail(&error);
    else if (code == MMN_CLI_DONE)
        code = give_result(&destination, output, &arguments);
    mmn_cli_destination_close(&destination);
    mmn_cli_free(arguments.texts);
    return code;
}
