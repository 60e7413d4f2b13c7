/* The options of the commands that let a model read pictures through a detector, and how those of
 * lists run: mmneuron NAME DETECTOR MODEL DATA.jsonl. */
#ifndef MMN_CLI_JOINT_H
#define MMN_CLI_JOINT_H

#include "cli/study.h"

/* clang-format off */
#define MMN_CLI_ALIGN(alignment)                                                                 \
    {.name = "align", .value = "W", .kind = MMN_CLI_TEXT, .target = (alignment),                 \
     .needed = "the network between detector and language model",                                \
     .help = "a safetensors file with the layers linear_1, linear_2, ... that make of a patch of" \
             " the detector's embedding what MODEL reads"}
#define MMN_CLI_EPSILON(epsilon)                                                                 \
    {.name = "epsilon", .value = "E", .kind = MMN_CLI_REAL, .target = (epsilon), .minimum = 0,   \
     .maximum = 1e6, .above = true,                                                              \
     .help = "how far each number of the embedding goes in the step (1)"}
/* Those of lists; `asked` are the library's options. */
#define MMN_CLI_OF_JOINT_LIST(asked, study)                                                      \
    MMN_CLI_ALIGN(&(asked)->alignment),                                                          \
    {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,                     \
     .target = &(study)->output, .help = "write everything to FILE (JSON; - is standard output)"}, \
    {.name = "samples", .value = "N", .kind = MMN_CLI_WHOLE, .target = &(asked)->samples,        \
     .minimum = 1, .help = "the first N pictures of each domain (all)"},                         \
    MMN_CLI_KEPT_ROWS(study),                                                                    \
    MMN_CLI_ALLOW_UNKNOWN_KEYS(&(asked)->allow_unknown_keys),                                    \
    MMN_CLI_ALLOW_LONG_PROMPTS(&(asked)->allow_long_prompts),                                    \
    MMN_CLI_RESIZE_ORDER(&(study)->wishes.resize_order)
/* clang-format on */

/* The request of such a command, whose first two arguments are detector and language model. */
typedef struct mmn_cli_joint {
    mmn_cli_call *call;
    void *asked; /* the library's options */
    const char *const *alignment;
    /* Calls the library's function. */
    mmn_status (*run)(mmn_result **result, const mmn_model *detector, const mmn_model *language,
                      void *asked, mmn_error *error);
} mmn_cli_joint;

/* Of mmn_cli_study, whose request it is; `check` names the sources of the result. */
mmn_status mmn_cli_joint_run(mmn_result **result, const mmn_model *detector, void *joint,
                             mmn_error *error);
int mmn_cli_joint_check(mmn_cli_call *call, mmn_cli_study *study);
#define MMN_CLI_JOINT(joint)                                                                       \
    .request = (joint), .run = mmn_cli_joint_run, .check = mmn_cli_joint_check

#endif
