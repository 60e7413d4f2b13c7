/* mmneuron dump: writes the stages of one forward pass to a safetensors file. */
#include <stdlib.h>

#include "cli/command.h"
#include "cli/destination.h"
#include "cli/interrupt.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/output.h"

/* Where the forward pass starts and what is kept of it. */
typedef struct dump_request {
    const char *prompt, *inputs, *output;
    mmn_cli_texts images;
    mmn_cli_ids ids;
    uint64_t generate;
    int allow_long_prompts;
    mmn_resize_order order;
    int ignore_generation_config;
    int allow_nonfinite;
    mmn_dump_options options;
} dump_request;

static int check_request(const mmn_cli_command *command, const dump_request *request)
{
    if (request->output == NULL)
        return mmn_cli_usage(command->name, "-o is missing: the file that receives the stages");
    int starts = (request->inputs != NULL) + (request->prompt != NULL) + (request->ids.ids != NULL);
    if (starts == 0)
        return mmn_cli_usage(command->name, "--prompt, --inputs or --ids is missing: what to run");
    if (starts > 1 || (request->prompt == NULL && request->images.count > 0))
        return mmn_cli_usage(command->name,
                             "--inputs and --ids replace --prompt and --image; give one of them");
    return MMN_CLI_DONE;
}

static mmn_status make_input(mmn_input **input, const mmn_model *model,
                             const dump_request *request, mmn_error *error)
{
    if (request->inputs != NULL)
        return mmn_input_from_file(input, model, request->inputs, error);
    if (request->ids.ids != NULL)
        return mmn_input_from_ids(input, model, request->ids.ids, request->ids.count, error);
    return mmn_input_from_prompt(input, model, request->prompt, request->images.texts,
                                 request->images.count, error);
}

static int run_dump(const mmn_model *model, const dump_request *request,
                    mmn_cli_destination *destination, bool json)
{
    mmn_error error;
    mmn_input *input = NULL;
    mmn_cli_interrupt_catch();
    mmn_status status = make_input(&input, model, request, &error);
    if (status == MMN_OK && !request->allow_long_prompts)
        status = mmn_input_fits(input, model, &error);
    if (status == MMN_OK)
        status = mmn_dump(model, input, &request->options, destination->path, &error);
    int code = MMN_CLI_DONE;
    if (status != MMN_OK) {
        code = mmn_cli_fail(&error);
    } else if (destination->standard) {
        code = mmn_cli_destination_send(destination);
    } else {
        mmn_cli_say_nonfinite(model, "the dump is written all the same");
        size_t positions = mmn_input_length(input);
        size_t image_positions = mmn_input_image_positions(input);
        if (json)
            code = mmn_cli_print_json(json_pack("{s:s, s:I, s:I}", "output", request->output,
                                                "positions", (json_int_t)positions,
                                                "image_positions", (json_int_t)image_positions));
        else
            mmn_cli_print("%s: %zu positions, %zu of them image features\n", request->output,
                          positions, image_positions);
    }
    mmn_input_free(input);
    return code;
}

int mmn_cli_dump(const mmn_cli_command *command, int argc, char **argv)
{
    dump_request request = {0};
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &request.output, .help = "where to write the stages (safetensors; - is standard output)"},
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
        {.name = "max-tokens", .former = "generate", .value = "N", .kind = MMN_CLI_WHOLE, .target = &request.generate,
         .maximum = 1e6, .help = "generate up to N tokens and store them as generated_ids"},
        MMN_CLI_IGNORE_GENERATION_CONFIG(&request.ignore_generation_config),
        MMN_CLI_ALLOW_LONG_PROMPTS(&request.allow_long_prompts),
        MMN_CLI_RESIZE_ORDER(&request.order),
        {.name = "allow-nonfinite", .kind = MMN_CLI_FLAG, .target = &request.allow_nonfinite,
         .help = "take pixels from --inputs that are infinite or NaN, too"},
    };
    mmn_cli_arguments arguments;
    mmn_cli_destination destination = {0};
    int code;
    mmn_model *model = NULL;
    if (!mmn_cli_parse(command, options, sizeof(options) / sizeof(options[0]), argc, argv,
                       &arguments, &code))
        goto done;
    code = check_request(command, &request);
    mmn_cli_destination_source(&destination, MMN_SOURCE_MODEL, arguments.texts[0]);
    mmn_cli_destination_source(&destination, MMN_SOURCE_FILE, request.inputs);
    for (size_t i = 0; i < request.images.count; i++)
        mmn_cli_destination_source(&destination, MMN_SOURCE_FILE, request.images.texts[i]);
    if (code == MMN_CLI_DONE)
        code = mmn_cli_destination_open(&destination, command, request.output, MMN_CLI_BINARY,
                                        NULL);
    if (code == MMN_CLI_DONE)
        code = mmn_cli_open_model(&model, arguments.texts[0], &arguments,
                                  &(mmn_model_options){
                                      .resize_order = request.order,
                                      .ignore_generation_config =
                                          request.ignore_generation_config,
                                      .allow_nonfinite = request.allow_nonfinite,
                                      .without_tokenizer = request.prompt == NULL,
                                  });
    if (code == MMN_CLI_DONE) {
        request.options.generate = (size_t)request.generate;
        code = run_dump(model, &request, &destination, arguments.json);
    }
done:
    mmn_cli_destination_close(&destination);
    mmn_model_close(model);
    mmn_cli_free(arguments.texts);
    mmn_cli_free(request.images.texts);
    free(request.ids.ids);
    return code;
}
