/* mmneuron edits: makes the edit of each line of a list in several ways, and measures what each
 * does. */
#include "cli/command.h"
#include "cli/edit.h"
#include "cli/study.h"

static mmn_status run(mmn_result **result, const mmn_model *model, void *context, mmn_error *error)
{
    return mmn_edits_run(result, model, context, error);
}

int mmn_cli_edits(mmn_cli_call *call)
{
    mmn_edits_options asked = {.size = sizeof asked, .seeds = 1, .first_seed = 1};
    mmn_cli_study study = {.request = &asked, .run = run, MMN_CLI_ASKED_OF_LIST(&asked)};
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &study.output, .help = "write everything to FILE (JSON; - is standard output)"},
        {.name = "template", .value = "NAME", .kind = MMN_CLI_TEXT,
         .target = &asked.template_name,
         .help = "the prompt template, as for \"mmneuron ask\" (the model's own)"},
        {.name = "samples", .value = "N", .kind = MMN_CLI_WHOLE, .target = &asked.samples,
         .minimum = 1, .help = "the first N edits of each domain (all)"},
        {.name = "max-tokens", .letter = 'n', .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &asked.tokens, .minimum = 1, .maximum = 4096,
         .help = "answer with N tokens at most (32)"},
        {.name = "method", .value = "NAME", .kind = MMN_CLI_TEXT, .target = &asked.method,
         .help = "only direct or only optimised, as in \"mmneuron edit\" (both)"},
        MMN_CLI_OF_EDITS(&asked),
        {.name = "seeds", .value = "N", .kind = MMN_CLI_U32, .target = &asked.seeds, .minimum = 0,
         .maximum = 100, .help = "compare with N choices of as many random neurons (1)"},
        {.name = "seed", .value = "N", .kind = MMN_CLI_WHOLE, .target = &asked.first_seed,
         .minimum = 0, .maximum = 1e9, .help = "the first choice's seed; the others follow (1)"},
        MMN_CLI_DELTA(call),
        MMN_CLI_KEPT_ROWS(&study),
        MMN_CLI_ALLOW_UNKNOWN_KEYS(&asked.allow_unknown_keys),
        MMN_CLI_IGNORE_GENERATION_CONFIG(&study.wishes.ignore_generation_config),
        MMN_CLI_ALLOW_LONG_PROMPTS(&asked.allow_long_prompts),
        MMN_CLI_RESIZE_ORDER(&study.wishes.resize_order),
        MMN_CLI_ALLOW_NONFINITE(&study.wishes.allow_nonfinite),
    };
    /* clang-format on */
    return mmn_cli_run_study(&study, call, options, sizeof options / sizeof options[0]);
}
