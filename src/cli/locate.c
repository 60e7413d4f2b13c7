/* mmneuron locate: lets a language model read a picture through a detector, and goes back from a
 * word to what the detector saw. */
#include "cli/study.h"

/* The library's options, what is drawn, and the call, whose second argument is the language
 * model. */
typedef struct locate_request {
    mmn_locate_options asked;
    mmn_cli_picture picture;
    mmn_cli_call *call;
} locate_request;

static mmn_status run(mmn_result **result, const mmn_model *model, void *context, mmn_error *error)
{
    const locate_request *request = context;
    mmn_model *language = NULL;
    mmn_status status =
        mmn_cli_open_another(&language, request->call, request->call->texts[1], error);
    if (status == MMN_OK)
        status = mmn_locate(result, model, language, &request->asked, error);
    mmn_model_close(language);
    return status;
}

static int check(mmn_cli_call *call, mmn_cli_study *study)
{
    locate_request *request = study->request;
    request->call = call;
    request->picture.image = request->asked.image;
    if ((request->asked.from == NULL) != (request->asked.to == NULL))
        return mmn_cli_usage(call, "--from and --to go together");
    if (request->picture.file != NULL && request->asked.word == NULL)
        return mmn_cli_usage(call, "--picture shows where a word is seen, which --word names");
    if (request->asked.to == NULL && request->asked.epsilon != 0)
        return mmn_cli_usage(call, "--epsilon is for a step, which --from and --to name");
    mmn_cli_destination_source(call, MMN_SOURCE_MODEL, call->texts[1]);
    mmn_cli_destination_source(call, MMN_SOURCE_FILE, request->asked.alignment);
    mmn_cli_destination_source(call, MMN_SOURCE_FILE, request->asked.image);
    return MMN_CLI_DONE;
}

int mmn_cli_locate(mmn_cli_call *call)
{
    locate_request request = {.asked = {.size = sizeof(mmn_locate_options)},
                              .picture = {.figure = "located"}};
    mmn_locate_options *asked = &request.asked;
    mmn_cli_study study = {.request = &request,
                           .run = run,
                           .check = check,
                           .picture = &request.picture,
                           MMN_CLI_ASKED(asked)};
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "align", .value = "W", .kind = MMN_CLI_TEXT, .target = &asked->alignment,
         .needed = "the network between detector and language model",
         .help = "a safetensors file with the layers linear_1, linear_2, ... that make of a patch of"
                 " the detector's embedding what MODEL reads"},
        {.name = "image", .value = "FILE", .kind = MMN_CLI_TEXT, .target = &asked->image,
         .needed = "the picture to look at",
         .help = "a JPEG, PNG, WebP, TIFF, GIF or BMP file"},
        {.name = "prompt", .value = "TEXT", .kind = MMN_CLI_TEXT, .target = &asked->prompt,
         .needed = "what MODEL reads",
         .help = "the raw text of the prompt, with \"<image>\" where the picture goes"},
        {.name = "word", .value = "WORD", .kind = MMN_CLI_TEXT, .target = &asked->word,
         .help = "show by which boxes the logit of WORD behind the prompt goes"},
        {.name = "weights", .value = "KIND", .kind = MMN_CLI_TEXT, .target = &asked->weights,
         .help = "what of a box the map shows: class, coordinates or any, the larger (class)"},
        {.name = "from", .value = "WORD", .kind = MMN_CLI_TEXT, .target = &asked->from,
         .help = "with --to: answer once more, after a step to where the detector sees what --to"
                 " names rather than this"},
        {.name = "to", .value = "WORD", .kind = MMN_CLI_TEXT, .target = &asked->to,
         .help = "what it is to see"},
        {.name = "epsilon", .value = "E", .kind = MMN_CLI_REAL, .target = &asked->epsilon,
         .minimum = 0, .maximum = 1e6, .above = true,
         .help = "how far each number of the embedding goes in the step (1)"},
        {.name = "max-tokens", .letter = 'n', .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &asked->tokens, .minimum = 1, .maximum = 4096,
         .help = "answer with N tokens at most (32)"},
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &study.output, .help = "write everything to FILE (JSON; - is standard output)"},
        MMN_CLI_PICTURE(&request.picture, "where the word is seen"),
        MMN_CLI_RESIZE_ORDER(&study.wishes.resize_order),
    };
    /* clang-format on */
    return mmn_cli_run_study(&study, call, options, sizeof options / sizeof options[0]);
}
