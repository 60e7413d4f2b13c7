/* mmneuron ask: answers a question about images. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"

typedef struct ask_request {
    const char *question, *prompt, *template_name;
    mmn_cli_texts images;
    uint64_t limit;
    mmn_resize_order order;
} ask_request;

/* Follows the forward pass, layer by layer and then token by token. */
typedef struct ask_watch {
    mmn_cli_progress progress;
    uint64_t prompt_layers, limit; /* steps of the prompt's pass; tokens that may follow */
    uint64_t layers, tokens;
    uint32_t last_layer;
} ask_watch;

typedef struct ask_answer {
    const char *prompt; /* as given, or made_prompt */
    char *made_prompt, *text;
    int32_t *ids;
    size_t id_count, positions, image_positions;
} ask_answer;

/* A probe's function: it only looks at which stage comes by. */
static mmn_status watch_stage(void *context, const mmn_stage *stage, mmn_error *error)
{
    ask_watch *watch = context;
    mmn_progress state = {.seconds = mmn_cli_progress_seconds(&watch->progress)};
    if (!stage->generating) {
        watch->layers++;
        state.label = "reading";
        state.unit = "layers";
        state.done = watch->layers;
        state.total = watch->prompt_layers;
    } else {
        watch->tokens += stage->layer == (int)watch->last_layer;
        state.label = "answering";
        state.unit = "tokens";
        state.done = watch->tokens;
        state.total = watch->limit;
    }
    if (state.done > state.total)
        state.done = state.total;
    if (mmn_cli_progress_show(&watch->progress, &state) == 0)
        return MMN_OK;
    *error = (mmn_error){.status = MMN_INTERRUPTED, .message = "interrupted before the answer"};
    return MMN_INTERRUPTED;
}

static mmn_status run_model(ask_answer *answer, const mmn_model *model, const mmn_input *input,
                            uint64_t limit, bool quiet, mmn_error *error)
{
    const mmn_model_info *info = mmn_model_describe(model);
    ask_watch watch = {
        .prompt_layers = (uint64_t)info->vision_layers * (mmn_input_image_positions(input) > 0) +
                         info->language_layers,
        .limit = limit,
        .last_layer = info->language_layers - 1,
    };
    const mmn_probe probe = {
        .stages = "vision.layers.*.out,language.layers.*.mlp.out",
        .see = watch_stage,
        .context = &watch,
    };
    mmn_session *session = NULL;
    mmn_cli_progress_begin(&watch.progress, quiet);
    mmn_status status = mmn_session_create(&session, model, NULL, error);
    if (status == MMN_OK)
        status = mmn_session_add_probe(session, &probe, error);
    if (status == MMN_OK)
        status = mmn_session_prefill(session, input, error);
    if (status == MMN_OK)
        status = mmn_session_generate(session, (size_t)limit, answer->ids, &answer->id_count,
                                      error);
    mmn_session_free(session);
    mmn_cli_progress_clear(&watch.progress);
    return status;
}

static mmn_status find_answer(ask_answer *answer, const mmn_model *model,
                              const ask_request *request, bool quiet, mmn_error *error)
{
    mmn_input *input = NULL;
    mmn_status status = MMN_OK;
    if (request->prompt == NULL)
        status = mmn_prompt_from_template(model, request->template_name, request->question,
                                          request->images.count > 0, &answer->made_prompt, error);
    answer->prompt = request->prompt != NULL ? request->prompt : answer->made_prompt;
    if (status == MMN_OK)
        status = mmn_input_from_prompt(&input, model, answer->prompt, request->images.texts,
                                       request->images.count, error);
    if (status == MMN_OK) {
        answer->positions = mmn_input_length(input);
        answer->image_positions = mmn_input_image_positions(input);
        if (!quiet && answer->positions > mmn_model_describe(model)->maximum_positions)
            mmn_cli_message("the prompt takes %zu positions, more than the %" PRIu32 " that the"
                            " model was made for; the answer may be worse for it",
                            answer->positions, mmn_model_describe(model)->maximum_positions);
        status = run_model(answer, model, input, request->limit, quiet, error);
    }
    if (status == MMN_OK)
        status = mmn_model_decode(model, answer->ids, answer->id_count, 1, &answer->text, error);
    mmn_input_free(input);
    return status;
}

static int print_answer(const ask_answer *answer, bool json)
{
    if (!json) {
        mmn_cli_print("%s\n", answer->text);
        return MMN_CLI_DONE;
    }
    json_t *ids = json_array();
    for (size_t index = 0; index < answer->id_count; index++)
        json_array_append_new(ids, json_integer(answer->ids[index]));
    return mmn_cli_print_json(json_pack(
        "{s:s, s:I, s:I, s:s, s:o}", "prompt", answer->prompt, "positions",
        (json_int_t)answer->positions, "image_positions", (json_int_t)answer->image_positions,
        "answer", answer->text, "ids", ids));
}

static int check_request(const mmn_cli_command *command, const ask_request *request)
{
    if (request->question == NULL && request->prompt == NULL)
        return mmn_cli_usage(command->name, "a question or --prompt is missing");
    if (request->question != NULL && request->prompt != NULL)
        return mmn_cli_usage(command->name, "--prompt replaces the question; give one or the"
                                            " other");
    if (request->prompt != NULL && request->template_name != NULL)
        return mmn_cli_usage(command->name, "--template is for a question; --prompt is taken as it"
                                            " stands");
    return MMN_CLI_DONE;
}

int mmn_cli_ask(const mmn_cli_command *command, int argc, char **argv)
{
    ask_request request = {.limit = 128};
    ask_answer answer = {0};
    mmn_model *model = NULL;
    const mmn_cli_option options[] = {
        {.name = "image", .letter = 'i', .value = "FILE", .kind = MMN_CLI_TEXTS,
         .target = &request.images,
         .help = "a JPEG or PNG file; may be repeated: several are joined side by side"},
        {.name = "template", .value = "NAME", .kind = MMN_CLI_TEXT,
         .target = &request.template_name,
         .help = "the prompt template: llava-1.5, llava-v1.6-vicuna, llava-v1.6-mistral or raw"
                 " (the model's own)"},
        {.name = "prompt", .value = "TEXT", .kind = MMN_CLI_TEXT, .target = &request.prompt,
         .help = "the raw text of the prompt instead of a question, with \"<image>\" where the"
                 " image goes"},
        {.name = "max-new-tokens", .letter = 'n', .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &request.limit, .minimum = 1, .maximum = 1e6,
         .help = "stop after N tokens (128)"},
        MMN_CLI_RESIZE_ORDER(&request.order),
    };
    mmn_cli_arguments arguments;
    int code;
    if (!mmn_cli_parse(command, options, sizeof options / sizeof options[0], argc, argv,
                       &arguments, &code))
        goto done;
    request.question = arguments.count > 1 ? arguments.texts[1] : NULL;
    code = check_request(command, &request);
    if (code == MMN_CLI_DONE)
        code = mmn_cli_open_model(&model, arguments.texts[0], &arguments, request.order);
    if (code != MMN_CLI_DONE)
        goto done;

    mmn_cli_interrupt_catch();
    mmn_error error;
    answer.ids = calloc((size_t)request.limit, sizeof *answer.ids);
    if (answer.ids == NULL) {
        mmn_cli_message("memory is short");
        code = MMN_CLI_FAILED;
    } else if (find_answer(&answer, model, &request, arguments.quiet, &error) != MMN_OK) {
        code = mmn_cli_fail(&error);
    } else {
        code = print_answer(&answer, arguments.json);
    }
done:
    free(answer.ids);
    mmn_release(answer.made_prompt);
    mmn_release(answer.text);
    mmn_model_close(model);
    mmn_cli_free(arguments.texts);
    mmn_cli_free(request.images.texts);
    return code;
}
