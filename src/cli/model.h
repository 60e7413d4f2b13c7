/* model.h: opening a model as the options that all commands share ask. */
#ifndef MMN_CLI_MODEL_H
#define MMN_CLI_MODEL_H

#include "cli/options.h"
#include "mmneuron.h"

/* The option --resize-order of every command that reads images; `order` is a mmn_resize_order. */
#define MMN_CLI_RESIZE_ORDER(order)                                                          \
    {                                                                                        \
        .name = "resize-order", .value = "ORDER", .kind = MMN_CLI_ORDER, .target = (order),  \
        .help = "which axis images are resized along first: horizontal-first, as published"  \
                " models were made with (the default), or pillow-13"                         \
    }

/* The option of every command that generates; `ignore` is an int. */
#define MMN_CLI_IGNORE_GENERATION_CONFIG(ignore)                                             \
    {                                                                                        \
        .name = "ignore-generation-config", .kind = MMN_CLI_FLAG, .target = (ignore),        \
        .help = "take nothing of the model's generation_config.json but its stop tokens"     \
    }

/* The option of every command that runs prompts; `allow` is an int. */
#define MMN_CLI_ALLOW_LONG_PROMPTS(allow)                                                    \
    {                                                                                        \
        .name = "allow-long-prompts", .kind = MMN_CLI_FLAG, .target = (allow),               \
        .help = "run prompts of more positions than the model was made for, instead of"      \
                " stopping there"                                                            \
    }

/* The option of every command that takes neurons; `other` is an int. */
#define MMN_CLI_OTHER_MODEL(other)                                                           \
    {                                                                                        \
        .name = "other-model", .kind = MMN_CLI_FLAG, .target = (other),                      \
        .help = "take neurons that were found in another model, as the result then says"     \
    }

/* The option of every command that reads a list; `allow` is an int. */
#define MMN_CLI_ALLOW_UNKNOWN_KEYS(allow)                                                    \
    {                                                                                        \
        .name = "allow-unknown-keys", .kind = MMN_CLI_FLAG, .target = (allow),               \
        .help = "pass over keys of the list that no sample has, instead of stopping there"   \
    }

/* The option of every command that runs a model; `allow` is an int. */
#define MMN_CLI_ALLOW_NONFINITE(allow)                                                       \
    {                                                                                        \
        .name = "allow-nonfinite", .kind = MMN_CLI_FLAG, .target = (allow),                  \
        .help = "go on where a number becomes infinite or NaN, and mark the result,"         \
                " instead of stopping there"                                                 \
    }

/* Says where the model has let the first such number pass, if it has any, and what becomes of it. */
void mmn_cli_say_nonfinite(const mmn_model *model, const char *consequence);

/* Opens the model in `folder` with the command's own `wishes`, to which threads and kernels are added,
 * and prints remarks about it as messages unless --quiet. Returns the exit code. */
int mmn_cli_open_model(mmn_model **model, const char *folder, const mmn_cli_arguments *arguments,
                       const mmn_model_options *wishes);

#endif
