/* Multi-modal neurons over a list: answers its samples, looks for the neurons of their words, and
 * again with the image's positions permuted. */
#include "study/contribution_list.h"

#include <math.h>

#include "base/error.h"
#include "model/model.h"

enum { AT_LEAST = 5 };

/* ---- One sample ------------------------------------------------------------------------------ */

/* The words that are wanted of a sample's answer. */
static mmn_word_choice choice_of(const mmn_contribution_list *list, const mmn_sample *sample)
{
    const mmn_contribution_options *options = list->options;
    if (options->word)
        return (mmn_word_choice){.only = &options->word, .only_count = 1};
    return (mmn_word_choice){
        .only = sample->words, .only_count = sample->word_count, .all = options->all_words != 0};
}

/* Tells that one more step of so many is behind. */
static mmn_status tell(mmn_contribution_list *list, mmn_contributions *found, mmn_error *error)
{
    list->study.progress.begun += found->begun;
    return mmn_study_advance(&list->study, 0, error);
}

static mmn_status find_neurons(mmn_contribution_list *list, mmn_contributions *found,
                               mmn_error *error)
{
    MMN_TRY(mmn_contribution_scores(found, error));
    MMN_TRY(mmn_contribution_names(found, error));
    MMN_TRY(tell(list, found, error));
    return mmn_contribution_disturb(found, error);
}

static const mmn_answer_word *find_word(const mmn_contributions *found, const char *text)
{
    for (size_t w = 0; w < found->word_count; w++)
        if (mmn_is_same_word(found->words[w].text, text))
            return &found->words[w];
    return NULL;
}

/* The share of a word's neurons that are among those of another. */
static double share_of(const mmn_answer_word *word, const mmn_answer_word *other,
                       mmn_neuron_order order)
{
    const mmn_contributor *own = word->neurons[order], *theirs = other->neurons[order];
    size_t common = 0;
    for (size_t i = 0; i < word->neuron_count; i++) {
        size_t k = 0;
        while (k < other->neuron_count &&
               (own[i].layer != theirs[k].layer || own[i].neuron != theirs[k].neuron))
            k++;
        common += k < other->neuron_count;
    }
    return (double)common / (double)word->neuron_count;
}

/* Answers the input with its image shuffled, and compares the neurons of words that are said there,
 * too. */
static mmn_status compare_shuffled(mmn_contribution_list *list, mmn_contribution_row *row,
                                   const mmn_contributions *found, mmn_contributions *shuffled,
                                   const mmn_word_choice *choice, mmn_error *error)
{
    const size_t number = (size_t)(shuffled->shuffle->seed - list->study.plan.first_seed);
    MMN_TRY(mmn_contribution_answer(shuffled, found->input, choice, error));
    if (shuffled->word_count > 0)
        MMN_TRY(mmn_contribution_scores(shuffled, error));
    for (size_t w = 0; w < found->word_count; w++) {
        const mmn_answer_word *word = &found->words[w], *other = find_word(shuffled, word->text);
        for (int order = 0; other && order < MMN_NEURON_ORDERS; order++)
            row->by[order].region[w * list->shuffles + number] =
                share_of(word, other, (mmn_neuron_order)order);
    }
    return tell(list, shuffled, error);
}

static mmn_status shuffle(mmn_contribution_list *list, mmn_contribution_row *row,
                          const mmn_contributions *found, const mmn_planned_sample *planned,
                          const mmn_word_choice *choice, mmn_error *error)
{
    for (size_t i = 0; i < list->shuffles; i++) {
        const mmn_image_shuffle shuffle = {.seed = list->study.plan.first_seed + i,
                                           .sample = planned->sample.line};
        mmn_contributions shuffled = list->asked;
        shuffled.shuffle = &shuffle;
        shuffled.begun = found->begun;
        const mmn_status status = compare_shuffled(list, row, found, &shuffled, choice, error);
        mmn_contributions_free(&shuffled);
        MMN_TRY(status);
    }
    return MMN_OK;
}

static mmn_status measure(mmn_contribution_list *list, mmn_contributions *found,
                          const mmn_planned_sample *planned, const mmn_input *input,
                          mmn_error *error)
{
    const mmn_word_choice choice = choice_of(list, &planned->sample);
    const size_t run = mmn_plan_next(&list->study.plan, 0, planned->domain);
    mmn_contribution_row *row = mmn_study_row(&list->study, run);
    MMN_TRY(mmn_contribution_answer(found, input, &choice, error));
    const size_t passes = found->word_count * mmn_contribution_passes(found);
    found->begun = 1.0 / (double)(2 + passes + list->shuffles);
    MMN_TRY(tell(list, found, error));
    if (found->word_count > 0)
        MMN_TRY(find_neurons(list, found, error));
    MMN_TRY(mmn_contribution_fill_row(list, row, found, error));
    if (found->word_count > 0 && mmn_input_image_positions(input) > 0)
        MMN_TRY(shuffle(list, row, found, planned, &choice, error));
    return mmn_study_advance(&list->study, 1, error);
}

/* An mmn_study_function. */
static mmn_status measure_sample(void *context, const mmn_planned_sample *planned,
                                 const mmn_input *input, mmn_error *error)
{
    mmn_contribution_list *list = context;
    mmn_contributions found = list->asked;
    const mmn_status status = measure(list, &found, planned, input, error);
    mmn_contributions_free(&found);
    return status;
}

/* ---- All samples ----------------------------------------------------------------------------- */

static mmn_status check_options(const mmn_contribution_options *options, mmn_error *error)
{
    MMN_TRY(mmn_contribution_check(options, error));
    if (options->prompt || options->question || options->image_count > 0)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "the samples of a list have prompts, questions and images of their own");
    if (options->enlarged)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "maps, which can be enlarged, are made of one prompt or question");
    return options->rows.plan
               ? mmn_fail(error, MMN_USAGE, NULL, NULL,
                          "what this costs depends on the words of answers, which nobody knows "
                          "before they are given")
               : MMN_OK;
}

static mmn_status set_up(void *context, const mmn_model *model, const void *asked, mmn_error *error)
{
    mmn_contribution_list *list = context;
    const mmn_contribution_options *options = asked;
    const mmn_language_config *config = &model->config.language;
    MMN_TRY(check_options(options, error));
    list->options = options;
    list->study = (mmn_study){
        .model = model,
        .samples.file = options->list,
        .samples.limit = options->samples,
        .samples.template_name = options->template_name ? options->template_name : "",
        .allowed.unknown_keys = options->allow_unknown_keys != 0,
        MMN_STUDY_LONG_PROMPTS(options),
        .plan = {.plain = true, .seeds = options->seeds, .first_seed = options->first_seed},
        .keeping = options->rows,
        .show = options->progress,
        .show_context = options->progress_context};
    list->asked = mmn_contributions_of(&list->study, options);
    list->asked.orders = MMN_NEURON_ORDERS;
    list->shuffles = options->shuffles;
    list->at_least = options->at_least > 2   ? (size_t)options->at_least
                     : options->at_least > 0 ? 2
                                             : AT_LEAST;
    list->shown = list->asked.top < MMN_SHOWN_NEURONS ? list->asked.top : MMN_SHOWN_NEURONS;
    list->disturbances = mmn_contribution_disturbances(&list->asked);
    list->layers = config->layers;
    list->neurons = config->intermediate_size;
    return MMN_OK;
}

/* Draws the random neurons, and names them. */
static mmn_status draw_random(mmn_contribution_list *list, mmn_error *error)
{
    mmn_study *study = &list->study;
    const mmn_contributions *asked = &list->asked;
    const size_t count = study->plan.seeds * asked->top;
    const size_t width = study->model->config.language.hidden_size;
    mmn_word *names = mmn_study_allocate(study, count, asked->names * sizeof(*names), error);
    float *columns = mmn_study_allocate(study, MMN_STUDY_ROWS, width * sizeof(*columns), error);
    list->random = mmn_study_allocate(study, count, sizeof(*list->random), error);
    MMN_NEED(names && columns && list->random);
    for (size_t seed = 0; seed < study->plan.seeds; seed++)
        mmn_random_contributors(list->random + seed * asked->top, asked->top, study->model,
                                study->plan.first_seed + seed);
    for (size_t i = 0; i < count; i++)
        list->random[i].names = names + i * asked->names;
    return mmn_contribution_name(asked, list->random, count, columns, error);
}

static mmn_status begin(void *context, mmn_error *error)
{
    mmn_contribution_list *list = context;
    list->random_count = list->study.plan.seeds * list->asked.top;
    MMN_TRY(mmn_study_reserve_logits(&list->study, MMN_STUDY_ROWS, error));
    return list->random_count > 0 ? draw_random(list, error) : MMN_OK;
}

/* By gradients, rows have a column more. */
#define LIST_KIND(of_rows)                                                                         \
    {                                                                                              \
        .doing = "contributions", .unit = "samples", .size = sizeof(mmn_contribution_list),        \
        .options_size = sizeof(mmn_contribution_options),                                          \
        .former_size = offsetof(mmn_contribution_options, gradient), .set_up = set_up,             \
        .begin = begin, .columns = (of_rows), .row_size = sizeof(mmn_contribution_row),            \
        .measure = measure_sample, .take = mmn_contribution_take,                                  \
        .form = &mmn_contribution_list_form, .describe = mmn_contribution_list_describe,           \
        .fill = mmn_contribution_list_fill                                                         \
    }
const mmn_study_kind mmn_contribution_list_kind = LIST_KIND(mmn_contribution_columns);
const mmn_study_kind mmn_attribution_list_kind = LIST_KIND(mmn_attribution_columns);
