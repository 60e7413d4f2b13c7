/* mmneuron edit: finds additions to weights that change a word of an answer, and writes them. */
#include "cli/command.h"
#include "cli/destination.h"
#include "cli/edit.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"

/* The delta is written already: of the result there is only what is printed. */
static int give_result(mmn_cli_call *call, const mmn_result *result)
{
    if (call->destination.standard)
        return mmn_cli_destination_send(call);
    call->destination.path = NULL;
    return mmn_cli_give_result(call, result);
}

static int run(mmn_cli_call *call, mmn_edit_options *asked)
{
    mmn_cli_progress progress;
    mmn_result *result = NULL;
    mmn_error error;
    asked->output = call->destination.path;
    asked->progress = mmn_cli_progress_show;
    asked->progress_context = &progress;
    mmn_cli_work_begin(&progress, call->quiet);
    const mmn_status status = mmn_edit(&result, call->model, asked, &error);
    int code = mmn_cli_work_end(&progress, status, &error);
    if (status == MMN_OK)
        code = give_result(call, result);
    mmn_result_free(result);
    return code;
}

static int check_request(const mmn_cli_call *call, const mmn_edit_options *asked)
{
    if (asked->question == NULL && asked->prompt == NULL)
        return mmn_cli_usage(call, "a question or --prompt is missing");
    if (asked->question != NULL && asked->prompt != NULL)
        return mmn_cli_usage(call, "--prompt replaces the question; give one or the other");
    if (asked->prompt != NULL && asked->template_name != NULL)
        return mmn_cli_usage(call, "--template is for a question; --prompt is taken as it stands");
    return MMN_CLI_DONE;
}

int mmn_cli_edit(mmn_cli_call *call)
{
    mmn_edit_options asked = {.size = sizeof(asked)};
    mmn_model_options wishes = {0};
    mmn_cli_texts images = {0};
    const char *output = NULL;
    uint64_t seed = 0;
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &output, .needed = "the file that receives the additions",
         .help = "where to write the additions, for --delta (safetensors; - is standard output)"},
        {.name = "from", .value = "WORD", .kind = MMN_CLI_TEXT, .target = &asked.from,
         .needed = "the word of the answer that shall change", .help = "a word of the answer"},
        {.name = "to", .value = "WORD", .kind = MMN_CLI_TEXT, .target = &asked.to,
         .needed = "the word that shall be said instead",
         .help = "what the model shall say in its place"},
        {.name = "image", .letter = 'i', .value = "FILE", .kind = MMN_CLI_TEXTS, .target = &images,
         .help = "a JPEG, PNG, WebP, TIFF, GIF or BMP file; may be repeated: several are joined"
                 " side by side"},
        {.name = "prompt", .value = "TEXT", .kind = MMN_CLI_TEXT, .target = &asked.prompt,
         .help = "the raw text of the prompt instead of a question, with \"<image>\" where the"
                 " image goes"},
        {.name = "template", .value = "NAME", .kind = MMN_CLI_TEXT,
         .target = &asked.template_name,
         .help = "the prompt template, as for \"mmneuron ask\" (the model's own)"},
        {.name = "max-tokens", .letter = 'n', .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &asked.tokens, .minimum = 1, .maximum = 4096,
         .help = "answer with N tokens at most (32)"},
        {.name = "method", .value = "NAME", .kind = MMN_CLI_TEXT, .target = &asked.method,
         .help = "direct: without gradients, which is ours; optimised: by Adam, after Pan et al."
                 " (direct)"},
        MMN_CLI_OF_EDITS(&asked),
        {.name = "random", .value = "SEED", .kind = MMN_CLI_WHOLE, .target = &seed,
         .minimum = 1, .maximum = 1e15,
         .help = "take as many random neurons of all layers instead, for comparison"},
        MMN_CLI_DELTA(call),
        MMN_CLI_IGNORE_GENERATION_CONFIG(&wishes.ignore_generation_config),
        MMN_CLI_ALLOW_LONG_PROMPTS(&asked.allow_long_prompts),
        MMN_CLI_RESIZE_ORDER(&wishes.resize_order),
        MMN_CLI_ALLOW_NONFINITE(&wishes.allow_nonfinite),
    };
    /* clang-format on */
    MMN_CLI_TRY(mmn_cli_parse(call, options, sizeof options / sizeof options[0]));
    asked.question = call->count > 1 ? call->texts[1] : NULL;
    asked.images = images.texts;
    asked.image_count = images.count;
    asked.random = seed > 0;
    asked.seed = seed;
    MMN_CLI_TRY(check_request(call, &asked));
    mmn_cli_destination_source(call, MMN_SOURCE_MODEL, call->texts[0]);
    for (size_t i = 0; i < images.count; i++)
        mmn_cli_destination_source(call, MMN_SOURCE_FILE, images.texts[i]);
    MMN_CLI_TRY(mmn_cli_destination_open(call, output, MMN_CLI_BINARY, NULL));
    MMN_CLI_TRY(mmn_cli_open_model(call, &wishes));
    return run(call, &asked);
}
