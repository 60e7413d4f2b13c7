/* mmneuron hallucinations: asks a model, which reads pictures through a detector, what is in them,
 * and the detector too. */
#include "cli/command.h"
#include "cli/joint.h"

static mmn_status run(mmn_result **result, const mmn_model *detector, const mmn_model *language,
                      void *context, mmn_error *error)
{
    mmn_hallucinations_options *asked = context;
    asked->detector = detector;
    return mmn_hallucinations_run(result, language, asked, error);
}

int mmn_cli_hallucinations(mmn_cli_call *call)
{
    mmn_hallucinations_options asked = {.size = sizeof asked};
    mmn_cli_joint joint = {
        .call = call, .asked = &asked, .alignment = &asked.alignment, .run = run};
    mmn_cli_study study = {MMN_CLI_JOINT(&joint), MMN_CLI_ASKED_OF_LIST(&asked)};
    /* clang-format off */
    const mmn_cli_option options[] = {
        MMN_CLI_OF_JOINT_LIST(&asked, &study),
        {.name = "prompt", .value = "TEXT", .kind = MMN_CLI_TEXT, .target = &asked.prompt,
         .help = "the raw text of the question, with \"<image>\" where the picture goes and {class}"
                 " where the class does (\"Is there a {class} in the image? ...\")"},
        {.name = "classes", .value = "NAMES", .kind = MMN_CLI_TEXT, .target = &asked.classes,
         .help = "what to ask about, separated by commas (all objects of the list)"},
        {.name = "max-tokens", .letter = 'n', .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &asked.tokens, .minimum = 1, .maximum = 4096,
         .help = "answer with N tokens at most (16)"},
    };
    /* clang-format on */
    return mmn_cli_run_study(&study, call, options, sizeof options / sizeof options[0]);
}
