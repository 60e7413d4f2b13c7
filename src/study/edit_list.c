/* Edits over a list: the ways of making them, and the searches of a line. */
#include "study/edit_list.h"

#include <string.h>

#include "base/error.h"
#include "base/names.h"
#include "model/input.h"
#include "model/model.h"

/* ---- Ways ------------------------------------------------------------------------------------ */

static void add_way(mmn_edit_list *list, bool optimised, mmn_edit_chosen chosen, uint64_t seed)
{
    list->ways[list->way_count++] = (mmn_edit_way){optimised, chosen, seed};
}

/* Whether the options name a method. */
static bool has_method(const mmn_edits_options *options, const char *method)
{
    return !options->method || strcmp(options->method, method) == 0;
}

/* The direct way first; of each the top neurons first, and a layer's last. */
static mmn_status make_ways(mmn_edit_list *list, mmn_error *error)
{
    const mmn_edits_options *options = list->options;
    list->ways = mmn_study_allocate(&list->study, 3 + 2 * (size_t)options->seeds,
                                    sizeof(*list->ways), error);
    MMN_NEED(list->ways);
    for (int optimised = 0; optimised < 2; optimised++) {
        if (!has_method(options, mmn_edit_method_name(optimised)))
            continue;
        add_way(list, optimised, MMN_EDIT_TOP, 0);
        for (uint32_t i = 0; i < options->seeds; i++)
            add_way(list, optimised, MMN_EDIT_RANDOM, options->first_seed + i);
        if (optimised)
            add_way(list, optimised, MMN_EDIT_LAYER, 0);
    }
    return MMN_OK;
}

/* ---- Searching ------------------------------------------------------------------------------- */

/* A line at work. */
typedef struct editing_line {
    mmn_edit_list *list;
    mmn_contributions found;   /* of the word */
    mmn_input *edited;         /* the prompt, and the answer up to the other word */
    mmn_edit_search *searches; /* [ways] */
    int32_t to;
    double begun; /* the share of the sample that a step counts for */
} editing_line;

/* The neurons of a way, in the row's memory where they are random. */
static mmn_status choose(mmn_edit_search *search, const editing_line *work, const mmn_edit_way *way,
                         uint64_t line, mmn_error *error)
{
    const mmn_edit_list *list = work->list;
    const mmn_answer_word *word = &work->found.words[0];
    search->count = word->neuron_count;
    search->neurons = word->neurons[MMN_BY_CONTRIBUTION];
    if (way->chosen == MMN_EDIT_LAYER) {
        search->count = list->study.model->config.language.intermediate_size;
        search->neurons = list->of_layer;
    }
    if (way->chosen != MMN_EDIT_RANDOM)
        return MMN_OK;
    mmn_contributor *random =
        mmn_study_allocate_in_row(work->found.study, search->count, sizeof(*random), error);
    MMN_NEED(random);
    mmn_random_contributors(random, search->count, list->study.model, mmn_edit_seed(way, line));
    search->neurons = random;
    return MMN_OK;
}

static mmn_status search_way(editing_line *work, size_t number, uint64_t line, mmn_error *error)
{
    const mmn_edit_list *list = work->list;
    const mmn_edit_way *way = &list->ways[number];
    const mmn_answer_word *word = &work->found.words[0];
    mmn_edit_search *search = &work->searches[number];
    *search = (mmn_edit_search){.study = work->found.study,
                                .input = way->optimised ? work->edited : work->found.extended,
                                .position = word->position,
                                .from = word->id,
                                .to = work->to,
                                .probability = list->wishes.probability};
    MMN_TRY(choose(search, work, way, line, error));
    if (way->optimised)
        return mmn_edit_optimise(search, list->wishes.rate, list->wishes.steps, error);
    return mmn_edit_find(search, error);
}

/* The prompt with the answer up to the other word, by which gradients are found. */
static mmn_status say_other(editing_line *work, const mmn_input *input, mmn_error *error)
{
    mmn_contributions *found = &work->found;
    const mmn_answer_word *word = &found->words[0];
    const int32_t kept = found->ids[word->token];
    found->ids[word->token] = work->to;
    const mmn_status status =
        mmn_input_extend(&work->edited, input, found->length, found->ids, word->token + 1, error);
    found->ids[word->token] = kept;
    return status;
}

static mmn_status search_all(editing_line *work, mmn_edit_row *row, uint64_t line, mmn_error *error)
{
    mmn_edit_list *list = work->list;
    for (size_t i = 0; i < list->way_count; i++) {
        mmn_edit_search *search = &work->searches[i];
        MMN_TRY(search_way(work, i, line, error));
        row->found[i] = search->found;
        row->passes[i] = search->passes;
        row->after[i] = search->after.to;
        row->before_from = search->before.from;
        row->before_to = search->before.to;
        list->study.progress.begun += work->begun;
        MMN_TRY(mmn_study_advance(&list->study, 0, error));
    }
    return MMN_OK;
}

/* ---- One line -------------------------------------------------------------------------------- */

static mmn_status edit_word(editing_line *work, mmn_edit_row *row,
                            const mmn_planned_sample *planned, const mmn_input *input,
                            mmn_error *error)
{
    mmn_edit_list *list = work->list;
    const mmn_sample *sample = &planned->sample;
    const mmn_answer_word *word = &work->found.words[0];
    row->said = 1;
    work->begun = 1.0 / (double)(1 + list->way_count + sample->general_count + sample->local_count);
    MMN_TRY(mmn_edit_row_reserve(list, row, sample, error));
    work->searches =
        mmn_study_allocate_in_row(&list->study, list->way_count, sizeof(*work->searches), error);
    MMN_NEED(work->searches);
    MMN_TRY(mmn_edit_token(&work->to, list->study.model, sample->to, word->id, error));
    MMN_TRY(mmn_contribution_scores(&work->found, error));
    MMN_TRY(say_other(work, input, error));
    MMN_TRY(search_all(work, row, sample->line, error));
    return mmn_edit_try(list, row, work->searches, planned, input, work->begun, error);
}

static mmn_status measure(editing_line *work, const mmn_planned_sample *planned,
                          const mmn_input *input, mmn_error *error)
{
    mmn_study *study = &work->list->study;
    const char *const from = planned->sample.from;
    const mmn_word_choice choice = {.only = &from, .only_count = 1};
    mmn_edit_row *row = mmn_study_row(study, mmn_plan_next(&study->plan, 0, planned->domain));
    MMN_TRY(mmn_contribution_answer(&work->found, input, &choice, error));
    char *answer = mmn_copy_text(work->found.spoken.answer, error);
    MMN_NEED(row->answer = mmn_study_keep_in_row(study, answer, error));
    if (work->found.word_count > 0)
        MMN_TRY(edit_word(work, row, planned, input, error));
    return mmn_study_advance(study, 1, error);
}

/* An mmn_study_function. */
static mmn_status measure_sample(void *context, const mmn_planned_sample *planned,
                                 const mmn_input *input, mmn_error *error)
{
    editing_line work = {.list = context, .found = ((mmn_edit_list *)context)->asked};
    const mmn_status status = measure(&work, planned, input, error);
    for (size_t i = 0; work.searches && i < work.list->way_count; i++)
        mmn_edit_search_free(&work.searches[i]);
    mmn_input_free(work.edited);
    mmn_contributions_free(&work.found);
    return status;
}

/* ---- All lines ------------------------------------------------------------------------------- */

/* An mmn_samples check. */
static mmn_status has_edit(const void *context, const mmn_sample *sample, const char *file,
                           mmn_error *error)
{
    (void)context;
    return sample->from ? MMN_OK
                        : mmn_fail(error, MMN_INPUT, file,
                                   MMN_PLACE("line %llu", (unsigned long long)sample->line),
                                   "has no edit: \"from\" and \"to\" are missing");
}

static mmn_status check(const mmn_edits_options *options, mmn_error *error)
{
    enum { MOST_SEEDS = 100 };
    MMN_GIVEN(error, options->list, options);
    if (options->method)
        MMN_TRY(mmn_edit_check_method(options->method, error));
    if (options->seeds > MOST_SEEDS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there can be %d random choices at most",
                        MOST_SEEDS);
    return options->rows.plan ? mmn_fail(error, MMN_USAGE, NULL, NULL,
                                         "what this costs depends on answers, which nobody knows "
                                         "before they are given")
                              : MMN_OK;
}

static mmn_status set_up(void *context, const mmn_model *model, const void *asked, mmn_error *error)
{
    mmn_edit_list *list = context;
    const mmn_edits_options *options = list->options = asked;
    MMN_TRY(check(options, error));
    MMN_TRY(mmn_edit_wish(&list->wishes, options->probability, options->learning_rate,
                          options->steps, error));
    list->contributions = (mmn_contribution_options){.size = sizeof(list->contributions),
                                                     .tokens = options->tokens,
                                                     .top = options->top,
                                                     .names = 1};
    MMN_TRY(mmn_contribution_check(&list->contributions, error));
    list->study = (mmn_study){
        .model = model,
        .samples.file = options->list,
        .samples.limit = options->samples,
        .samples.template_name = options->template_name ? options->template_name : "",
        .samples.check = has_edit,
        .allowed.unknown_keys = options->allow_unknown_keys != 0,
        MMN_STUDY_LONG_PROMPTS(options),
        .plan = {.plain = true, .seeds = options->seeds, .first_seed = options->first_seed},
        .keeping = options->rows,
        .show = options->progress,
        .show_context = options->progress_context};
    list->asked = mmn_contributions_of(&list->study, &list->contributions);
    list->layer = model->config.language.layers / 2;
    return make_ways(list, error);
}

static mmn_status begin(void *context, mmn_error *error)
{
    mmn_edit_list *list = context;
    const uint32_t neurons = list->study.model->config.language.intermediate_size;
    MMN_NEED(list->of_layer =
                 mmn_study_allocate(&list->study, neurons, sizeof(*list->of_layer), error));
    for (uint32_t k = 0; k < neurons; k++)
        list->of_layer[k] = (mmn_contributor){.layer = list->layer, .neuron = k};
    return mmn_study_reserve_logits(&list->study, MMN_STUDY_ROWS, error);
}

static const mmn_study_kind kind = {.doing = "editing",
                                    .unit = "samples",
                                    .size = sizeof(mmn_edit_list),
                                    .options_size = sizeof(mmn_edits_options),
                                    .set_up = set_up,
                                    .begin = begin,
                                    .columns = mmn_edit_columns,
                                    .row_size = sizeof(mmn_edit_row),
                                    .measure = measure_sample,
                                    .take = mmn_edit_row_take,
                                    .form = &mmn_edits_form,
                                    .describe = mmn_edit_list_describe,
                                    .fill = mmn_edit_list_fill};

mmn_status mmn_edits_run(mmn_result **result, const mmn_model *model,
                         const mmn_edits_options *options, mmn_error *error)
{
    return mmn_study_make(result, &kind, model, options, error);
}
