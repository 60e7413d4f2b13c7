/* Rows of multi-modal neurons over a list: what is kept of a sample, and what is taken of it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/model.h"
#include "study/contribution_list.h"

#define MANY(name, type, member)                                                                   \
    MMN_ROW_MANY(name, type, mmn_contribution_row, member, member##_count)
#define LISTS(prefix, order)                                                                       \
    MANY(prefix "layers", MMN_ROW_WHOLE, by[order].layers),                                        \
        MANY(prefix "neurons", MMN_ROW_WHOLE, by[order].neurons),                                  \
        MANY(prefix "contributions", MMN_ROW_REAL, by[order].contributions),                       \
        MANY(prefix "activations", MMN_ROW_REAL, by[order].activations),                           \
        MANY(prefix "scores", MMN_ROW_REAL, by[order].scores),                                     \
        MANY(prefix "averages", MMN_ROW_REAL, by[order].averages),                                 \
        MANY(prefix "name_ids", MMN_ROW_WHOLE, by[order].name_ids),                                \
        MANY(prefix "names", MMN_ROW_TEXT, by[order].names),                                       \
        MANY(prefix "name_values", MMN_ROW_REAL, by[order].name_values),                           \
        MANY(prefix "region", MMN_ROW_REAL, by[order].region)
#define COLUMNS                                                                                    \
    MMN_ROW_ONE("answer", MMN_ROW_TEXT, mmn_contribution_row, answer),                             \
        MANY("ids", MMN_ROW_WHOLE, ids), MANY("words", MMN_ROW_TEXT, words),                       \
        MANY("tokens", MMN_ROW_WHOLE, tokens),                                                     \
        MANY("log_probability", MMN_ROW_REAL, log_probability), LISTS("", MMN_BY_CONTRIBUTION),    \
        LISTS("active_", MMN_BY_ACTIVATION), MANY("named_random", MMN_ROW_WHOLE, named_random),    \
        MANY("disturbed", MMN_ROW_REAL, disturbed), MANY("likeliest", MMN_ROW_WHOLE, likeliest),   \
        MANY("changes", MMN_ROW_WHOLE, changes)
const mmn_row_column mmn_contribution_columns[] = {COLUMNS, {0}};
const mmn_row_column mmn_attribution_columns[] = {
    COLUMNS, MANY("attributions", MMN_ROW_REAL, by[MMN_BY_CONTRIBUTION].attributions), {0}};

/* ---- Making ---------------------------------------------------------------------------------- */

#define ROOM(member, wanted)                                                                       \
    MMN_NEED((member) = mmn_study_allocate_in_row(study, member##_count = (wanted),                \
                                                  sizeof(*(member)), error))

/* How many numbers there are of what gradients attribute to neurons [neurons] of an order. */
static size_t attributed(const mmn_contribution_list *list, int order, size_t neurons)
{
    return list->options->gradient && order == MMN_BY_CONTRIBUTION ? neurons : 0;
}

static mmn_status reserve_lists(mmn_study *study, mmn_neuron_lists *by, size_t neurons,
                                size_t names, size_t shuffles, mmn_error *error)
{
    ROOM(by->layers, neurons);
    ROOM(by->neurons, neurons);
    ROOM(by->contributions, neurons);
    ROOM(by->activations, neurons);
    ROOM(by->scores, neurons);
    ROOM(by->averages, neurons);
    ROOM(by->name_ids, names);
    ROOM(by->names, names);
    ROOM(by->name_values, names);
    ROOM(by->region, shuffles);
    return MMN_OK;
}

/* Gives each of a row's lists as much room as it needs. */
static mmn_status reserve(const mmn_contribution_list *list, mmn_contribution_row *row,
                          const mmn_contributions *found, mmn_error *error)
{
    mmn_study *study = found->study;
    const size_t words = found->word_count, neurons = words * found->top;
    ROOM(row->ids, found->id_count);
    ROOM(row->words, words);
    ROOM(row->tokens, words);
    ROOM(row->log_probability, words);
    ROOM(row->named_random, words);
    ROOM(row->disturbed, words * list->disturbances);
    ROOM(row->likeliest, words * list->disturbances);
    ROOM(row->changes, words * list->disturbances);
    for (int order = 0; order < MMN_NEURON_ORDERS; order++) {
        MMN_TRY(reserve_lists(study, &row->by[order], neurons, neurons * found->names,
                              words * list->shuffles, error));
        ROOM(row->by[order].attributions, attributed(list, order, neurons));
    }
    return MMN_OK;
}

static mmn_status fill_names(const mmn_contributions *found, mmn_neuron_lists *by, size_t first,
                             const mmn_contributor *neuron, mmn_error *error)
{
    for (size_t i = 0; i < found->names; i++) {
        char *word;
        by->name_ids[first + i] = (uint64_t)neuron->names[i].id;
        by->name_values[first + i] = neuron->names[i].value;
        MMN_TRY(mmn_lens_word(&word, found->study->model, neuron->names[i].id, error));
        MMN_NEED(by->names[first + i] = mmn_study_keep_in_row(found->study, word, error));
    }
    return MMN_OK;
}

/* The neurons of word number `w` in one order. */
static mmn_status fill_neurons(const mmn_contribution_list *list, mmn_neuron_lists *by,
                               const mmn_contributions *found, size_t w, int order,
                               mmn_error *error)
{
    const mmn_answer_word *word = &found->words[w];
    for (size_t i = 0; i < word->neuron_count; i++) {
        const mmn_contributor *neuron = &word->neurons[order][i];
        const size_t at = w * found->top + i;
        by->layers[at] = neuron->layer;
        by->neurons[at] = neuron->neuron;
        by->contributions[at] = neuron->contribution;
        by->activations[at] = neuron->activation;
        by->scores[at] = neuron->score;
        by->averages[at] = neuron->average;
        if (attributed(list, order, 1) > 0)
            by->attributions[at] = neuron->attribution;
        MMN_TRY(fill_names(found, by, at * found->names, neuron, error));
    }
    for (size_t i = 0; i < list->shuffles; i++)
        by->region[w * list->shuffles + i] = (double)NAN;
    return MMN_OK;
}

/* How many random neurons have a token among their names. */
static uint64_t count_random(const mmn_contribution_list *list, int32_t id)
{
    uint64_t named = 0;
    for (size_t i = 0; i < list->random_count; i++) {
        size_t k = 0;
        while (k < list->asked.names && list->random[i].names[k].id != id)
            k++;
        named += k < list->asked.names;
    }
    return named;
}

static mmn_status fill_word(const mmn_contribution_list *list, mmn_contribution_row *row,
                            const mmn_contributions *found, size_t w, mmn_error *error)
{
    const mmn_answer_word *word = &found->words[w];
    char *text = mmn_copy_text(word->text, error);
    MMN_NEED(row->words[w] = mmn_study_keep_in_row(found->study, text, error));
    row->tokens[w] = word->token;
    row->log_probability[w] = word->log_probability;
    row->named_random[w] = count_random(list, word->id);
    for (int order = 0; order < MMN_NEURON_ORDERS; order++)
        MMN_TRY(fill_neurons(list, &row->by[order], found, w, order, error));
    for (size_t i = 0; i < list->disturbances; i++) {
        const mmn_disturbance *disturbance = &word->disturbances[i];
        const size_t at = w * list->disturbances + i;
        row->disturbed[at] = disturbance->log_probability;
        row->likeliest[at] = (uint64_t)disturbance->likeliest;
        row->changes[at] = disturbance->answer_changes;
    }
    return MMN_OK;
}

mmn_status mmn_contribution_fill_row(const mmn_contribution_list *list, mmn_contribution_row *row,
                                     const mmn_contributions *found, mmn_error *error)
{
    char *answer = mmn_copy_text(found->spoken.answer, error);
    MMN_NEED(row->answer = mmn_study_keep_in_row(found->study, answer, error));
    MMN_TRY(reserve(list, row, found, error));
    for (size_t i = 0; i < found->id_count; i++)
        row->ids[i] = (uint64_t)found->ids[i];
    for (size_t w = 0; w < found->word_count; w++)
        MMN_TRY(fill_word(list, row, found, w, error));
    return MMN_OK;
}

/* ---- Checking -------------------------------------------------------------------------------- */

static bool are_below(const uint64_t *values, size_t count, uint64_t end)
{
    size_t i = 0;
    while (i < count && values[i] < end)
        i++;
    return i == count;
}

static mmn_status check_lists(const mmn_contribution_list *list, const mmn_neuron_lists *by,
                              int order, size_t words, mmn_error *error)
{
    const uint64_t vocabulary = list->study.model->config.language.vocab_size;
    const size_t top = words * list->asked.top, names = top * list->asked.names;
    if (by->layers_count != top || !are_below(by->layers, top, list->layers))
        return mmn_row_refuse("layers", error);
    if (by->neurons_count != top || !are_below(by->neurons, top, list->neurons))
        return mmn_row_refuse("neurons", error);
    if (by->contributions_count != top)
        return mmn_row_refuse("contributions", error);
    if (by->activations_count != top)
        return mmn_row_refuse("activations", error);
    if (by->scores_count != top)
        return mmn_row_refuse("scores", error);
    if (by->averages_count != top)
        return mmn_row_refuse("averages", error);
    if (by->attributions_count != attributed(list, order, top))
        return mmn_row_refuse("attributions", error);
    if (by->name_ids_count != names || !are_below(by->name_ids, names, vocabulary))
        return mmn_row_refuse("name_ids", error);
    if (by->names_count != names)
        return mmn_row_refuse("names", error);
    if (by->name_values_count != names)
        return mmn_row_refuse("name_values", error);
    return by->region_count == words * list->shuffles ? MMN_OK : mmn_row_refuse("region", error);
}

/* Whether a row's numbers are as many as they must be, and name neurons and words. */
static mmn_status check_row(const mmn_contribution_list *list, const mmn_contribution_row *row,
                            mmn_error *error)
{
    const uint64_t vocabulary = list->study.model->config.language.vocab_size;
    const size_t words = row->words_count, disturbances = words * list->disturbances;
    if (!row->answer)
        return mmn_row_refuse("answer", error);
    if (row->ids_count > list->asked.tokens || !are_below(row->ids, row->ids_count, vocabulary))
        return mmn_row_refuse("ids", error);
    if (row->tokens_count != words || !are_below(row->tokens, words, row->ids_count))
        return mmn_row_refuse("tokens", error);
    if (row->log_probability_count != words)
        return mmn_row_refuse("log_probability", error);
    if (row->named_random_count != words ||
        !are_below(row->named_random, words, list->random_count + 1))
        return mmn_row_refuse("named_random", error);
    if (row->disturbed_count != disturbances)
        return mmn_row_refuse("disturbed", error);
    if (row->likeliest_count != disturbances ||
        !are_below(row->likeliest, disturbances, vocabulary))
        return mmn_row_refuse("likeliest", error);
    if (row->changes_count != disturbances || !are_below(row->changes, disturbances, 2))
        return mmn_row_refuse("changes", error);
    for (int order = 0; order < MMN_NEURON_ORDERS; order++)
        MMN_TRY(check_lists(list, &row->by[order], order, words, error));
    return MMN_OK;
}

/* ---- Taking ---------------------------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;
    return (first > second) - (first < second);
}

static mmn_status take_shown(mmn_contribution_list *list, mmn_said_neurons *said,
                             const mmn_neuron_lists *by, size_t first, mmn_error *error)
{
    const size_t names = list->asked.names;
    said->shown = mmn_study_allocate(&list->study, list->shown, sizeof(*said->shown), error);
    mmn_word *words = mmn_study_allocate(&list->study, list->shown, names * sizeof(*words), error);
    MMN_NEED(said->shown && words);
    for (size_t i = 0; i < list->shown; i++) {
        const size_t at = first + i;
        said->shown[i] = (mmn_contributor){
            .layer = (uint32_t)by->layers[at],
            .neuron = (uint32_t)by->neurons[at],
            .contribution = (float)by->contributions[at],
            .activation = (float)by->activations[at],
            .score = (float)by->scores[at],
            .average = by->averages[at],
            .attribution = by->attributions_count > 0 ? (float)by->attributions[at] : 0,
            .names = words + i * names};
        for (size_t k = 0; k < names; k++)
            words[i * names + k] =
                (mmn_word){(int32_t)by->name_ids[at * names + k], by->name_values[at * names + k]};
    }
    return MMN_OK;
}

/* The share of neurons among whose names the word's token is. */
static double named_share(const mmn_contribution_list *list, const mmn_neuron_lists *by,
                          size_t first, int32_t id)
{
    const size_t top = list->asked.top, names = list->asked.names;
    size_t named = 0;
    for (size_t i = first; i < first + top; i++) {
        size_t k = 0;
        while (k < names && by->name_ids[i * names + k] != (uint64_t)id)
            k++;
        named += k < names;
    }
    return (double)named / (double)top;
}

/* Of word number `w` in one order, but for what it shares with others. */
static mmn_status take_neurons(mmn_contribution_list *list, mmn_said_neurons *said,
                               const mmn_neuron_lists *by, size_t w, int32_t id, mmn_error *error)
{
    const size_t top = list->asked.top, first = w * top;
    said->numbers = mmn_study_allocate(&list->study, top, sizeof(*said->numbers), error);
    MMN_NEED(said->numbers);
    for (size_t i = 0; i < top; i++) {
        said->numbers[i] = by->layers[first + i] * list->neurons + by->neurons[first + i];
        said->own += by->contributions[first + i];
        said->any += by->activations[first + i] * by->averages[first + i];
    }
    said->own /= (double)top;
    said->any /= (double)top;
    qsort(said->numbers, top, sizeof(*said->numbers), compare_numbers);
    for (size_t i = 1; i < top; i++)
        if (said->numbers[i - 1] == said->numbers[i])
            return mmn_row_refuse("neurons", error);
    said->named = named_share(list, by, first, id);
    for (size_t i = w * list->shuffles; i < (w + 1) * list->shuffles; i++)
        if (!isnan(by->region[i])) {
            said->region += by->region[i];
            said->shuffles++;
        }
    if (said->shuffles > 0)
        said->region /= (double)said->shuffles;
    return take_shown(list, said, by, first, error);
}

/* What became of word number `w` when neurons were disturbed. */
static mmn_status take_drops(mmn_contribution_list *list, mmn_said_word *said,
                             const mmn_contribution_row *row, size_t w, mmn_error *error)
{
    mmn_answer_word word = {.id = said->id,
                            .log_probability = said->log_probability,
                            .disturbance_count = list->disturbances};
    MMN_NEED(word.disturbances = mmn_study_allocate_in_row(&list->study, list->disturbances,
                                                           sizeof(*word.disturbances), error));
    for (size_t i = 0; i < list->disturbances; i++) {
        const size_t at = w * list->disturbances + i;
        word.disturbances[i] = mmn_contribution_disturbance(&list->asked, i);
        word.disturbances[i].log_probability = row->disturbed[at];
        word.disturbances[i].likeliest = (int32_t)row->likeliest[at];
        word.disturbances[i].answer_changes = row->changes[at] != 0;
    }
    for (int kind = 0; kind < MMN_DISTURBANCES; kind++)
        for (int neurons = 0; neurons < MMN_DISTURBED; neurons++)
            said->drops[kind][neurons] =
                mmn_contribution_drop(&word, (mmn_disturbance_kind)kind, (mmn_disturbed)neurons);
    return MMN_OK;
}

static char *fold(mmn_study *study, const char *text, mmn_error *error)
{
    char *folded = mmn_study_copy_text(study, text, error);
    for (char *at = folded; at && *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    return folded;
}

static mmn_status take_word(mmn_contribution_list *list, mmn_said_word *said,
                            const mmn_contribution_row *row, size_t w, mmn_error *error)
{
    *said = (mmn_said_word){.sample = list->sample_count,
                            .token = (size_t)row->tokens[w],
                            .id = (int32_t)row->ids[row->tokens[w]],
                            .log_probability = row->log_probability[w]};
    if (list->random_count > 0)
        said->named_random = (double)row->named_random[w] / (double)list->random_count;
    said->text = mmn_study_copy_text(&list->study, row->words[w], error);
    said->folded = fold(&list->study, row->words[w], error);
    MMN_NEED(said->text && said->folded);
    for (int order = 0; order < MMN_NEURON_ORDERS; order++)
        MMN_TRY(take_neurons(list, &said->by[order], &row->by[order], w, said->id, error));
    return take_drops(list, said, row, w, error);
}

/* What the words of an answer share, on the average over the others. */
static void compare_words(const mmn_contribution_list *list, mmn_said_word *words, size_t count)
{
    const size_t top = list->asked.top;
    for (size_t w = 0; w < count; w++)
        for (int order = 0; order < MMN_NEURON_ORDERS; order++) {
            size_t common = 0;
            for (size_t other = 0; other < count; other++)
                if (other != w)
                    common += mmn_common_numbers(words[w].by[order].numbers,
                                                 words[other].by[order].numbers, top);
            if (count > 1)
                words[w].by[order].shared = (double)common / (double)(top * (count - 1));
        }
}

mmn_status mmn_contribution_take(void *context, const mmn_planned_sample *planned, size_t run,
                                 const void *context_row, mmn_error *error)
{
    mmn_contribution_list *list = context;
    mmn_study *study = &list->study;
    const mmn_contribution_row *row = context_row;
    const size_t words = row->words_count;
    (void)run;
    MMN_TRY(check_row(list, row, error));
    MMN_TRY(mmn_study_reserve(study, &list->samples, &list->sample_capacity, list->sample_count + 1,
                              sizeof(*list->samples), error));
    mmn_said_sample *sample = &list->samples[list->sample_count];
    *sample = (mmn_said_sample){.domain = planned->domain, .word_count = words};
    sample->id = mmn_study_copy_text(study, planned->sample.id, error);
    sample->answer = mmn_study_copy_text(study, row->answer, error);
    sample->words = mmn_study_allocate(study, words, sizeof(*sample->words), error);
    MMN_NEED(sample->id && sample->answer && sample->words);
    for (size_t w = 0; w < words; w++)
        MMN_TRY(take_word(list, &sample->words[w], row, w, error));
    compare_words(list, sample->words, words);
    list->sample_count++;
    list->word_count += words;
    return MMN_OK;
}
