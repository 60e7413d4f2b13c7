/* mmneuron dump: writes the stages of one forward pass to a safetensors file. */
#include "cli/command.h"
#include "cli/destination.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/signals.h"

/* Where the forward pass starts and what is kept of it. */
typedef struct dump_request {
    const char *prompt, *inputs, *output;
    mmn_cli_texts images;
    mmn_cli_ids ids;
    uint64_t generate, gradient_at;
    int allow_long_prompts;
    mmn_model_options wishes;
    mmn_dump_options options;
} dump_request;

static int check_request(const mmn_cli_call *call, const dump_request *request)
{
    int starts = (request->inputs != NULL) + (request->prompt != NULL) + (request->ids.ids != NULL);
    if (starts == 0)
        return mmn_cli_usage(call, "--prompt, --inputs or --ids is missing: what to run");
    if (starts > 1 || (request->prompt == NULL && request->images.count > 0))
        return mmn_cli_usage(call,
                             "--inputs and --ids replace --prompt and --image; give one of them");
    if (request->options.gradient_of == NULL && (request->options.logit || request->gradient_at))
        return mmn_cli_usage(call, "--logit and --before are for --gradient-of");
    return MMN_CLI_DONE;
}

static mmn_status make_input(mmn_input **input, const mmn_model *model, const dump_request *request,
                             mmn_error *error)
{
    if (request->inputs != NULL)
        return mmn_input_from_file(input, model, request->inputs, error);
    if (request->ids.ids != NULL)
        return mmn_input_from_ids(input, model, request->ids.ids, request->ids.count, error);
    return mmn_input_from_prompt(input, model, request->prompt, request->images.texts,
                                 request->images.count, error);
}

static int give_result(mmn_cli_call *call, const mmn_input *input)
{
    const char *path = call->destination.path;
    const size_t positions = mmn_input_length(input);
    const size_t image_positions = mmn_input_image_positions(input);
    if (call->destination.standard)
        return mmn_cli_destination_send(call);
    mmn_cli_say_nonfinite(call->model, "the dump is written all the same");
    if (call->json)
        return mmn_cli_print_json(json_pack("{s:s, s:I, s:I}", "output", path, "positions",
                                            (json_int_t)positions, "image_positions",
                                            (json_int_t)image_positions));
    mmn_cli_print("%s: %zu positions, %zu of them image features\n", path, positions,
                  image_positions);
    return MMN_CLI_DONE;
}

static int run_dump(mmn_cli_call *call, const dump_request *request)
{
    mmn_error error;
    mmn_input *input = NULL;
    mmn_cli_interrupt_catch();
    mmn_status status = make_input(&input, call->model, request, &error);
    if (status == MMN_OK && !request->allow_long_prompts)
        status = mmn_input_fits(input, call->model, &error);
    if (status == MMN_OK)
        status = mmn_dump(call->model, input, &request->options, call->destination.path, &error);
    const int code = status == MMN_OK ? give_result(call, input) : mmn_cli_fail(&error);
    mmn_input_free(input);
    return code;
}

int mmn_cli_dump(mmn_cli_call *call)
{
    dump_request request = {.options.size = sizeof(mmn_dump_options)};
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &request.output, .needed = "the file that receives the stages",
         .help = "where to write the stages (safetensors; - is standard output)"},
        {.name = "prompt", .value = "TEXT", .kind = MMN_CLI_TEXT, .target = &request.prompt,
         .help = "the raw text of the prompt, with \"<image>\" where the image goes"},
        {.name = "image", .value = "FILE", .kind = MMN_CLI_TEXTS, .target = &request.images,
         .help = "a JPEG, PNG, WebP, TIFF, GIF or BMP file; may be repeated"},
        {.name = "inputs", .value = "FILE", .kind = MMN_CLI_TEXT, .target = &request.inputs,
         .help = "take input_ids, pixel_values and image_sizes from this dump instead"},
        {.name = "ids", .value = "IDS", .kind = MMN_CLI_IDS, .target = &request.ids,
         .help = "run these token ids, separated by commas, without an image or a tokenizer"},
        {.name = "stages", .value = "PATTERNS", .kind = MMN_CLI_TEXT,
         .target = &request.options.stages,
         .help = "only stages that match one of these patterns, separated by commas (all)"},
        {.name = "max-tokens", .former = "generate", .value = "N",
         .kind = MMN_CLI_WHOLE, .target = &request.generate,
         .maximum = 1e6, .help = "generate up to N tokens and store them as generated_ids"},
        MMN_CLI_DELTA(call),
        {.name = "gradient-of", .value = "WORD", .kind = MMN_CLI_TEXT,
         .target = &request.options.gradient_of,
         .help = "also the gradients of ln p of WORD's first token behind the prompt"},
        {.name = "logit", .kind = MMN_CLI_FLAG, .target = &request.options.logit,
         .help = "gradients of the token's logit instead"},
        {.name = "before", .value = "N", .kind = MMN_CLI_WHOLE, .target = &request.gradient_at,
         .maximum = 1e6, .help = "gradients at the position N before the last one (0)"},
        MMN_CLI_IGNORE_GENERATION_CONFIG(&request.wishes.ignore_generation_config),
        MMN_CLI_ALLOW_LONG_PROMPTS(&request.allow_long_prompts),
        MMN_CLI_RESIZE_ORDER(&request.wishes.resize_order),
        {.name = "allow-nonfinite", .kind = MMN_CLI_FLAG,
         .target = &request.wishes.allow_nonfinite,
         .help = "take pixels from --inputs that are infinite or NaN, too"},
    };
    /* clang-format on */
    MMN_CLI_TRY(mmn_cli_parse(call, options, sizeof options / sizeof options[0]));
    MMN_CLI_TRY(check_request(call, &request));
    mmn_cli_destination_source(call, MMN_SOURCE_MODEL, call->texts[0]);
    mmn_cli_destination_source(call, MMN_SOURCE_FILE, request.inputs);
    for (size_t i = 0; i < request.images.count; i++)
        mmn_cli_destination_source(call, MMN_SOURCE_FILE, request.images.texts[i]);
    MMN_CLI_TRY(mmn_cli_destination_open(call, request.output, MMN_CLI_BINARY, NULL));
    request.wishes.without_tokenizer = request.prompt == NULL &&
                                       request.options.gradient_of == NULL;
    MMN_CLI_TRY(mmn_cli_open_model(call, &request.wishes));
    request.options.generate = (size_t)request.generate;
    request.options.gradient_at = (size_t)request.gradient_at;
    return run_dump(call, &request);
}
