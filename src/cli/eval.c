/* mmneuron eval: accuracy, or of texts perplexity, with neurons on, with domain neurons off, and
 * with random ones off. */
#include "cli/study.h"

#include <string.h>

/* What is asked of questions, and of texts. */
typedef struct eval_request {
    mmn_eval_options questions;
    mmn_perplexity_options texts;
    mmn_cli_beams beams;
    mmn_cli_texts stop;
    const mmn_cli_call *call;
    const char *judge, *judge_form; /* the values of the options, or NULL */
    int reads_texts;                /* which of them the list has */
} eval_request;

/* With the judge, if there is to be one. */
static mmn_status run_questions(mmn_result **result, const mmn_model *model, eval_request *request,
                                mmn_error *error)
{
    mmn_eval_options *asked = &request->questions;
    mmn_model *judge = NULL;
    asked->beam_search = mmn_cli_beams_search(&request->beams, model);
    if (request->judge != NULL) {
        const mmn_status status =
            mmn_cli_open_another(&judge, request->call, request->judge, error);
        if (status != MMN_OK)
            return status;
    }
    asked->judge = judge;
    const mmn_status status = mmn_eval(result, model, asked, error);
    mmn_model_close(judge);
    return status;
}

static mmn_status run(mmn_result **result, const mmn_model *model, void *context, mmn_error *error)
{
    eval_request *request = context;
    mmn_eval_options *asked = &request->questions;
    mmn_perplexity_options *read = &request->texts;
    if (!request->reads_texts)
        return run_questions(result, model, request, error);
    /* What was asked of questions goes for texts too, where it can. */
    read->list = asked->list;
    read->neurons = asked->neurons;
    read->setting = asked->settings;
    read->samples = asked->samples;
    read->seeds = asked->seeds;
    read->first_seed = asked->first_seed;
    read->batch = asked->batch;
    read->allow_unknown_keys = asked->allow_unknown_keys;
    read->other_model = asked->other_model;
    read->rows = asked->rows;
    read->progress = asked->progress;
    read->progress_context = asked->progress_context;
    return mmn_perplexity_measure(result, model, read, error);
}

/* Whether options are given that say how answers are found. */
static int asks_of_answers(const eval_request *request, const mmn_cli_study *study)
{
    const mmn_eval_options *asked = &request->questions;
    return asked->tokens > 0 || asked->temperature > 0 || asked->top_p > 0 ||
           asked->repetition_penalty > 0 || asked->top_k > 0 || asked->stop_string_count > 0 ||
           mmn_cli_beams_given(&request->beams) || study->wishes.ignore_generation_config;
}

/* Whether the options are for lists of this kind. */
static int check(mmn_cli_call *call, mmn_cli_study *study)
{
    eval_request *request = study->request;
    mmn_eval_options *asked = &request->questions;
    mmn_error error;
    asked->stop_strings = request->stop.texts;
    asked->stop_string_count = request->stop.count;
    if (mmn_list_reads_texts(asked->list, &request->reads_texts, &error) != MMN_OK)
        return mmn_cli_fail(&error);
    MMN_CLI_TRY(mmn_cli_beams_check(call, &request->beams, asked->temperature));
    const int of_answers = asks_of_answers(request, study);
    if (request->reads_texts &&
        (of_answers || asked->cross != NULL || asked->measures != NULL ||
         asked->template_name != NULL || asked->until > 0 || asked->cases > 0 ||
         request->judge != NULL || request->judge_form != NULL || asked->languages != NULL ||
         asked->steer != NULL))
        return mmn_cli_usage(call, "the list has texts, which are read and not answered: --cases,"
                                   " --cross, --judge, --languages, --steer, --measures, --until, "
                                   "--max-tokens, --template and options of sampling and of"
                                   " beams are for questions");
    if (of_answers && asked->measures != NULL && strstr(asked->measures, "answers") == NULL)
        return mmn_cli_usage(call,
                             "--measures does not name answers, which --max-tokens and options of"
                             " sampling and of beams are for");
    if (request->judge_form != NULL && request->judge == NULL)
        return mmn_cli_usage(call, "--judge-form is for a judge, which --judge names");
    MMN_CLI_TRY(mmn_cli_judge_form(call, &asked->judge_form, request->judge_form));
    mmn_cli_destination_source(call, MMN_SOURCE_MODEL, request->judge);
    mmn_cli_destination_source(call, MMN_SOURCE_LIST, asked->languages);
    mmn_cli_destination_source(call, MMN_SOURCE_FILE, asked->steer);
    if (!request->reads_texts && (request->texts.window > 0 || request->texts.begin_of_text))
        return mmn_cli_usage(call, "--window and --bos are for lists of texts");
    return MMN_CLI_DONE;
}

/* clang-format off */
/* What is asked of answers. */
#define OF_ANSWERS(request, asked)                                                                 \
    {.name = "judge", .value = "JUDGE", .kind = MMN_CLI_TEXT, .target = &(request)->judge,         \
     .help = "the model (Lingo-Judge) that says whether answers to samples of metric \"lingo\""    \
             " are right"},                                                                        \
    MMN_CLI_JUDGE_FORM(&(request)->judge_form),                                                    \
    {.name = "languages", .value = "TEXTS.jsonl", .kind = MMN_CLI_TEXT,                            \
     .target = &(asked)->languages,                                                                \
     .help = "texts from which it is learned in which language answers to samples of metric"       \
             " \"language\" are"},                                                                 \
    {.name = "steer", .value = "COUNTS", .kind = MMN_CLI_TEXT, .target = &(asked)->steer,          \
     .help = "in settings of --cross, answer each domain's questions with its neurons off and"     \
             " another's raised to their means in COUNTS, too"},                                   \
    {.name = "cases", .value = "N", .kind = MMN_CLI_WHOLE, .target = &(asked)->cases,              \
     .maximum = 1e6,                                                                               \
     .help = "tell the first N samples of each domain whose answers change while neurons are"      \
             " off, with their questions and answers before and after (0)"}
/* clang-format on */

int mmn_cli_eval(mmn_cli_call *call)
{
    eval_request request = {
        .questions = {.size = sizeof request.questions, .seeds = 5, .first_seed = 1},
        .texts.size = sizeof request.texts,
        .call = call,
        .beams = MMN_CLI_BEAMS_DEFAULT};
    mmn_eval_options *asked = &request.questions;
    mmn_perplexity_options *read = &request.texts;
    mmn_cli_study study = {.request = &request,
                           .run = run,
                           .check = check,
                           MMN_CLI_ASKED_OF_LIST(asked),
                           .neurons = &asked->neurons};
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &study.output,
         .help = "write all results and predictions to FILE (eval.json; - is"
                                    " standard output)"},
        {.name = "neurons", .value = "NEURONS.json", .kind = MMN_CLI_TEXT,
         .target = &asked->neurons,
         .help = "the neurons to switch off, as \"mmneuron rank\" found them"},
        {.name = "settings", .value = "NAMES", .kind = MMN_CLI_TEXT,
         .target = &asked->settings,
         .help = "the modules whose neurons are switched off: names or \"all\", joined by \"+\","
                 " settings separated by commas (those of the paper)"},
        {.name = "cross", .value = "NAMES", .kind = MMN_CLI_TEXT, .target = &asked->cross,
         .help = "in these settings, switch off each domain's neurons in every domain"},
        {.name = "measures", .value = "NAMES", .kind = MMN_CLI_TEXT, .target = &asked->measures,
         .help = "measure \"answers\", that is how right they are, \"likelihood\", that is ln p of"
                 " the right ones, or both, separated by a comma (both)"},
        OF_ANSWERS(&request, asked),
        {.name = "seeds", .value = "N", .kind = MMN_CLI_U32, .target = &asked->seeds, .maximum = 31,
         .help = "how many choices of random neurons to compare with (5)"},
        {.name = "seed", .former = "first-seed", .value = "N",
         .kind = MMN_CLI_WHOLE, .target = &asked->first_seed,
         .help = "the seed of the first of them (1)"},
        {.name = "until", .value = "W", .kind = MMN_CLI_REAL, .target = &asked->until,
         .maximum = 1e6, .above = true,
         .help = "end a setting in a domain as soon as ln p per token with own neurons off less"
                 " that with random ones is known to within W (all samples)"},
        {.name = "samples", .value = "N", .kind = MMN_CLI_WHOLE, .target = &asked->samples,
         .minimum = 1, .help = "the first N samples of each domain, or windows of its texts (all)"},
        {.name = "window", .value = "N", .kind = MMN_CLI_WHOLE, .target = &read->window,
         .minimum = 1, .maximum = 1 << 20,
         .help = "cut texts into windows of N positions (what the model was made for, at most"
                 " 4096)"},
        {.name = "bos", .kind = MMN_CLI_FLAG, .target = &read->begin_of_text,
         .help = "begin each window of texts with the token that begins a text"},
        {.name = "max-tokens", .former = "tokens", .letter = 'n', .value = "N",
         .kind = MMN_CLI_WHOLE,
         .target = &asked->tokens, .minimum = 1, .maximum = 1e6,
         .help = "stop an answer after N tokens (16)"},
        MMN_CLI_SAMPLING(asked),
        MMN_CLI_REPETITION_PENALTY(&asked->repetition_penalty),
        MMN_CLI_BEAMS(&request.beams),
        MMN_CLI_STOP(&request.stop),
        MMN_CLI_IGNORE_GENERATION_CONFIG(&study.wishes.ignore_generation_config),
        {.name = "sampling-seed", .value = "N",
         .kind = MMN_CLI_WHOLE, .target = &asked->sampling_seed,
         .help = "with --temperature: the seed of the random choices (0)"},
        {.name = "template", .value = "NAME", .kind = MMN_CLI_TEXT,
         .target = &asked->template_name,
         .help = "the prompt template for samples without a prompt (the model's own)"},
        {.name = "batch", .value = "N", .kind = MMN_CLI_U32, .target = &asked->batch,
         .minimum = 1, .maximum = 1000,
         .help = "answer a question in N ways side by side (as many as half of the"
                 " memory that is left takes)"},
        MMN_CLI_DELTA(call),
        MMN_CLI_STUDY_OF_LIST(asked, &study),
    };
    /* clang-format on */
    return mmn_cli_run_study(&study, call, options, sizeof options / sizeof options[0]);
}
