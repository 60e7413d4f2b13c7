/* model.h: opening a model as the options that all commands share ask, and the options of commands
 * that run one. */
#ifndef MMN_CLI_MODEL_H
#define MMN_CLI_MODEL_H

#include "cli/options.h"
#include "mmneuron.h"

/* The option --resize-order of every command that reads images; `order` is a mmn_resize_order. */
/* clang-format off */
#define MMN_CLI_RESIZE_ORDER(order)                                                             \
    {.name = "resize-order", .value = "ORDER", .kind = MMN_CLI_ORDER, .target = (order),        \
     .help = "which axis images are resized along first: horizontal-first, as published models" \
             " were made with (the default), or pillow-13"}
/* clang-format on */

/* The option of every command that generates; `ignore` is an int. */
/* clang-format off */
#define MMN_CLI_IGNORE_GENERATION_CONFIG(ignore)                                       \
    {.name = "ignore-generation-config", .kind = MMN_CLI_FLAG, .target = (ignore),     \
     .help = "take nothing of the model's generation_config.json but its stop tokens"}
/* clang-format on */

/* The option of every command that runs prompts; `allow` is an int. */
/* clang-format off */
#define MMN_CLI_ALLOW_LONG_PROMPTS(allow)                                                     \
    {.name = "allow-long-prompts", .kind = MMN_CLI_FLAG, .target = (allow),                   \
     .help = "run prompts of more positions than the model was made for, instead of stopping" \
             " there"}
/* clang-format on */

/* The option of every command that takes neurons; `other` is an int. */
/* clang-format off */
#define MMN_CLI_OTHER_MODEL(other)                                                     \
    {.name = "other-model", .kind = MMN_CLI_FLAG, .target = (other),                   \
     .help = "take neurons that were found in another model, as the result then says"}
/* clang-format on */

/* The option of every command that reads a list; `allow` is an int. */
/* clang-format off */
#define MMN_CLI_ALLOW_UNKNOWN_KEYS(allow)                                                \
    {.name = "allow-unknown-keys", .kind = MMN_CLI_FLAG, .target = (allow),              \
     .help = "pass over keys of the list that no sample has, instead of stopping there"}
/* clang-format on */

/* The option of every command that goes over a list; `plan` is an int. */
/* clang-format off */
#define MMN_CLI_PLAN(plan)                                                                         \
    {.name = "plan", .kind = MMN_CLI_FLAG, .target = (plan),                                       \
     .help = "run and write nothing, and say what it would cost: passes, positions, hours on this" \
             " machine, memory"}
/* clang-format on */
#define MMN_CLI_PLAN_IS_ALONE "--plan runs nothing that processes could divide; start one"

/* The option of every command that runs a model; `allow` is an int. */
/* clang-format off */
#define MMN_CLI_ALLOW_NONFINITE(allow)                                                       \
    {.name = "allow-nonfinite", .kind = MMN_CLI_FLAG, .target = (allow),                     \
     .help = "go on where a number becomes infinite or NaN, and mark the result, instead of" \
             " stopping there"}
/* clang-format on */

/* The option of commands that run a model with additions to its weights. */
/* clang-format off */
#define MMN_CLI_DELTA(call)                                                                     \
    {.name = "delta", .value = "FILE", .kind = MMN_CLI_TEXTS, .target = &(call)->deltas,        \
     .help = "run the model with what \"mmneuron edit\" wrote added to its weights; may be"     \
             " repeated: several add up"}
/* clang-format on */

/* Says where the model has let the first such number pass, if it has any, and what becomes of
 * it. */
void mmn_cli_say_nonfinite(const mmn_model *model, const char *consequence);

/* Opens the model that the command's first argument names, with the command's own `wishes`, to
 * which threads and kernels are added, and prints remarks about it as messages unless --quiet. Of
 * several processes that do the run together, waits until all have. Returns the exit code. */
int mmn_cli_open_model(mmn_cli_call *call, const mmn_model_options *wishes);

/* ---- Judges of answers ----------------------------------------------------------------------- */

/* The option that says how a judge is asked; `form` is a const char *. */
/* clang-format off */
#define MMN_CLI_JUDGE_FORM(form)                                                             \
    {.name = "judge-form", .value = "FORM", .kind = MMN_CLI_TEXT, .target = (form),          \
     .help = "how the judge is asked: as the benchmark does, with answers in lower case and" \
             " 128 tokens at most (benchmark), or as the model's demo (demo) (benchmark)"}
/* clang-format on */

/* *form: what the option's value (NULL: not given) names. Returns the exit code. */
int mmn_cli_judge_form(const mmn_cli_call *call, mmn_judge_form *form, const char *name);

/* Opens another model beside the command's, a judge or a second one of its kind, with the same
 * threads and kernels. */
mmn_status mmn_cli_open_another(mmn_model **model, const mmn_cli_call *call, const char *folder,
                                mmn_error *error);

/* ---- Options of decoding, which the commands that answer questions share --------------------- */

/* Start from MMN_CLI_BEAMS_DEFAULT: what is not given is as the model's folder says. */
typedef struct mmn_cli_beams {
    uint64_t count;             /* 0: not given */
    double length_penalty;      /* above 100: not given */
    const char *early_stopping; /* NULL: not given */
} mmn_cli_beams;

#define MMN_CLI_BEAMS_DEFAULT                                                                      \
    {                                                                                              \
        .length_penalty = 1e3                                                                      \
    }

/* The entries of an option table that fill an mmn_cli_beams. */
/* clang-format off */
#define MMN_CLI_BEAMS(beams)                                                                    \
    {.name = "num-beams", .value = "N", .kind = MMN_CLI_WHOLE, .target = &(beams)->count,       \
     .minimum = 1, .maximum = 64,                                                               \
     .help = "search the likeliest answer with N beams, or (1) go token by token (what the"      \
             " model's folder says, else 1)"},                                                  \
    {.name = "length-penalty", .value = "X", .kind = MMN_CLI_REAL,                              \
     .target = &(beams)->length_penalty, .minimum = -100, .maximum = 100,                       \
     .help = "with beams: longer answers, the more so the higher X (the folder's, else 1)"},    \
    {.name = "early-stopping", .value = "HOW", .kind = MMN_CLI_TEXT,                            \
     .target = &(beams)->early_stopping,                                                        \
     .help = "with beams: end with as many answers as beams (true), when no better one"         \
             " is likely (false), or possible (never) (the folder's, else false)"}
/* clang-format on */

/* The entries of sampling, from the members of `options`, and of the repetition penalty. */
/* clang-format off */
#define MMN_CLI_SAMPLING(options)                                                               \
    {.name = "temperature", .value = "T", .kind = MMN_CLI_REAL,                                 \
     .target = &(options)->temperature, .minimum = 0, .maximum = 1000,                          \
     .help = "choose tokens at random, the more so the higher T; 0 is the likeliest (0)"},      \
    {.name = "top-p", .value = "P", .kind = MMN_CLI_REAL, .target = &(options)->top_p,          \
     .minimum = 0, .maximum = 1, .above = true,                                                 \
     .help = "with --temperature: among the likeliest tokens that together have P (1)"},        \
    {.name = "top-k", .value = "K", .kind = MMN_CLI_WHOLE, .target = &(options)->top_k,         \
     .help = "with --temperature: among the K likeliest tokens, before --top-p; 0 is all (0)"}
/* clang-format on */
/* clang-format off */
#define MMN_CLI_REPETITION_PENALTY(penalty)                                                     \
    {.name = "repetition-penalty", .value = "X", .kind = MMN_CLI_REAL, .target = (penalty),     \
     .minimum = 0.001, .maximum = 1000,                                                         \
     .help = "divide the logits of tokens that were there by X (the folder's, else 1)"}
/* clang-format on */
/* The entry of stop strings. */
/* clang-format off */
#define MMN_CLI_STOP(strings)                                                                   \
    {.name = "stop", .value = "STRING", .kind = MMN_CLI_TEXTS, .target = (strings),             \
     .help = "end an answer with the token that completes STRING; may be repeated (what the"    \
             " model's folder says)"}
/* clang-format on */

/* An exit code, with a message, where beams are wrong or do not go with `temperature`. */
int mmn_cli_beams_check(const mmn_cli_call *call, const mmn_cli_beams *beams, double temperature);
/* Whether any of the options was given. */
bool mmn_cli_beams_given(const mmn_cli_beams *beams);
/* What the options, which have been checked, and the model's folder say. */
mmn_beam_search mmn_cli_beams_search(const mmn_cli_beams *beams, const mmn_model *model);

#endif
