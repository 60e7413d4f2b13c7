/* mmneuron ask: answers questions, about images or without. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/signals.h"

enum { MAXIMUM_BYTES = 16 << 20 }; /* of a file of questions */

/* The lines of such a file. */
typedef struct ask_lines {
    const char **texts; /* [count], in the file's order; they point into `contents` */
    size_t count;
    char *contents;
} ask_lines;

typedef struct ask_request {
    const char *prompt, *template_name, *questions_file;
    mmn_steering steering; /* neurons to switch off and on; ranking NULL: none */
    const char *const *questions;
    size_t question_count;
    mmn_cli_texts images;
    uint64_t limit;
    mmn_sampling sampling;
    mmn_cli_beams beams;
    mmn_beam_search beam_search; /* what `beams` and the model's folder say */
    mmn_cli_texts stop;
    mmn_model_options wishes;
    int allow_long_prompts;
    bool quiet, json, list; /* list: --json prints an array */
} ask_request;

/* Follows the forward pass, layer by layer and then token by token. */
typedef struct ask_watch {
    mmn_cli_progress progress;
    uint64_t prompt_layers, limit; /* steps of the prompt's pass; tokens that may follow */
    uint64_t layers, tokens;
    uint32_t last_layer;
} ask_watch;

typedef struct ask_answer {
    const char *question; /* NULL: a prompt was given */
    const char *prompt;   /* as given, or made_prompt */
    char *made_prompt, *text;
    int32_t *ids;
    size_t id_count, positions, image_positions, positions_reused;
    bool nonfinite; /* it was made of numbers that are infinite or NaN */
} ask_answer;

/* One session for all questions, so that what they have in common is computed once. */
typedef struct ask_run {
    const ask_request *request;
    mmn_model *model;
    mmn_mask *mask; /* or NULL */
    mmn_session *session;
    ask_watch watch;
    json_t *list; /* the answers so far */
} ask_run;

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

static mmn_status start_session(ask_run *run, mmn_error *error)
{
    const mmn_probe probe = {
        .stages = "vision.layers.*.out,language.layers.*.mlp.out",
        .see = watch_stage,
        .context = &run->watch,
        .only_new = 1,
    };
    const ask_request *request = run->request;
    const mmn_steering *steering = &request->steering;
    const mmn_session_options options = {.size = sizeof(options),
                                         .max_new_tokens = (size_t)request->limit};
    MMN_CLI_TRY(mmn_session_create(&run->session, run->model, &options, error));
    if (steering->on != NULL)
        MMN_CLI_TRY(mmn_mask_steer(&run->mask, run->model, steering, error));
    else if (steering->neurons != NULL)
        MMN_CLI_TRY(mmn_mask_from_file(&run->mask, run->model, steering->neurons, steering->off,
                                       steering->setting, steering->other_model, error));
    if (run->mask != NULL)
        MMN_CLI_TRY(mmn_session_add_mask(run->session, run->mask, error));
    return mmn_session_add_probe(run->session, &probe, error);
}

static mmn_status generate(ask_answer *answer, const ask_run *run, const mmn_input *input,
                           mmn_error *error)
{
    const ask_request *request = run->request;
    mmn_session *session = run->session;
    mmn_sampling sampling = request->sampling;
    sampling.sample = answer->prompt;
    MMN_CLI_TRY(mmn_session_set_sampling(session, &sampling, error));
    MMN_CLI_TRY(mmn_session_set_beam_search(session, &request->beam_search, error));
    MMN_CLI_TRY(
        mmn_session_set_stop_strings(session, request->stop.texts, request->stop.count, error));
    MMN_CLI_TRY(mmn_session_prefill(session, input, error));
    return mmn_session_generate(session, (size_t)request->limit, answer->ids, &answer->id_count,
                                error);
}

static mmn_status run_model(ask_answer *answer, ask_run *run, const mmn_input *input,
                            mmn_error *error)
{
    const mmn_model_info *info = mmn_model_describe(run->model);
    const uint64_t passed = mmn_model_nonfinite(run->model, NULL);
    answer->positions = mmn_input_length(input);
    answer->image_positions = mmn_input_image_positions(input);
    if (!run->request->allow_long_prompts)
        MMN_CLI_TRY(mmn_input_fits(input, run->model, error));
    run->watch = (ask_watch){
        .prompt_layers =
            (uint64_t)info->vision_layers * (answer->image_positions > 0) + info->language_layers,
        .limit = run->request->limit,
        .last_layer = info->language_layers - 1,
    };
    mmn_cli_progress_begin(&run->watch.progress, run->request->quiet);
    const mmn_status status = generate(answer, run, input, error);
    mmn_cli_progress_clear(&run->watch.progress);
    MMN_CLI_TRY(status);
    answer->positions_reused = mmn_session_positions_reused(run->session);
    answer->nonfinite = mmn_model_nonfinite(run->model, NULL) > passed;
    MMN_CLI_TRY(mmn_model_unchanged(run->model, error));
    return mmn_model_decode(run->model, answer->ids, answer->id_count, 1, &answer->text, error);
}

static mmn_status find_answer(ask_answer *answer, ask_run *run, mmn_error *error)
{
    const ask_request *request = run->request;
    const mmn_cli_texts *images = &request->images;
    mmn_input *input = NULL;
    mmn_status status;
    if (answer->question != NULL)
        status = mmn_input_from_question(&input, run->model, request->template_name,
                                         answer->question, images->texts, images->count,
                                         &answer->made_prompt, error);
    else
        status = mmn_input_from_prompt(&input, run->model, request->prompt, images->texts,
                                       images->count, error);
    answer->prompt = answer->question != NULL ? answer->made_prompt : request->prompt;
    if (status == MMN_OK)
        status = run_model(answer, run, input, error);
    mmn_input_free(input);
    return status;
}

/* What was allowed and may have changed the answer. */
static void add_allowances(json_t *value, const ask_run *run)
{
    const char *other = run->mask != NULL ? mmn_mask_other_model(run->mask) : NULL;
    const mmn_model_info *info = mmn_model_describe(run->model);
    if (run->request->allow_long_prompts)
        json_object_set_new(value, "allow_long_prompts", json_true());
    if (info->delta_count > 0)
        json_object_set_new(value, "deltas", json_array());
    for (size_t i = 0; i < info->delta_count; i++)
        json_array_append_new(json_object_get(value, "deltas"), json_string(info->deltas[i]));
    if (other != NULL)
        json_object_set_new(value, "neurons_model",
                            other[0] != '\0' ? json_string(other) : json_null());
}

static json_t *answer_json(const ask_answer *answer)
{
    json_t *ids = json_array();
    for (size_t index = 0; index < answer->id_count; index++)
        json_array_append_new(ids, json_integer(answer->ids[index]));
    return json_pack("{s:s, s:I, s:I, s:s, s:o}", "prompt", answer->prompt, "positions",
                     (json_int_t)answer->positions, "image_positions",
                     (json_int_t)answer->image_positions, "answer", answer->text, "ids", ids);
}

/* Prints the answer, or adds it to the list that is printed at the end. */
static int give_answer(ask_run *run, const ask_answer *answer)
{
    if (!run->request->json) {
        mmn_cli_print("%s\n", answer->text);
        return MMN_CLI_DONE;
    }
    json_t *value = answer_json(answer);
    add_allowances(value, run);
    if (answer->nonfinite)
        json_object_set_new(value, "nonfinite", json_true());
    if (!run->request->list)
        return mmn_cli_print_json(value);
    json_object_set_new(value, "question", json_string(answer->question));
    json_object_set_new(value, "positions_reused",
                        json_integer((json_int_t)answer->positions_reused));
    if (json_array_append_new(run->list, value) == 0)
        return MMN_CLI_DONE;
    mmn_cli_message("memory is short");
    return MMN_CLI_FAILED;
}

/* Answers one question; NULL: the prompt that was given. */
static int answer_question(ask_run *run, const char *question)
{
    ask_answer answer = {.question = question};
    mmn_error error;
    int code;
    answer.ids = calloc((size_t)run->request->limit, sizeof(*answer.ids));
    if (answer.ids == NULL) {
        mmn_cli_message("memory is short");
        code = MMN_CLI_FAILED;
    } else if (find_answer(&answer, run, &error) != MMN_OK) {
        code = mmn_cli_fail(&error);
    } else {
        code = give_answer(run, &answer);
    }
    free(answer.ids);
    mmn_release(answer.made_prompt);
    mmn_release(answer.text);
    return code;
}

/* Says it when the neurons are not known to be the model's. */
static void say_whose_neurons(const ask_run *run)
{
    const char *other = run->mask != NULL ? mmn_mask_other_model(run->mask) : NULL;
    if (other == NULL || run->request->quiet)
        return;
    if (other[0] != '\0')
        mmn_cli_message("the neurons%s are of another model, %s",
                        run->request->steering.counts != NULL ? " or their counts" : "", other);
    else
        mmn_cli_message("the neurons' file does not say of which model they are");
}

static int answer_all(ask_run *run)
{
    const ask_request *request = run->request;
    mmn_error error;
    int code = MMN_CLI_DONE;
    mmn_cli_interrupt_catch();
    if (start_session(run, &error) != MMN_OK)
        return mmn_cli_fail(&error);
    say_whose_neurons(run);
    if (request->prompt != NULL)
        return answer_question(run, NULL);
    run->list = json_array();
    for (size_t index = 0; index < request->question_count && code == MMN_CLI_DONE; index++)
        code = answer_question(run, request->questions[index]);
    if (request->json && request->list && code == MMN_CLI_DONE)
        code = mmn_cli_print_json(json_incref(run->list));
    json_decref(run->list);
    return code;
}

static int check_steering(const mmn_cli_call *call, const ask_request *request)
{
    const mmn_steering *steering = &request->steering;
    if (steering->neurons == NULL &&
        (steering->off != NULL || steering->on != NULL || steering->counts != NULL))
        return mmn_cli_usage(call, "--off, --on and --counts are for --neurons");
    if ((steering->on != NULL) != (steering->counts != NULL))
        return mmn_cli_usage(call, "--on and --counts go together");
    return MMN_CLI_DONE;
}

static int check_request(const mmn_cli_call *call, const ask_request *request)
{
    bool asks = request->question_count > 0 || request->questions_file != NULL;
    if (!asks && request->prompt == NULL)
        return mmn_cli_usage(call, "a question or --prompt is missing");
    if (asks && request->prompt != NULL)
        return mmn_cli_usage(call, "--prompt replaces the question; give one or the other");
    for (size_t index = 0; index < request->question_count && request->question_count > 1; index++)
        if (strpbrk(request->questions[index], " \t\n") == NULL)
            return mmn_cli_usage(call,
                                 "of %zu questions \"%s\" is a single word: put a question in"
                                 " quotation marks, or several of one word into a file for"
                                 " --questions",
                                 request->question_count, request->questions[index]);
    if (request->question_count > 0 && request->questions_file != NULL)
        return mmn_cli_usage(call, "--questions replaces the questions on the command line; give"
                                   " one or the other");
    if (request->prompt != NULL && request->template_name != NULL)
        return mmn_cli_usage(call, "--template is for a question; --prompt is taken as it stands");
    return check_steering(call, request);
}

/* ---- Questions of a file --------------------------------------------------------------------- */

static int refuse_file(const char *file, const char *reason)
{
    mmn_cli_message("%s: %s", strcmp(file, "-") == 0 ? "standard input" : file, reason);
    return MMN_CLI_FAILED;
}

/* Reads all of `stream` as a text with a terminating zero. */
static int read_all(char **contents, FILE *stream, const char *file)
{
    size_t length = 0;
    size_t capacity = 4096;
    for (;;) {
        char *grown = realloc(*contents, capacity);
        if (grown == NULL)
            return refuse_file(file, "memory is short");
        *contents = grown;
        length += fread(grown + length, 1, capacity - 1 - length, stream);
        if (length < capacity - 1)
            break;
        if (capacity > MAXIMUM_BYTES)
            return refuse_file(file, "more than 16 MiB; expected a list of questions");
        capacity *= 2;
    }
    if (ferror(stream))
        return refuse_file(file, strerror(errno));
    if (memchr(*contents, '\0', length) != NULL)
        return refuse_file(file, "holds a zero byte; expected text, a question a line");
    (*contents)[length] = '\0';
    return MMN_CLI_DONE;
}

/* Jansson makes no string of other bytes. */
static bool is_utf8(const char *text)
{
    json_t *string = json_string(text);
    json_decref(string);
    return string != NULL;
}

/* Cuts the contents at line breaks, in place. */
static int cut_lines(ask_lines *lines, const char *file)
{
    size_t breaks = 0;
    for (const char *at = lines->contents; *at != '\0'; at++)
        breaks += *at == '\n';
    lines->texts = calloc(breaks + 1, sizeof(*lines->texts));
    if (lines->texts == NULL)
        return refuse_file(file, "memory is short");
    size_t number = 0;
    for (char *line = lines->contents; *line != '\0';) {
        number++;
        size_t length = strcspn(line, "\n");
        char *next = line + length + (line[length] == '\n');
        line[length] = '\0';
        if (length > 0 && line[length - 1] == '\r')
            line[length - 1] = '\0';
        if (!is_utf8(line)) {
            char reason[64];
            snprintf(reason, sizeof(reason), "line %zu: the text is not UTF-8", number);
            return refuse_file(file, reason);
        }
        if (*line != '\0')
            lines->texts[lines->count++] = line;
        line = next;
    }
    return lines->count > 0 ? MMN_CLI_DONE : refuse_file(file, "no question is in it");
}

/* Reads a file ("-": standard input) of at most 16 MiB. Empty lines are left out, and line breaks
 * may be those of DOS. Returns the exit code, after a message when the file cannot be read, is too
 * long, holds a zero byte or has no line. */
static int read_lines(ask_lines *lines, const char *file)
{
    bool standard = strcmp(file, "-") == 0;
    FILE *stream = standard ? stdin : fopen(file, "rb");
    if (stream == NULL)
        return refuse_file(file, strerror(errno));
    int code = read_all(&lines->contents, stream, file);
    if (!standard)
        fclose(stream);
    return code == MMN_CLI_DONE ? cut_lines(lines, file) : code;
}

/* ---- The command ----------------------------------------------------------------------------- */

/* Checks what was asked for, opens the model and answers. */
static int ask(mmn_cli_call *call, ask_run *run, ask_request *request, ask_lines *lines)
{
    MMN_CLI_TRY(check_request(call, request));
    MMN_CLI_TRY(mmn_cli_beams_check(call, &request->beams, request->sampling.temperature));
    if (request->questions_file != NULL) {
        MMN_CLI_TRY(read_lines(lines, request->questions_file));
        request->questions = lines->texts;
        request->question_count = lines->count;
    }
    MMN_CLI_TRY(mmn_cli_open_model(call, &request->wishes));
    run->model = call->model;
    request->beam_search = mmn_cli_beams_search(&request->beams, run->model);
    MMN_CLI_TRY(answer_all(run));
    mmn_cli_say_nonfinite(run->model, "answers are made of such numbers");
    return MMN_CLI_DONE;
}

int mmn_cli_ask(mmn_cli_call *call)
{
    ask_request request = {.limit = 128, .steering.setting = "all", .beams = MMN_CLI_BEAMS_DEFAULT};
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "image", .letter = 'i', .value = "FILE", .kind = MMN_CLI_TEXTS,
         .target = &request.images,
         .help = "a JPEG, PNG, WebP, TIFF, GIF or BMP file; may be repeated: several are joined"
                 " side by side"},
        {.name = "questions", .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &request.questions_file,
         .help = "read the questions from a file, one a line; - is standard input"},
        {.name = "template", .value = "NAME", .kind = MMN_CLI_TEXT,
         .target = &request.template_name,
         .help = "the prompt template (the model's own, which \"mmneuron info\" names); an unknown"
                 " one lists all"},
        {.name = "prompt", .value = "TEXT", .kind = MMN_CLI_TEXT, .target = &request.prompt,
         .help = "the raw text of the prompt instead of a question, with \"<image>\" where the"
                 " image goes"},
        {.name = "max-tokens", .former = "max-new-tokens", .letter = 'n', .value = "N",
         .kind = MMN_CLI_WHOLE,
         .target = &request.limit, .minimum = 1, .maximum = 1e6,
         .help = "stop after N tokens (128)"},
        MMN_CLI_SAMPLING(&request.sampling),
        {.name = "seed", .value = "N", .kind = MMN_CLI_WHOLE, .target = &request.sampling.seed,
         .help = "with --temperature: the seed of the random choices (0)"},
        MMN_CLI_REPETITION_PENALTY(&request.sampling.repetition_penalty),
        MMN_CLI_BEAMS(&request.beams),
        MMN_CLI_STOP(&request.stop),
        MMN_CLI_IGNORE_GENERATION_CONFIG(&request.wishes.ignore_generation_config),
        {.name = "neurons", .former = "mask", .value = "NEURONS.json", .kind = MMN_CLI_TEXT,
         .target = &request.steering.neurons,
         .help = "switch neurons off that \"mmneuron rank\" found, or on"},
        {.name = "settings", .former = "setting", .value = "MODULES", .kind = MMN_CLI_TEXT,
         .target = &request.steering.setting,
         .help = "with --neurons: those of these modules, joined by \"+\" (all)"},
        {.name = "off", .former = "domain", .value = "NAMES", .kind = MMN_CLI_TEXT,
         .target = &request.steering.off,
         .help = "with --neurons: switch those of these domains off, separated by commas (all,"
                 " unless --on is given)"},
        {.name = "on", .value = "NAMES", .kind = MMN_CLI_TEXT, .target = &request.steering.on,
         .help = "with --neurons: set those of these domains to their mean activation there, which"
                 " --counts has"},
        {.name = "counts", .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &request.steering.counts,
         .help = "with --on: what \"mmneuron count\" wrote"},
        MMN_CLI_DELTA(call),
        MMN_CLI_ALLOW_LONG_PROMPTS(&request.allow_long_prompts),
        MMN_CLI_OTHER_MODEL(&request.steering.other_model),
        MMN_CLI_RESIZE_ORDER(&request.wishes.resize_order),
        MMN_CLI_ALLOW_NONFINITE(&request.wishes.allow_nonfinite),
    };
    /* clang-format on */
    ask_run run = {.request = &request};
    ask_lines lines = {0};
    MMN_CLI_TRY(mmn_cli_parse(call, options, sizeof options / sizeof options[0]));
    request.questions = call->texts + 1;
    request.question_count = call->count - 1;
    request.quiet = call->quiet;
    request.json = call->json;
    request.list = request.question_count > 1 || request.questions_file != NULL;
    const int code = ask(call, &run, &request, &lines);
    mmn_session_free(run.session);
    mmn_mask_free(run.mask);
    free((void *)lines.texts);
    free(lines.contents);
    return code;
}
