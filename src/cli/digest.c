/* mmneuron digest: prints a digest for every stage of a dump, to compare without shipping it. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"

/* The lines "digest  stage" as an object {stage: digest}. */
static json_t *lines_to_json(const char *text)
{
    json_t *object = json_object();
    while (*text != '\0') {
        char digest[40];
        char stage[256];
        size_t length = strcspn(text, "\n");
        if (sscanf(text, "%39s %255s", digest, stage) == 2)
            json_object_set_new(object, stage, json_string(digest));
        text += length + (text[length] == '\n');
    }
    return object;
}

int mmn_cli_digest(const mmn_cli_command *command, int argc, char **argv)
{
    const char *stages = NULL;
    const mmn_cli_option options[] = {
        {.name = "stages", .value = "PATTERNS", .kind = MMN_CLI_TEXT, .target = &stages,
         .help = "only stages that match one of these patterns, separated by commas, such as"
                 " \"language.layers.*.out\""},
    };
    mmn_cli_arguments arguments;
    int code;
    if (!mmn_cli_parse(command, options, sizeof(options) / sizeof(options[0]), argc, argv,
                       &arguments, &code))
        return code;

    mmn_error error;
    char *text = NULL;
    if (mmn_dump_digests(arguments.texts[0], stages, &text, &error) != MMN_OK)
        code = mmn_cli_fail(&error);
    else if (arguments.json)
        code = mmn_cli_print_json(lines_to_json(text));
    else
        mmn_cli_print("%s", text);
    mmn_release(text);
    mmn_cli_free(arguments.texts);
    return code;
}
