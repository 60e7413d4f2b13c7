/* Multi-modal neurons of one question: an answer, the neurons that add most to its words, and what
 * becomes of the words without them. doc/formats.md describes the result's JSON. */
#include "study/contribution.h"

#include <string.h>

#include "base/error.h"
#include "model/input.h"
#include "model/model.h"

/* ---- Setting up ------------------------------------------------------------------------------ */

mmn_status mmn_one_contribution_set_up(void *context, const mmn_model *model, const void *asked,
                                       mmn_error *error)
{
    mmn_one_contribution *one = context;
    const mmn_contribution_options *options = asked;
    MMN_GIVEN_TEXTS(error, "image", options->image_count, options->images);
    if (!options->prompt == !options->question)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "there must be either a prompt or a question");
    MMN_TRY(mmn_contribution_check(options, error));
    if (options->shuffles > 0)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "images are shuffled of a list's samples");
    one->study = (mmn_study){.model = model,
                             MMN_STUDY_LONG_PROMPTS(options),
                             .plan = {.seeds = options->seeds, .first_seed = options->first_seed},
                             .progress.total = 2,
                             .show = options->progress,
                             .show_context = options->progress_context};
    one->found = mmn_contributions_of(&one->study, options);
    one->found.maps = true;
    one->found.told = 1;
    if (options->prompt &&
        !(one->prompt = mmn_study_copy_text(&one->study, options->prompt, error)))
        return MMN_SYSTEM;
    return MMN_OK;
}

/* ---- The answer ------------------------------------------------------------------------------ */

static mmn_status read_prompt(mmn_one_contribution *one, mmn_error *error)
{
    const mmn_contribution_options *options = one->found.options;
    const mmn_model *model = one->study.model;
    if (!options->question)
        return mmn_input_from_prompt(&one->input, model, one->prompt, options->images,
                                     options->image_count, error);
    char *prompt; /* may be there after a failure too */
    const mmn_status status = mmn_input_from_question(&one->input, model, options->template_name,
                                                      options->question, options->images,
                                                      options->image_count, &prompt, error);
    one->prompt = mmn_study_keep(&one->study, prompt, error);
    return status == MMN_OK && !one->prompt ? MMN_SYSTEM : status;
}

static mmn_status answer(mmn_one_contribution *one, mmn_error *error)
{
    const mmn_contribution_options *options = one->found.options;
    mmn_contributions *found = &one->found;
    const mmn_word_choice choice = {.only = options->word ? &options->word : NULL,
                                    .only_count = options->word != NULL,
                                    .all = options->all_words != 0};
    MMN_TRY(mmn_contribution_answer(found, one->input, &choice, error));
    if (found->word_count > 0)
        return MMN_OK;
    if (options->word)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "the answer \"%.200s\" has no word \"%.100s\"", found->spoken.answer,
                        options->word);
    return mmn_fail(error, MMN_USAGE, NULL, NULL, "the answer \"%.200s\" has no %sword",
                    found->spoken.answer, options->all_words ? "" : "content ");
}

mmn_status mmn_one_contribution_find(mmn_one_contribution *one, mmn_error *error)
{
    mmn_study *study = &one->study;
    mmn_contributions *found = &one->found;
    MMN_TRY(mmn_study_advance(study, 0, error));
    MMN_TRY(read_prompt(one, error));
    if (!study->allowed.long_prompts)
        MMN_TRY(mmn_input_fits(one->input, study->model, error));
    MMN_TRY(mmn_study_reserve_logits(study, MMN_STUDY_ROWS, error));
    MMN_TRY(answer(one, error));
    study->progress.total += found->word_count * mmn_contribution_passes(found);
    MMN_TRY(mmn_study_advance(study, 1, error));
    return mmn_contribution_scores(found, error);
}

/* Without a list, everything is done here. */
static mmn_status begin(void *context, mmn_error *error)
{
    mmn_one_contribution *one = context;
    MMN_TRY(mmn_one_contribution_find(one, error));
    MMN_TRY(mmn_contribution_names(&one->found, error));
    MMN_TRY(mmn_study_advance(&one->study, 1, error));
    return mmn_contribution_disturb(&one->found, error);
}

void mmn_one_contribution_end(void *context)
{
    mmn_one_contribution *one = context;
    mmn_contributions_free(&one->found);
    mmn_input_free(one->input);
}

/* ---- Result ---------------------------------------------------------------------------------- */

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_MADE_COLUMNS, MMN_TEXT("prompt"), MMN_WHOLE("tokens"), MMN_TEXT("by"),
                 MMN_TEXT("activation"), MMN_WHOLE("top"), MMN_WHOLE("names"), MMN_WHOLE("seeds"),
                 MMN_WHOLE("first_seed"), MMN_REAL("noise", ""), MMN_REAL("weight_noise", ""),
                 MMN_TEXT("mask"), MMN_GENERATION_COLUMN, MMN_ALLOWED_COLUMNS, MMN_GRID_COLUMNS,
                 MMN_TEXT("answer"))},
    {"images", "result", MMN_COLUMNS(MMN_TEXT("file"))},
    {"ids", "result", MMN_COLUMNS(MMN_WHOLE("id"))},
    {"words", "result",
     MMN_COLUMNS(MMN_TEXT("text"), MMN_WHOLE("token"), MMN_WHOLE("id"), MMN_TEXT("word"),
                 MMN_WHOLE("position"), MMN_REAL("log_probability", "nats"))},
    {"neurons", "words",
     MMN_COLUMNS(MMN_WHOLE("layer"), MMN_WHOLE("neuron"), MMN_REAL("contribution", ""),
                 MMN_REAL("activation", ""), MMN_REAL("score", ""), MMN_REAL("attribution", ""),
                 MMN_REAL("bar", ""))},
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
    "    'tokens': $tokens<?by|, 'by': $by>, 'activation': $activation, 'top': $top, 'names': "
    "$names,\n"
    "    'seeds': $seeds, 'first_seed': $first_seed, 'noise': $noise"
    "<?weight_noise|, 'weight_noise': $weight_noise><?mask|, 'mask': $mask>" MMN_GENERATION_JSON
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
    " 'activation': $activation, 'score': $score<?by|, 'attribution': $attribution>,\n"
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
    "  layer  neuron<?by|  attribution>  contribution  activation     score  stands for\n"
    "<neurons||  $5{layer}  $6{neuron}<?by|  $11.4{attribution}>  $12.4{contribution}"
    "  $10.4{activation}  $8.4{score} "
    "<names|| $\"{word}>\n>"
    "<drops first||  by how much ln p falls when neurons are disturbed:\n>"
    "<drops||  <-6|${how}:> <-14|<?neurons=top|these><?neurons=random|random> neurons>  $8.4{mean}"
    "<?repeated| [$.4{low}, $.4{high}]>; the answer changes in ${changes} of "
    "${count}\n>>" MMN_REMARKS;

const mmn_form mmn_contributions_form = {
    .format = "mmneuron-contrib-1", .tables = tables, .json = json, .people = people};

static void add_settings(mmn_result *result, const mmn_one_contribution *one)
{
    const mmn_contributions *found = &one->found;
    const mmn_contribution_options *options = found->options;
    MMN_ADD(
        result, "result", MMN_MADE(&one->study), mmn_as_text(one->prompt),
        mmn_as_whole(found->tokens),
        mmn_as_text(options->gradient ? mmn_neuron_order_name(MMN_BY_CONTRIBUTION, options) : NULL),
        mmn_as_text(options->product ? "product" : "gate"), mmn_as_whole(found->top),
        mmn_as_whole(found->names), MMN_SEEDS(&one->study), mmn_as_real(found->noise),
        mmn_real_if(options->weight_noise > 0, options->weight_noise),
        mmn_as_text(options->enlarged ? "enlarged" : NULL), mmn_generation_of(one->study.model),
        MMN_ALLOWED(one->study.allowed), MMN_GRID(found->grid), mmn_as_text(found->spoken.answer));
    for (size_t i = 0; i < options->image_count; i++)
        MMN_ADD(result, "images", mmn_as_text(options->images[i]));
    for (size_t i = 0; i < found->id_count; i++)
        MMN_ADD(result, "ids", mmn_as_whole((uint64_t)found->ids[i]));
}

static void add_neuron(mmn_result *result, const mmn_contributions *found,
                       const mmn_contributor *neuron)
{
    MMN_ADD(result, "neurons", mmn_as_whole(neuron->layer), mmn_as_whole(neuron->neuron),
            mmn_as_real(neuron->contribution), mmn_as_real(neuron->activation),
            mmn_as_real(neuron->score), mmn_real_if(found->options->gradient, neuron->attribution),
            mmn_as_real(neuron->bar));
    for (size_t i = 0; i < found->names; i++)
        MMN_ADD(result, "names", mmn_as_whole((uint64_t)neuron->names[i].id),
                mmn_word_of(result, found->study->model, neuron->names[i].id),
                mmn_as_real(neuron->names[i].value));
    for (size_t i = 0; i < found->grid.side * found->grid.side; i++)
        MMN_ADD(result, "map", mmn_as_real(neuron->map[i]));
}

static void add_disturbance(mmn_result *result, const mmn_contributions *found,
                            const mmn_disturbance *disturbance)
{
    const bool seeded = disturbance->kind != MMN_DISTURB_OFF ||
                        disturbance->neurons == MMN_DISTURB_RANDOM;
    MMN_ADD(result, "disturbances", mmn_as_text(mmn_disturbance_names[disturbance->kind]),
            mmn_as_text(mmn_disturbed_names[disturbance->neurons]),
            seeded ? mmn_as_whole(disturbance->seed) : mmn_as_nothing(),
            mmn_as_real(disturbance->log_probability),
            mmn_as_whole((uint64_t)disturbance->likeliest),
            mmn_word_of(result, found->study->model, disturbance->likeliest),
            mmn_as_truth(disturbance->answer_changes));
}

static void add_drop(mmn_result *result, const mmn_answer_word *word, mmn_disturbance_kind kind,
                     mmn_disturbed neurons)
{
    const mmn_drop drop = mmn_contribution_drop(word, kind, neurons);
    if (drop.count > 0)
        MMN_ADD(result, "drops", mmn_as_text(mmn_disturbance_names[kind]),
                mmn_as_text(mmn_disturbed_names[neurons]), mmn_as_real(drop.interval.mean),
                mmn_as_real(drop.interval.low), mmn_as_real(drop.interval.high),
                mmn_as_whole(drop.count), mmn_as_truth(drop.count > 1), mmn_as_whole(drop.changes));
}

static void add_word(mmn_result *result, const mmn_contributions *found,
                     const mmn_answer_word *word)
{
    MMN_ADD(result, "words", mmn_as_text(word->text), mmn_as_whole(word->token),
            mmn_as_whole((uint64_t)word->id), mmn_word_of(result, found->study->model, word->id),
            mmn_as_whole(word->position), mmn_as_real(word->log_probability));
    for (size_t i = 0; i < word->neuron_count; i++)
        add_neuron(result, found, &word->neurons[MMN_BY_CONTRIBUTION][i]);
    for (size_t i = 0; i < word->disturbance_count; i++)
        add_disturbance(result, found, &word->disturbances[i]);
    for (int kind = 0; kind < MMN_DISTURBANCES; kind++)
        for (int neurons = 0; neurons < MMN_DISTURBED; neurons++)
            add_drop(result, word, (mmn_disturbance_kind)kind, (mmn_disturbed)neurons);
}

static void fill(mmn_result *result, const void *context)
{
    const mmn_one_contribution *one = context;
    add_settings(result, one);
    for (size_t i = 0; i < one->found.word_count; i++)
        add_word(result, &one->found, &one->found.words[i]);
}

const mmn_study_kind mmn_contributions_kind = {.doing = "contributions",
                                               .unit = "passes",
                                               .size = sizeof(mmn_one_contribution),
                                               .options_size = sizeof(mmn_contribution_options),
                                               .former_size =
                                                   offsetof(mmn_contribution_options, gradient),
                                               .set_up = mmn_one_contribution_set_up,
                                               .begin = begin,
                                               .end = mmn_one_contribution_end,
                                               .form = &mmn_contributions_form,
                                               .fill = fill};

mmn_status mmn_contributions_run(mmn_result **result, const mmn_model *model,
                                 const mmn_contribution_options *options, mmn_error *error)
{
    const bool of_list = options && options->size >= offsetof(mmn_contribution_options, gradient) &&
                         options->list;
    const bool by_gradients = of_list && options->size >= sizeof(*options) && options->gradient;
    return mmn_study_make(result,
                          by_gradients ? &mmn_attribution_list_kind
                          : of_list    ? &mmn_contribution_list_kind
                                       : &mmn_contributions_kind,
                          model, options, error);
}
