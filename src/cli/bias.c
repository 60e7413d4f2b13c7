/* mmneuron bias: lets a model, which reads pictures through a detector, score who is in them,
 * before and after the detector sees another thing there. */
#include "cli/command.h"
#include "cli/joint.h"

static mmn_status run(mmn_result **result, const mmn_model *detector, const mmn_model *language,
                      void *context, mmn_error *error)
{
    mmn_bias_options *asked = context;
    asked->detector = detector;
    return mmn_bias_run(result, language, asked, error);
}

int mmn_cli_bias(mmn_cli_call *call)
{
    mmn_bias_options asked = {.size = sizeof asked};
    mmn_cli_joint joint = {
        .call = call, .asked = &asked, .alignment = &asked.alignment, .run = run};
    mmn_cli_study study = {MMN_CLI_JOINT(&joint), MMN_CLI_ASKED_OF_LIST(&asked)};
    /* clang-format off */
    const mmn_cli_option options[] = {
        MMN_CLI_OF_JOINT_LIST(&asked, &study),
        {.name = "from", .value = "WORD", .kind = MMN_CLI_TEXT, .target = &asked.from,
         .needed = "what the detector sees", .help = "the step goes away from what this names"},
        {.name = "to", .value = "WORD", .kind = MMN_CLI_TEXT, .target = &asked.to,
         .needed = "what it is to see instead", .help = "and towards what this names"},
        MMN_CLI_EPSILON(&asked.epsilon),
        {.name = "property", .value = "TEXT", .kind = MMN_CLI_TEXT, .target = &asked.property,
         .help = "what to ask about where a line has no property of its own"},
        {.name = "prompt", .value = "TEXT", .kind = MMN_CLI_TEXT, .target = &asked.prompt,
         .help = "the raw text of the question, with \"<image>\" where the picture goes and"
                 " {property} where the property does (\"From one to ten, how likely is the person"
                 " to be a {property}? ...\")"},
        {.name = "max-tokens", .letter = 'n', .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &asked.tokens, .minimum = 1, .maximum = 4096,
         .help = "answer with N tokens at most (100)"},
    };
    /* clang-format on */
    return mmn_cli_run_study(&study, call, options, sizeof options / sizeof options[0]);
}
