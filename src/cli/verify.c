/* mmneuron verify: compares two dumps stage by stage and names the first departure; and mmneuron
 * digest: prints a digest for every stage of a dump, to compare without shipping it. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"

/* Prints the comparison in the wanted form and returns the exit code. */
static int print_verification(const mmn_result *verification, bool json, mmn_status status)
{
    mmn_error error;
    char *text = NULL;
    mmn_status made = json ? mmn_result_json(verification, &text, &error)
                           : mmn_result_table(verification, &text, &error);
    if (made != MMN_OK)
        return mmn_cli_fail(&error);
    mmn_cli_print("%s", text);
    mmn_release(text);
    return status == MMN_OK ? MMN_CLI_DONE : MMN_CLI_DIFFERENT;
}

int mmn_cli_verify(mmn_cli_call *call)
{
    mmn_verify_options verify_options = {.size = sizeof(verify_options)};
    uint64_t tile = UINT64_MAX; /* not given */
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "tolerance", .value = "T", .kind = MMN_CLI_REAL,
         .target = &verify_options.tolerance, .minimum = 0, .maximum = 1e6, .above = true,
         .help = "the relative RMS difference allowed in a stage (the reference's own, else what"
                 " the types that the two were computed in make of it)"},
        {.name = "computed-in", .value = "TYPE", .kind = MMN_CLI_TEXT,
         .target = &verify_options.computed_in,
         .help = "the type that the less exact side computed in: f32, bf16 or f16 (what the files"
                 " say, else f32)"},
        {.name = "common", .kind = MMN_CLI_FLAG, .target = &verify_options.common,
         .help = "compare the stages that both have, and pass over the others"},
        {.name = "tile", .value = "N", .kind = MMN_CLI_WHOLE, .target = &tile,
         .maximum = 1e6,
         .help = "where one file has a single tile of an image and the other several, compare tile"
                 " N of these, counted from 0"},
        {.name = "stages", .value = "PATTERNS", .kind = MMN_CLI_TEXT,
         .target = &verify_options.stages,
         .help = "only stages that match one of these patterns, separated by commas (all that"
                 " the files have)"},
    };
    /* clang-format on */
    MMN_CLI_TRY(mmn_cli_parse(call, options, sizeof options / sizeof options[0]));

    verify_options.one_tile = tile != UINT64_MAX;
    verify_options.tile = verify_options.one_tile ? (size_t)tile : 0;
    mmn_error error;
    mmn_result *verification = NULL;
    mmn_status status =
        mmn_verify(&verification, call->texts[0], call->texts[1], &verify_options, &error);
    const int code = verification != NULL ? print_verification(verification, call->json, status)
                                          : mmn_cli_fail(&error);
    mmn_result_free(verification);
    return code;
}

/* ---- Digests --------------------------------------------------------------------------------- */

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

int mmn_cli_digest(mmn_cli_call *call)
{
    const char *stages = NULL;
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "stages", .value = "PATTERNS", .kind = MMN_CLI_TEXT, .target = &stages,
         .help = "only stages that match one of these patterns, separated by commas, such as"
                 " \"language.layers.*.out\""},
    };
    /* clang-format on */
    MMN_CLI_TRY(mmn_cli_parse(call, options, sizeof options / sizeof options[0]));

    mmn_error error;
    char *text = NULL;
    if (mmn_dump_digests(call->texts[0], stages, &text, &error) != MMN_OK)
        return mmn_cli_fail(&error);
    int code = MMN_CLI_DONE;
    if (call->json)
        code = mmn_cli_print_json(lines_to_json(text));
    else
        mmn_cli_print("%s", text);
    mmn_release(text);
    return code;
}
