/* mmneuron eval: accuracy, or of texts perplexity, with neurons on, with domain neurons off, and with
 * random ones off. */
#include "cli/beams.h"
#include "cli/command.h"
#include "cli/destination.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/work.h"

static int give_evaluation(const mmn_evaluation *evaluation, const mmn_cli_destination *destination,
                           const mmn_cli_arguments *arguments)
{
    mmn_cli_result result = {0};
    if (destination->path != NULL)
        result.written = mmn_evaluation_write(evaluation, destination->path, &result.write_error);
    result.made = mmn_evaluation_json(evaluation, &result.json, &result.error);
    if (result.made == MMN_OK)
        result.made = mmn_evaluation_table(evaluation, &result.table, &result.error);
    return mmn_cli_give_result(&result, destination, arguments);
}

static int run_eval(const mmn_model *model, mmn_eval_options *options,
                    const mmn_cli_destination *destination, const mmn_cli_arguments *arguments)
{
    mmn_cli_progress progress;
    mmn_evaluation *evaluation;
    mmn_error error;
    options->progress = mmn_cli_progress_show;
    options->progress_context = &progress;
    mmn_cli_work_begin(&progress, arguments->quiet);
    mmn_status status = mmn_eval(&evaluation, model, options, &error);
    int code = mmn_cli_work_end(&progress, status, &error);
    if (status == MMN_OK) {
        code = give_evaluation(evaluation, destination, arguments);
        mmn_evaluation_free(evaluation);
    }
    return code;
}

static int give_perplexity(const mmn_perplexity *perplexity, const mmn_cli_destination *destination,
                           const mmn_cli_arguments *arguments)
{
    mmn_cli_result result = {0};
    if (destination->path != NULL)
        result.written = mmn_perplexity_write(perplexity, destination->path, &result.write_error);
    result.made = mmn_perplexity_json(perplexity, &result.json, &result.error);
    if (result.made == MMN_OK)
        result.made = mmn_perplexity_table(perplexity, &result.table, &result.error);
    return mmn_cli_give_result(&result, destination, arguments);
}

static int run_perplexity(const mmn_model *model, mmn_perplexity_options *options,
                          const mmn_cli_destination *destination,
                          const mmn_cli_arguments *arguments)
{
    mmn_cli_progress progress;
    mmn_perplexity *perplexity;
    mmn_error error;
    options->progress = mmn_cli_progress_show;
    options->progress_context = &progress;
    mmn_cli_work_begin(&progress, arguments->quiet);
    mmn_status status = mmn_perplexity_measure(&perplexity, model, options, &error);
    int code = mmn_cli_work_end(&progress, status, &error);
    if (status == MMN_OK) {
        code = give_perplexity(perplexity, destination, arguments);
        mmn_perplexity_free(perplexity);
    }
    return code;
}

/* Whether the options are for lists of this kind; `decoding`: those of beams or the folder's are
 * given. */
static int check_options(const mmn_cli_command *command, const mmn_eval_options *asked,
                         const mmn_perplexity_options *read, bool texts, bool decoding)
{
    if (texts && (asked->cross != NULL || asked->tokens > 0 || asked->temperature > 0 ||
                  asked->top_p > 0 || asked->repetition_penalty > 0 ||
                  asked->top_k > 0 || asked->stop_string_count > 0 || decoding ||
                  asked->template_name != NULL))
        return mmn_cli_usage(command->name, "the list has texts, which are read and not answered:"
                                            " --cross, --tokens, --template and options of"
                                            " sampling and of beams are for questions");
    if (!texts && (read->window > 0 || read->begin_of_text))
        return mmn_cli_usage(command->name, "--window and --bos are for lists of texts");
    return MMN_CLI_DONE;
}

int mmn_cli_eval(const mmn_cli_command *command, int argc, char **argv)
{
    mmn_eval_options eval_options = {0};
    mmn_perplexity_options text_options = {0};
    mmn_error error;
    mmn_cli_beams beams = MMN_CLI_BEAMS_DEFAULT;
    mmn_cli_texts stop = {0};
    int ignore = 0;
    const char *output = NULL;
    uint64_t seeds = 5, first_seed = 1, batch = 0;
    mmn_resize_order order = MMN_RESIZE_HORIZONTAL_FIRST;
    int allow_nonfinite = 0;
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &output, .help = "write all results and predictions to FILE (eval.json; - is"
                                    " standard output)"},
        {.name = "neurons", .value = "NEURONS.json", .kind = MMN_CLI_TEXT,
         .target = &eval_options.neurons,
         .help = "the neurons to switch off, as \"mmneuron rank\" found them"},
        {.name = "settings", .value = "NAMES", .kind = MMN_CLI_TEXT,
         .target = &eval_options.settings,
         .help = "the modules whose neurons are switched off: names or \"all\", joined by \"+\","
                 " settings separated by commas (those of the paper)"},
        {.name = "cross", .value = "NAMES", .kind = MMN_CLI_TEXT, .target = &eval_options.cross,
         .help = "in these settings, switch off each domain's neurons in every domain"},
        {.name = "seeds", .value = "N", .kind = MMN_CLI_WHOLE, .target = &seeds, .maximum = 31,
         .help = "how many choices of random neurons to compare with (5)"},
        {.name = "first-seed", .value = "N", .kind = MMN_CLI_WHOLE, .target = &first_seed,
         .help = "the seed of the first of them (1)"},
        {.name = "samples", .value = "N", .kind = MMN_CLI_WHOLE, .target = &eval_options.samples,
         .minimum = 1, .help = "the first N samples of each domain, or windows of its texts (all)"},
        {.name = "window", .value = "N", .kind = MMN_CLI_WHOLE, .target = &text_options.window,
         .minimum = 1, .maximum = 1 << 20,
         .help = "cut texts into windows of N positions (what the model was made for, at most"
                 " 4096)"},
        {.name = "bos", .kind = MMN_CLI_FLAG, .target = &text_options.begin_of_text,
         .help = "begin each window of texts with the token that begins a text"},
        {.name = "tokens", .letter = 'n', .value = "N", .kind = MMN_CLI_WHOLE,
         .target = &eval_options.tokens, .minimum = 1, .maximum = 1e6,
         .help = "stop an answer after N tokens (16)"},
        {.name = "temperature", .value = "T", .kind = MMN_CLI_REAL,
         .target = &eval_options.temperature, .minimum = 0, .maximum = 1000,
         .help = "choose tokens at random, the more so the higher T; 0 is the likeliest (0)"},
        {.name = "top-p", .value = "P", .kind = MMN_CLI_REAL, .target = &eval_options.top_p,
         .minimum = 0, .maximum = 1, .above = true,
         .help = "with --temperature: among the likeliest tokens that together have P (1)"},
        MMN_CLI_TOP_K(&eval_options.top_k),
        {.name = "repetition-penalty", .value = "X", .kind = MMN_CLI_REAL,
         .target = &eval_options.repetition_penalty, .minimum = 0.001, .maximum = 1000,
         .help = "divide the logits of tokens that were there by X (the folder's, else 1)"},
        MMN_CLI_BEAMS(&beams),
        MMN_CLI_STOP(&stop),
        MMN_CLI_IGNORE_GENERATION_CONFIG(&ignore),
        {.name = "sampling-seed", .value = "N", .kind = MMN_CLI_WHOLE, .target = &eval_options.sampling_seed,
         .help = "with --temperature: the seed of the random choices (0)"},
        {.name = "template", .value = "NAME", .kind = MMN_CLI_TEXT,
         .target = &eval_options.template_name,
         .help = "the prompt template for samples without a prompt (the model's own)"},
        {.name = "batch", .value = "N", .kind = MMN_CLI_WHOLE, .target = &batch, .minimum = 1,
         .maximum = 1000,
         .help = "answer a question in N ways side by side (as many as need at most 2 GiB)"},
        MMN_CLI_ALLOW_UNKNOWN_KEYS(&eval_options.allow_unknown_keys),
        MMN_CLI_ALLOW_LONG_PROMPTS(&eval_options.allow_long_prompts),
        MMN_CLI_OTHER_MODEL(&eval_options.other_model),
        MMN_CLI_RESIZE_ORDER(&order),
        MMN_CLI_ALLOW_NONFINITE(&allow_nonfinite),
    };
    mmn_cli_arguments arguments;
    mmn_cli_destination destination = {0};
    int code, texts;
    mmn_model *model = NULL;
    if (!mmn_cli_parse(command, options, sizeof options / sizeof options[0], argc, argv,
                       &arguments, &code))
        return code;
    mmn_cli_destination_source(&destination, MMN_SOURCE_MODEL, arguments.texts[0]);
    mmn_cli_destination_source(&destination, MMN_SOURCE_LIST, arguments.texts[1]);
    mmn_cli_destination_source(&destination, MMN_SOURCE_FILE, eval_options.neurons);
    code = mmn_cli_destination_open(&destination, command, output, MMN_CLI_JSON, NULL);
    if (code != MMN_CLI_DONE)
        goto done;
    if (mmn_list_reads_texts(arguments.texts[1], &texts, &error) != MMN_OK) {
        code = mmn_cli_fail(&error);
        goto done;
    }
    eval_options.stop_strings = stop.texts;
    eval_options.stop_string_count = stop.count;
    code = mmn_cli_beams_check(command, &beams, eval_options.temperature);
    if (code == MMN_CLI_DONE)
        code = check_options(command, &eval_options, &text_options, texts != 0,
                             mmn_cli_beams_given(&beams) || ignore);
    if (code != MMN_CLI_DONE)
        goto done;
    text_options.list = arguments.texts[1];
    text_options.neurons = eval_options.neurons;
    text_options.setting = eval_options.settings;
    text_options.samples = eval_options.samples;
    text_options.seeds = (uint32_t)seeds;
    text_options.first_seed = first_seed;
    text_options.allow_unknown_keys = eval_options.allow_unknown_keys;
    text_options.other_model = eval_options.other_model;
    text_options.batch = (uint32_t)batch;
    eval_options.list = arguments.texts[1];
    eval_options.seeds = (uint32_t)seeds;
    eval_options.first_seed = first_seed;
    eval_options.batch = (uint32_t)batch;
    code = mmn_cli_open_model(&model, arguments.texts[0], &arguments,
                              &(mmn_model_options){.resize_order = order,
                                                   .ignore_generation_config = ignore,
                                                   .allow_nonfinite = allow_nonfinite});
    if (code == MMN_CLI_DONE)
        eval_options.beam_search = mmn_cli_beams_search(&beams, model);
    if (code == MMN_CLI_DONE)
        code = texts ? run_perplexity(model, &text_options, &destination, &arguments)
                     : run_eval(model, &eval_options, &destination, &arguments);
done:
    mmn_cli_destination_close(&destination);
    mmn_model_close(model);
    mmn_cli_free(arguments.texts);
    mmn_cli_free(stop.texts);
    return code;
}
