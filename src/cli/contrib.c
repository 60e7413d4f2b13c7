/* mmneuron contrib: finds the neurons that add most to the words of an answer. */
#include <string.h>

#include "cli/study.h"

typedef struct contrib_request {
    mmn_contribution_options options;
    const char *activation;
    mmn_cli_texts images;
} contrib_request;

static mmn_status run(mmn_result **result, const mmn_model *model, void *context, mmn_error *error)
{
    const contrib_request *request = context;
    return mmn_contributions_run(result, model, &request->options, error);
}

static int check(mmn_cli_call *call, mmn_cli_study *study)
{
    contrib_request *request = study->request;
    mmn_contribution_options *options = &request->options;
    options->question = call->count > 1 ? call->texts[1] : NULL;
    options->images = request->images.texts;
    options->image_count = request->images.count;
    options->product = strcmp(request->activation, "product") == 0;
    if (options->question == NULL && options->prompt == NULL)
        return mmn_cli_usage(call, "a question or --prompt is missing");
    if (options->question != NULL && options->prompt != NULL)
        return mmn_cli_usage(call, "--prompt replaces the question; give one or the other");
    if (options->prompt != NULL && options->template_name != NULL)
        return mmn_cli_usage(call, "--template is for a question; --prompt is taken as it stands");
    if (options->word != NULL && options->all_words)
        return mmn_cli_usage(call, "--word and --all-words exclude each other");
    if (!options->product && strcmp(request->activation, "gate") != 0)
        return mmn_cli_usage(call, "--activation is gate or product");
    for (size_t i = 0; i < options->image_count; i++)
        mmn_cli_destination_source(call, MMN_SOURCE_FILE, options->images[i]);
    return MMN_CLI_DONE;
}

int mmn_cli_contrib(mmn_cli_call *call)
{
    contrib_request request = {
        .activation = "gate",
        .options = {
            .size = sizeof(mmn_contribution_options), .seeds = 5, .first_seed = 1, .noise = 0.5}};
    mmn_contribution_options *options = &request.options;
    mmn_cli_study study = {.request = &request, .run = run, .check = check, MMN_CLI_ASKED(options)};
    /* clang-format off */
    const mmn_cli_option table[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &study.output, .help = "write everything to FILE (JSON; - is standard output)"},
        {.name = "image", .letter = 'i', .value = "FILE", .kind = MMN_CLI_TEXTS,
         .target = &request.images,
         .help = "a JPEG, PNG, WebP, TIFF, GIF or BMP file; may be repeated: several are joined"
                 " side by side"},
        {.name = "prompt", .value = "TEXT", .kind = MMN_CLI_TEXT, .target = &options->prompt,
         .help = "the raw text of the prompt instead of a question, with \"<image>\" where the"
                 " image goes"},
        {.name = "template", .value = "NAME", .kind = MMN_CLI_TEXT,
         .target = &options->template_name,
         .help = "the prompt template, as for \"mmneuron ask\" (the model's own)"},
        {.name = "max-tokens", .former = "generate", .letter = 'n', .value = "N",
         .kind = MMN_CLI_WHOLE,
         .target = &options->tokens, .minimum = 1, .maximum = 4096,
         .help = "answer with N tokens at most (32)"},
        {.name = "word", .value = "WORD", .kind = MMN_CLI_TEXT, .target = &options->word,
         .help = "only this word of the answer (all content words)"},
        {.name = "all-words", .kind = MMN_CLI_FLAG, .target = &options->all_words,
         .help = "function words (the, of, ...) too"},
        {.name = "activation", .value = "KIND", .kind = MMN_CLI_TEXT,
         .target = &request.activation,
         .help = "gate: act_fn(gate_proj(x)), as published; product: times up_proj(x) (gate)"},
        {.name = "top", .value = "K", .kind = MMN_CLI_WHOLE, .target = &options->top,
         .minimum = 1, .maximum = 10000, .help = "keep K neurons of each word (10)"},
        {.name = "names", .value = "K", .kind = MMN_CLI_WHOLE, .target = &options->names,
         .minimum = 1, .maximum = 1000, .help = "keep K words that a neuron stands for (5)"},
        {.name = "seeds", .value = "N", .kind = MMN_CLI_WHOLE, .target = &options->seeds,
         .minimum = 0, .maximum = 1000,
         .help = "compare disturbed neurons with N choices of random ones; 0: none is disturbed"
                 " (5)"},
        {.name = "seed", .value = "N", .kind = MMN_CLI_WHOLE, .target = &options->first_seed,
         .help = "the first seed (1)"},
        {.name = "noise", .value = "S", .kind = MMN_CLI_REAL, .target = &options->noise,
         .minimum = 1e-6, .maximum = 1e6,
         .help = "standard deviation of the noise that disturbs (0.5)"},
        MMN_CLI_IGNORE_GENERATION_CONFIG(&study.wishes.ignore_generation_config),
        MMN_CLI_ALLOW_LONG_PROMPTS(&options->allow_long_prompts),
        MMN_CLI_RESIZE_ORDER(&study.wishes.resize_order),
        MMN_CLI_ALLOW_NONFINITE(&study.wishes.allow_nonfinite),
    };
    /* clang-format on */
    return mmn_cli_run_study(&study, call, table, sizeof table / sizeof table[0]);
}
