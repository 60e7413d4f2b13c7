/* Multi-modal neurons: an answer, the neurons that add most to its words, and what becomes of the
 * words without them. doc/formats.md describes the result's JSON. */
#include "study/contribution.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/input.h"
#include "model/model.h"

enum {
    TOKENS = 32,
    MOST_TOKENS = 4096,
    TOP = 10,
    MOST_TOP = 10000,
    NAMES = 5,
    MOST_NAMES = 1000,
    MOST_SEEDS = 1000
};

static const double NOISE = 0.5;

/* ---- Setting up ------------------------------------------------------------------------------ */

/* A value or, where it is 0, its default; `most` at most. */
static size_t or_default(uint64_t value, size_t otherwise, size_t most)
{
    const size_t chosen = value > 0 ? (size_t)value : otherwise;
    return chosen < most ? chosen : most;
}

static mmn_status set_up(void *context, const mmn_model *model, const void *asked, mmn_error *error)
{
    mmn_contributions *result = context;
    const mmn_contribution_options *options = asked;
    const mmn_language_config *config = &model->config.language;
    const size_t all = config->layers * (size_t)config->intermediate_size;
    MMN_GIVEN_TEXTS(error, "image", options->image_count, options->images);
    if (!options->prompt == !options->question)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "there must be either a prompt or a question");
    if (options->tokens > MOST_TOKENS || options->top > MOST_TOP || options->names > MOST_NAMES ||
        options->seeds > MOST_SEEDS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "there can be %d tokens, %d neurons of a word, %d names and %d seeds at "
                        "most",
                        MOST_TOKENS, MOST_TOP, MOST_NAMES, MOST_SEEDS);
    if (!(options->noise >= 0 && options->noise <= 1e6))
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "the noise must be 0 to 1000000");
    *result = (mmn_contributions){
        .study = {.model = model,
                  MMN_STUDY_LONG_PROMPTS(options),
                  .plan = {.seeds = options->seeds, .first_seed = options->first_seed},
                  .progress.total = 2,
                  .show = options->progress,
                  .show_context = options->progress_context},
        .options = options,
        .tokens = options->tokens > 0 ? options->tokens : TOKENS,
        .top = or_default(options->top, TOP, all),
        .names = or_default(options->names, NAMES, config->vocab_size),
        .noise = options->noise > 0 ? options->noise : NOISE};
    if (options->prompt &&
        !(result->prompt = mmn_study_copy_text(&result->study, options->prompt, error)))
        return MMN_SYSTEM;
    return MMN_OK;
}

/* ---- The answer ------------------------------------------------------------------------------ */

static mmn_status read_prompt(mmn_contributions *result, mmn_error *error)
{
    const mmn_contribution_options *options = result->options;
    const mmn_model *model = result->study.model;
    if (!options->question)
        return mmn_input_from_prompt(&result->input, model, result->prompt, options->images,
                                     options->image_count, error);
    char *prompt; /* may be there after a failure too */
    const mmn_status status = mmn_input_from_question(&result->input, model, options->template_name,
                                                      options->question, options->images,
                                                      options->image_count, &prompt, error);
    result->prompt = mmn_study_keep(&result->study, prompt, error);
    return status == MMN_OK && !result->prompt ? MMN_SYSTEM : status;
}

static mmn_status answer(mmn_contributions *result, mmn_error *error)
{
    const mmn_model *model = result->study.model;
    const size_t limit = (size_t)result->tokens;
    size_t count = 0;
    MMN_TRY(read_prompt(result, error));
    if (!result->study.allowed.long_prompts)
        MMN_TRY(mmn_input_fits(result->input, model, error));
    MMN_TRY(mmn_session_create(&result->session, model, NULL, error));
    if (!(result->ids = mmn_study_allocate(&result->study, limit, sizeof(*result->ids), error)))
        return MMN_SYSTEM;
    MMN_TRY(mmn_session_prefill(result->session, result->input, error));
    MMN_TRY(mmn_session_generate(result->session, limit, result->ids, &count, error));
    result->length = mmn_input_length(result->input);
    result->grid = mmn_patch_grid_of(model, result->input);
    /* An image's placeholder stands for features that an answer has none of. */
    while (result->id_count < count && result->ids[result->id_count] != result->input->image_token)
        result->id_count++;
    return MMN_OK;
}

static mmn_status find_words(mmn_contributions *result, mmn_error *error)
{
    const mmn_contribution_options *options = result->options;
    mmn_spoken_words *spoken = &result->spoken;
    MMN_TRY(mmn_spoken_words_of(spoken, result->study.model, result->ids, result->id_count,
                                options->word, options->all_words != 0, error));
    if (spoken->count == 0 && options->word)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "the answer \"%.200s\" has no word \"%.100s\"", spoken->answer,
                        options->word);
    if (spoken->count == 0)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "the answer \"%.200s\" has no %sword",
                        spoken->answer, options->all_words ? "" : "content ");
    result->words = spoken->list;
    result->word_count = spoken->count;
    for (size_t w = 0; w < result->word_count; w++) {
        mmn_answer_word *word = &result->words[w];
        word->id = result->ids[word->token];
        word->position = result->length - 1 + word->token;
    }
    return MMN_OK;
}

/* The prompt and the answer, so far as tokens are chosen by it. */
static mmn_status extend(mmn_contributions *result, mmn_error *error)
{
    mmn_input *extended = &result->extended;
    const size_t added = result->id_count - 1, length = result->length + added;
    int32_t *ids = mmn_study_allocate(&result->study, length, sizeof(*ids), error);
    MMN_NEED(ids);
    memcpy(ids, result->input->ids, result->length * sizeof(*ids));
    memcpy(ids + result->length, result->ids, added * sizeof(*ids));
    *extended = *result->input;
    extended->length = length;
    extended->ids = ids;
    return MMN_OK;
}

/* Without a list, everything is done here. */
static mmn_status begin(void *context, mmn_error *error)
{
    mmn_contributions *result = context;
    mmn_study *study = &result->study;
    MMN_TRY(mmn_study_advance(study, 0, error));
    MMN_TRY(answer(result, error));
    MMN_TRY(find_words(result, error));
    MMN_TRY(extend(result, error));
    MMN_TRY(mmn_study_reserve_logits(
        study, result->top > result->id_count ? result->top : result->id_count, error));
    study->progress.total += result->word_count * mmn_contribution_passes(result);
    MMN_TRY(mmn_study_advance(study, 1, error));
    MMN_TRY(mmn_contribution_scores(result, error));
    MMN_TRY(mmn_contribution_names(result, error));
    MMN_TRY(mmn_study_advance(study, 1, error));
    return mmn_contribution_disturb(result, error);
}

static void end(void *context)
{
    mmn_contributions *result = context;
    mmn_session_free(result->session);
    mmn_input_free(result->input);
    mmn_spoken_words_free(&result->spoken);
}

/* ---- Result ---------------------------------------------------------------------------------- */

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_MADE_COLUMNS, MMN_TEXT("prompt"), MMN_WHOLE("tokens"), MMN_TEXT("activation"),
                 MMN_WHOLE("top"), MMN_WHOLE("names"), MMN_WHOLE("seeds"), MMN_WHOLE("first_seed"),
                 MMN_REAL("noise", ""), MMN_GENERATION_COLUMN, MMN_ALLOWED_COLUMNS,
                 MMN_GRID_COLUMNS, MMN_TEXT("answer"))},
    {"images", "result", MMN_COLUMNS(MMN_TEXT("file"))},
    {"ids", "result", MMN_COLUMNS(MMN_WHOLE("id"))},
    {"words", "result",
     MMN_COLUMNS(MMN_TEXT("text"), MMN_WHOLE("token"), MMN_WHOLE("id"), MMN_TEXT("word"),
                 MMN_WHOLE("position"), MMN_REAL("log_probability", "nats"))},
    {"neurons", "words",
     MMN_COLUMNS(MMN_WHOLE("layer"), MMN_WHOLE("neuron"), MMN_REAL("contribution", ""),
                 MMN_REAL("activation", ""), MMN_REAL("score", ""), MMN_REAL("bar", ""))},
    /* words that a neuron stands for, and its activations at the patches, row by row */
    {"names", "neurons", MMN_COLUMNS(MMN_WHOLE("id"), MMN_TEXT("word"), MMN_REAL("value", ""))},
    {"map", "neurons", MMN_COLUMNS(MMN_REAL("value", ""))},
    {"disturbances", "words",
     MMN_COLUMNS(MMN_TEXT("how"), MMN_TEXT("neurons"), MMN_WHOLE("seed"),
                 MMN_REAL("log_probability", "nats"), MMN_WHOLE("id"), MMN_TEXT("word"),
                 MMN_TRUTH("answer_changes"))},
    /* over all disturbances of one kind, of which `changes` change the answer */
    {"drops", "words",
     MMN_COLUMNS(MMN_TEXT("how"), MMN_TEXT("neurons"), MMN_REAL("mean", "nats"),
                 MMN_REAL("low", "nats"), MMN_REAL("high", "nats"), MMN_WHOLE("count"),
                 MMN_TRUTH("repeated"), MMN_WHOLE("changes"))},
    {0}};

static const char json[] =
    "{\n"
    "  'format': 'mmneuron-contrib-1',\n" MMN_MADE_JSON MMN_NONFINITE_JSON
    "  'settings': {'prompt': $prompt,\n"
    "    'tokens': $tokens, 'activation': $activation, 'top': $top, 'names': $names,\n"
    "    'seeds': $seeds, 'first_seed': $first_seed, 'noise': $noise" MMN_GENERATION_JSON
        MMN_ALLOWED_JSON "},\n"
    "  'images': [<images|, |$file>],\n"
    "  " MMN_GRID_JSON ",\n"
    "  'answer': $answer,\n"
    "  'ids': [<ids|, |$id>],\n"
    "  'words': [\n"
    "<words|,\n|"
    "    {'text': $text, 'token': $token, 'id': $id, 'word': $word, 'position': $position,"
    " 'log_probability': $log_probability,\n"
    "     'neurons': [\n"
    "<neurons|,\n|"
    "      {'layer': $layer, 'neuron': $neuron, 'contribution': $contribution,"
    " 'activation': $activation, 'score': $score,\n"
    "       'names': [<names|, |{'id': $id, 'word': $word, 'value': $value}>]"
    "<?grid_rows|,\n"
    "       'activations': {'module': 'language', 'layer': $layer, 'neuron': $neuron,"
    " 'grid': [$grid_rows, $grid_columns], 'bar': $bar,\n"
    "        'values': [<map|, |$value>]}>}>],\n"
    "     'disturbances': [<disturbances|,|\n"
    "      {'how': $how, 'neurons': $neurons, 'seed': $seed, 'log_probability': $log_probability,"
    " 'likeliest': {'id': $id, 'word': $word}, 'answer_changes': $answer_changes}>],\n"
    "     'drops': [<drops|, |{'how': $how, 'neurons': $neurons, 'mean': $mean,"
    " 'interval': [$low, $high]}>]}>]\n"
    "}\n";

static const char people[] =
    "answer: $answer\n"
    "<words||\n${text}: token $\"{word}, ln p = $.4{log_probability}\n"
    "  layer  neuron  contribution  activation     score  stands for\n"
    "<neurons||  $5{layer}  $6{neuron}  $12.4{contribution}  $10.4{activation}  $8.4{score} "
    "<names|| $\"{word}>\n>"
    "<drops first||  by how much ln p falls when neurons are disturbed:\n>"
    "<drops||  <-6|${how}:> <-14|<?neurons=top|these><?neurons=random|random> neurons>  $8.4{mean}"
    "<?repeated| [$.4{low}, $.4{high}]>; the answer changes in ${changes} of "
    "${count}\n>>" MMN_REMARKS;

const mmn_form mmn_contributions_form = {
    .format = "mmneuron-contrib-1", .tables = tables, .json = json, .people = people};

static void add_settings(mmn_result *result, const mmn_contributions *found)
{
    MMN_ADD(result, "result", MMN_MADE(&found->study), mmn_as_text(found->prompt),
            mmn_as_whole(found->tokens), mmn_as_text(found->options->product ? "product" : "gate"),
            mmn_as_whole(found->top), mmn_as_whole(found->names), MMN_SEEDS(&found->study),
            mmn_as_real(found->noise), mmn_generation_of(found->study.model),
            MMN_ALLOWED(found->study.allowed), MMN_GRID(found->grid),
            mmn_as_text(found->spoken.answer));
    for (size_t i = 0; i < found->options->image_count; i++)
        MMN_ADD(result, "images", mmn_as_text(found->options->images[i]));
    for (size_t i = 0; i < found->id_count; i++)
        MMN_ADD(result, "ids", mmn_as_whole((uint64_t)found->ids[i]));
}

static void add_neuron(mmn_result *result, const mmn_contributions *found,
                       const mmn_contributor *neuron)
{
    MMN_ADD(result, "neurons", mmn_as_whole(neuron->layer), mmn_as_whole(neuron->neuron),
            mmn_as_real(neuron->contribution), mmn_as_real(neuron->activation),
            mmn_as_real(neuron->score), mmn_as_real(neuron->bar));
    for (size_t i = 0; i < found->names; i++)
        MMN_ADD(result, "names", mmn_as_whole((uint64_t)neuron->names[i].id),
                mmn_word_of(result, found->study.model, neuron->names[i].id),
                mmn_as_real(neuron->names[i].value));
    for (size_t i = 0; i < found->grid.side * found->grid.side; i++)
        MMN_ADD(result, "map", mmn_as_real(neuron->map[i]));
}

static const char *const ways[] = {[MMN_DISTURB_OFF] = "off", [MMN_DISTURB_NOISE] = "noise"};
static const char *const choices[] = {"top", "random"};

static void add_disturbance(mmn_result *result, const mmn_contributions *found,
                            const mmn_disturbance *disturbance)
{
    const bool seeded = disturbance->kind == MMN_DISTURB_NOISE || disturbance->random;
    MMN_ADD(result, "disturbances", mmn_as_text(ways[disturbance->kind]),
            mmn_as_text(choices[disturbance->random]),
            seeded ? mmn_as_whole(disturbance->seed) : mmn_as_nothing(),
            mmn_as_real(disturbance->log_probability),
            mmn_as_whole((uint64_t)disturbance->likeliest),
            mmn_word_of(result, found->study.model, disturbance->likeliest),
            mmn_as_truth(disturbance->answer_changes));
}

static void add_drop(mmn_result *result, const mmn_answer_word *word, mmn_disturbance_kind kind,
                     bool random)
{
    const mmn_drop drop = mmn_contribution_drop(word, kind, random);
    if (drop.count > 0)
        MMN_ADD(result, "drops", mmn_as_text(ways[kind]), mmn_as_text(choices[random]),
                mmn_as_real(drop.interval.mean), mmn_as_real(drop.interval.low),
                mmn_as_real(drop.interval.high), mmn_as_whole(drop.count),
                mmn_as_truth(drop.count > 1), mmn_as_whole(drop.changes));
}

static void add_word(mmn_result *result, const mmn_contributions *found,
                     const mmn_answer_word *word)
{
    MMN_ADD(result, "words", mmn_as_text(word->text), mmn_as_whole(word->token),
            mmn_as_whole((uint64_t)word->id), mmn_word_of(result, found->study.model, word->id),
            mmn_as_whole(word->position), mmn_as_real(word->log_probability));
    for (size_t i = 0; i < word->neuron_count; i++)
        add_neuron(result, found, &word->neurons[i]);
    for (size_t i = 0; i < word->disturbance_count; i++)
        add_disturbance(result, found, &word->disturbances[i]);
    for (int kind = 0; kind < MMN_DISTURBANCES; kind++)
        for (int random = 0; random < 2; random++)
            add_drop(result, word, (mmn_disturbance_kind)kind, random);
}

static void fill(mmn_result *result, const void *context)
{
    const mmn_contributions *found = context;
    add_settings(result, found);
    for (size_t i = 0; i < found->word_count; i++)
        add_word(result, found, &found->words[i]);
}

const mmn_study_kind mmn_contributions_kind = {.doing = "contributions",
                                               .unit = "passes",
                                               .size = sizeof(mmn_contributions),
                                               .options_size = sizeof(mmn_contribution_options),
                                               .set_up = set_up,
                                               .begin = begin,
                                               .end = end,
                                               .form = &mmn_contributions_form,
                                               .fill = fill};

mmn_status mmn_contributions_run(mmn_result **result, const mmn_model *model,
                                 const mmn_contribution_options *options, mmn_error *error)
{
    return mmn_study_make(result, &mmn_contributions_kind, model, options, error);
}
