/* mmneuron locate: lets a language model read a picture through a detector, and goes back from a
 * word to what the detector saw. */
#include "cli/joint.h"

static mmn_status run(mmn_result **result, const mmn_model *detector, const mmn_model *language,
                      void *asked, mmn_error *error)
{
    return mmn_locate(result, detector, language, asked, error);
}

static int check(mmn_cli_call *call, mmn_cli_study *study)
{
    const mmn_cli_joint *joint = study->request;
    const mmn_locate_options *asked = joint->asked;
    if ((asked->from == NULL) != (asked->to == NULL))
        return mmn_cli_usage(call, "--from and --to go together");
    if (study->picture->file != NULL && asked->word == NULL)
        return mmn_cli_usage(call, "--picture shows where a word is seen, which --word names");
    if (asked->to == NULL && asked->epsilon != 0)
        return mmn_cli_usage(call, "--epsilon is for a step, which --from and --to name");
    study->picture->image = asked->image;
    mmn_cli_destination_source(call, MMN_SOURCE_FILE, asked->image);
    return mmn_cli_joint_check(call, study);
}

int mmn_cli_locate(mmn_cli_call *call)
{
    mmn_locate_options wanted = {.size = sizeof wanted};
    mmn_locate_options *asked = &wanted;
    mmn_cli_joint joint = {
        .call = call, .asked = asked, .alignment = &asked->alignment, .run = run};
    mmn_cli_picture picture = {.figure = "located"};
    mmn_cli_study study = {.request = &joint,
                           .run = mmn_cli_joint_run,
                           .check = check,
                           .picture = &picture,
                           MMN_CLI_ASKED(asked)};
    /* clang-format off */
    const mmn_cli_option options[] = {
        MMN_CLI_ALIGN(&asked->alignment),
        {.name = "image", .value = "FILE", .kind = MMN_CLI_TEXT, .target = &asked->image,
         .needed = "the picture to look at",
         .help = "a JPEG, PNG, WebP, TIFF, GIF or BMP file"},
        {.name = "prompt", .value = "TEXT", .kind = MMN_CLI_TEXT, .target = &asked->prompt,
         .needed = "what MODEL reads",
         .help = "the raw text of the prompt, with \"<image>\" where the picture goes"},
        {.name = "word", .value = "WORD", .kind = MMN_CLI_TEXT, .target = &asked->word,
         .help = "show by which boxes the logit of WORD behind the prompt goes"},
        {.name = "weights", .value = "KIND", .kind = MMN_CLI_TEXT, .target = &asked->weights,
         .help = "what of a box the map shows: class, coordinates or any, the larger (class)"},
        {.name = "from", .value = "WORD", .kind = MMN_CLI_TEXT, .target = &asked->from,
         .help = "with --to: answer once more, after a step to where the detector sees what --to"
                 " names rather than this"},
        {.name = "to", .value = "WORD", .kind = MMN_CLI_TEXT, .target = &asked->to,
         .help = "what it is to see"},
        MMN_CLI_EPSILON(&asked->epsilon),
        {.name = "max-tokens", .letter = 'n', .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &asked->tokens, .minimum = 1, .maximum = 4096,
         .help = "answer with N tokens at most (32)"},
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &study.output, .help = "write everything to FILE (JSON; - is standard output)"},
        MMN_CLI_PICTURE(&picture, "where the word is seen"),
        MMN_CLI_RESIZE_ORDER(&study.wishes.resize_order),
    };
    /* clang-format on */
    return mmn_cli_run_study(&study, call, options, sizeof options / sizeof options[0]);
}
