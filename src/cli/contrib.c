/* mmneuron contrib: finds the neurons that add most to the words of an answer, or of the answers to
 * a list. */
#include <string.h>

#include "cli/output.h"
#include "cli/ranks.h"
#include "cli/study.h"

#define NOT_GIVEN UINT32_MAX

typedef struct contrib_request {
    mmn_contribution_options options;
    const char *by, *activation, *mask, *name_rows;
    mmn_output *name_output;
    mmn_cli_texts images;
    uint32_t shuffles;
} contrib_request;

static mmn_status run(mmn_result **result, const mmn_model *model, void *context, mmn_error *error)
{
    const contrib_request *request = context;
    const mmn_status status = mmn_contributions_run(result, model, &request->options, error);
    if (status != MMN_OK || request->name_rows == NULL || mmn_cli_ranks_follow())
        return status;
    return mmn_contribution_names_write(*result, request->name_rows, error);
}

/* Whether the argument is a list. Beside an image, it is a question about that. */
static bool is_list(const char *argument, const contrib_request *request)
{
    static const char ending[] = ".jsonl";
    const size_t length = argument != NULL ? strlen(argument) : 0;
    return length >= sizeof ending && request->images.count == 0 &&
           strcmp(argument + length - (sizeof ending - 1), ending) == 0;
}

/* What is of lists only. */
static int check_question(mmn_cli_call *call, const mmn_cli_study *study)
{
    const contrib_request *request = study->request;
    const mmn_contribution_options *options = &request->options;
    if (options->question == NULL && options->prompt == NULL)
        return mmn_cli_usage(call, "a question or --prompt is missing");
    if (options->question != NULL && options->prompt != NULL)
        return mmn_cli_usage(call, "--prompt replaces the question; give one or the other");
    if (options->prompt != NULL && options->template_name != NULL)
        return mmn_cli_usage(call, "--template is for a question; --prompt is taken as it stands");
    if (study->rows_file != NULL || study->shard.count > 0 || options->samples > 0 ||
        options->at_least > 0 || request->shuffles != NOT_GIVEN || request->name_rows != NULL ||
        options->allow_unknown_keys)
        return mmn_cli_usage(call,
                             "--rows, --shard, --samples, --at-least, --shuffles, --name-rows and"
                             " --allow-unknown-keys are for a list, DATA.jsonl");
    if (mmn_cli_ranks() != NULL)
        return mmn_cli_usage(call, "one question is not divided among processes; start it alone");
    return MMN_CLI_DONE;
}

/* Takes the file of names before the work. */
static int claim_names(const mmn_cli_call *call, contrib_request *request,
                       const mmn_cli_study *study)
{
    if (study->shard.count > 0)
        return mmn_cli_usage(call, "--name-rows is of a result; a shard has rows alone");
    return mmn_cli_study_claim(&request->name_output, call, request->name_rows);
}

/* What is of one question only. */
static int check_list(mmn_cli_call *call, mmn_cli_study *study)
{
    contrib_request *request = study->request;
    if (request->options.prompt != NULL)
        return mmn_cli_usage(call, "--prompt is for one answer; the samples of a list have theirs");
    if (request->mask != NULL)
        return mmn_cli_usage(call, "--mask is for one answer; of a list no maps are kept");
    if (request->shuffles != NOT_GIVEN)
        request->options.shuffles = request->shuffles;
    else
        request->options.shuffles = 1;
    request->options.list = call->texts[1];
    study->list = &request->options.list;
    study->rows = &request->options.rows;
    return request->name_rows != NULL ? claim_names(call, request, study) : MMN_CLI_DONE;
}

static int check(mmn_cli_call *call, mmn_cli_study *study)
{
    contrib_request *request = study->request;
    mmn_contribution_options *options = &request->options;
    const char *argument = call->count > 1 ? call->texts[1] : NULL;
    options->product = strcmp(request->activation, "product") == 0;
    options->enlarged = request->mask != NULL && strcmp(request->mask, "enlarged") == 0;
    options->gradient = strcmp(request->by, "gradient") == 0;
    if (!options->gradient && strcmp(request->by, "contribution") != 0)
        return mmn_cli_usage(call, "--by is contribution or gradient");
    if (!options->product && strcmp(request->activation, "gate") != 0)
        return mmn_cli_usage(call, "--activation is gate or product");
    if (request->mask != NULL && !options->enlarged && strcmp(request->mask, "patches") != 0)
        return mmn_cli_usage(call, "--mask is patches or enlarged");
    if (options->word != NULL && options->all_words)
        return mmn_cli_usage(call, "--word and --all-words exclude each other");
    if (is_list(argument, request))
        return check_list(call, study);
    options->question = argument;
    options->images = request->images.texts;
    options->image_count = request->images.count;
    MMN_CLI_TRY(check_question(call, study));
    for (size_t i = 0; i < options->image_count; i++)
        mmn_cli_destination_source(call, MMN_SOURCE_FILE, options->images[i]);
    return MMN_CLI_DONE;
}

int mmn_cli_contrib(mmn_cli_call *call)
{
    contrib_request request = {
        .by = "contribution",
        .activation = "gate",
        .shuffles = NOT_GIVEN,
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
         .kind = MMN_CLI_WHOLE, .target = &options->tokens, .minimum = 1, .maximum = 4096,
         .help = "answer with N tokens at most (32)"},
        {.name = "word", .value = "WORD", .kind = MMN_CLI_TEXT, .target = &options->word,
         .help = "only this word of the answer (all content words)"},
        {.name = "all-words", .kind = MMN_CLI_FLAG, .target = &options->all_words,
         .help = "function words (the, of, ...) too"},
        {.name = "by", .value = "NAME", .kind = MMN_CLI_TEXT, .target = &request.by,
         .help = "choose neurons by contribution or by gradient (contribution)"},
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
        {.name = "weight-noise", .value = "S", .kind = MMN_CLI_REAL,
         .target = &options->weight_noise, .minimum = 1e-6, .maximum = 1e6,
         .help = "disturb by noise in the weights that leave neurons, too, as published, of"
                 " standard deviation S"},
        {.name = "mask", .value = "KIND", .kind = MMN_CLI_TEXT, .target = &request.mask,
         .help = "what the bar of a map is the 95th percentile of: patches, or enlarged, the map"
                 " enlarged to the picture, as published (patches)"},
        {.name = "samples", .value = "N", .kind = MMN_CLI_WHOLE, .target = &options->samples,
         .minimum = 1, .help = "of a list, the first N samples of each domain (all)"},
        {.name = "shuffles", .value = "N", .kind = MMN_CLI_U32, .target = &request.shuffles,
         .minimum = 0, .maximum = 1000,
         .help = "of a list, answer N times more with the image's positions permuted (1)"},
        {.name = "at-least", .value = "N", .kind = MMN_CLI_WHOLE, .target = &options->at_least,
         .minimum = 2, .maximum = 1e9,
         .help = "of a list, compare samples for words that N say (5)"},
        {.name = "name-rows", .value = "FILE.jsonl", .kind = MMN_CLI_TEXT,
         .target = &request.name_rows,
         .help = "of a list, write each word and the names of its neurons to FILE.jsonl, for"
                 " programs that compare texts"},
        MMN_CLI_DELTA(call),
        MMN_CLI_KEPT_ROWS(&study),
        MMN_CLI_ALLOW_UNKNOWN_KEYS(&options->allow_unknown_keys),
        MMN_CLI_IGNORE_GENERATION_CONFIG(&study.wishes.ignore_generation_config),
        MMN_CLI_ALLOW_LONG_PROMPTS(&options->allow_long_prompts),
        MMN_CLI_RESIZE_ORDER(&study.wishes.resize_order),
        MMN_CLI_ALLOW_NONFINITE(&study.wishes.allow_nonfinite),
    };
    /* clang-format on */
    const int code = mmn_cli_run_study(&study, call, table, sizeof table / sizeof table[0]);
    mmn_output_release(request.name_output);
    return code;
}
