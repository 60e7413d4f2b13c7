/* The options of the commands that make edits, whatever they are given. */
#ifndef MMN_CLI_EDIT_H
#define MMN_CLI_EDIT_H

#include "cli/options.h"

/* How an edit is made; `asked` are mmn_edit_options or mmn_edits_options. */
/* clang-format off */
#define MMN_CLI_OF_EDITS(asked)                                                            \
    {.name = "learning-rate", .value = "R", .kind = MMN_CLI_REAL,                          \
     .target = &(asked)->learning_rate, .minimum = 0, .maximum = 1000, .above = true,      \
     .help = "of the optimised way (0.005)"},                                              \
    {.name = "steps", .value = "N", .kind = MMN_CLI_U32, .target = &(asked)->steps,        \
     .minimum = 1, .maximum = 100000, .help = "of the optimised way, at most (50)"},       \
    {.name = "top", .value = "K", .kind = MMN_CLI_WHOLE, .target = &(asked)->top,          \
     .minimum = 1, .maximum = 10000,                                                       \
     .help = "add to the weights of the K neurons that contribute most to the word (10)"}, \
    {.name = "probability", .value = "P", .kind = MMN_CLI_REAL,                            \
     .target = &(asked)->probability, .minimum = 0, .maximum = 0.999999, .above = true,    \
     .help = "until the other word is the likeliest and has P (0.9)"}
/* clang-format on */

#endif
