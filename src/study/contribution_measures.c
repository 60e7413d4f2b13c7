/* What neurons of words have in common, between samples and within a list. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "study/contribution_list.h"

size_t mmn_common_numbers(const uint64_t *a, const uint64_t *b, size_t count)
{
    size_t common = 0;
    for (size_t i = 0, k = 0; i < count && k < count;) {
        common += a[i] == b[k];
        const bool a_first = a[i] <= b[k], b_first = b[k] <= a[i];
        i += a_first;
        k += b_first;
    }
    return common;
}

/* ---- Groups ---------------------------------------------------------------------------------- */

static int compare_words(const void *a, const void *b)
{
    const mmn_said_word *first = *(const mmn_said_word *const *)a;
    const mmn_said_word *second = *(const mmn_said_word *const *)b;
    const int order = strcmp(first->folded, second->folded);
    return order != 0 ? order : (first->sample > second->sample) - (first->sample < second->sample);
}

size_t mmn_said_words(const mmn_said_word ***words, const mmn_contribution_list *list,
                      size_t domain)
{
    size_t count = 0;
    *words = mmn_allocate(list->word_count, sizeof(**words), NULL);
    for (size_t s = 0; *words && s < list->sample_count; s++) {
        const mmn_said_sample *sample = &list->samples[s];
        for (size_t w = 0; w < sample->word_count; w++)
            if (domain == SIZE_MAX || sample->domain == domain)
                (*words)[count++] = &sample->words[w];
    }
    if (*words)
        qsort(*words, count, sizeof(**words), compare_words);
    return count;
}

bool mmn_said_next(mmn_said_group *group, const mmn_said_word *const *words, size_t count,
                   size_t *next)
{
    const size_t first = *next;
    if (first >= count)
        return false;
    while (*next < count && strcmp(words[*next]->folded, words[first]->folded) == 0)
        ++*next;
    *group = (mmn_said_group){words + first, *next - first};
    return true;
}

/* ---- Neurons of several words ---------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;
    return (first > second) - (first < second);
}

/* Takes a neuron among those of most words; of equals the lower number stays before, as numbers
 * come ascending. */
static void choose_common(mmn_common_neuron *common, size_t *count, mmn_common_neuron neuron)
{
    if (neuron.words < 2)
        return;
    if (*count == MMN_SHOWN_NEURONS && common[*count - 1].words >= neuron.words)
        return;
    size_t place = *count < MMN_SHOWN_NEURONS ? (*count)++ : *count - 1;
    for (; place > 0 && common[place - 1].words < neuron.words; place--)
        common[place] = common[place - 1];
    common[place] = neuron;
}

/* The pairs of words that have a neuron in common are those of the words whose neuron it is. */
bool mmn_said_common(const mmn_contribution_list *list, const mmn_said_group *group,
                     mmn_neuron_order order, double *share, mmn_common_neuron *common,
                     size_t *count)
{
    const size_t top = list->asked.top, all = group->count * top;
    const double pairs = (double)group->count * (double)(group->count - 1) / 2;
    double shared = 0;
    uint64_t *numbers = mmn_allocate(all, sizeof(*numbers), NULL);
    *count = 0;
    *share = 0;
    if (!numbers)
        return false;
    for (size_t w = 0; w < group->count; w++)
        memcpy(numbers + w * top, group->words[w]->by[order].numbers, top * sizeof(*numbers));
    qsort(numbers, all, sizeof(*numbers), compare_numbers);
    for (size_t first = 0, end; first < all; first = end) {
        for (end = first + 1; end < all && numbers[end] == numbers[first];)
            end++;
        const size_t words = end - first;
        shared += (double)words * (double)(words - 1) / 2;
        choose_common(common, count, (mmn_common_neuron){numbers[first], words});
    }
    if (pairs > 0)
        *share = shared / pairs / (double)top;
    mmn_free(numbers);
    return true;
}

/* ---- Summaries ------------------------------------------------------------------------------- */

static void add(mmn_said_mean *mean, double value)
{
    mean->sum += value;
    mean->count++;
}

static void add_word(mmn_said_summary *summary, const mmn_contribution_list *list,
                     const mmn_said_sample *sample, const mmn_said_word *word,
                     mmn_neuron_order order)
{
    const mmn_said_neurons *said = &word->by[order];
    if (said->shuffles > 0)
        add(&summary->region, said->region);
    if (sample->word_count > 1)
        add(&summary->shared, said->shared);
    add(&summary->own, said->own);
    add(&summary->any, said->any);
    add(&summary->named, said->named);
    if (list->random_count > 0)
        add(&summary->named_random, word->named_random);
    summary->words++;
}

/* The words that enough samples say. */
static bool compare_samples(mmn_said_summary *summary, const mmn_contribution_list *list,
                            size_t domain, mmn_neuron_order order)
{
    const mmn_said_word **words;
    const size_t count = mmn_said_words(&words, list, domain);
    mmn_common_neuron common[MMN_SHOWN_NEURONS];
    mmn_said_group group;
    size_t next = 0, ignored;
    bool fine = words != NULL;
    while (fine && mmn_said_next(&group, words, count, &next)) {
        double share;
        if (group.count < list->at_least)
            continue;
        fine = mmn_said_common(list, &group, order, &share, common, &ignored);
        add(&summary->across, share);
    }
    mmn_free(words);
    return fine;
}

bool mmn_said_summarise(mmn_said_summary *summary, const mmn_contribution_list *list, size_t domain,
                        mmn_neuron_order order)
{
    *summary = (mmn_said_summary){0};
    for (size_t s = 0; s < list->sample_count; s++) {
        const mmn_said_sample *sample = &list->samples[s];
        if (domain != SIZE_MAX && sample->domain != domain)
            continue;
        summary->answers++;
        for (size_t w = 0; w < sample->word_count; w++)
            add_word(summary, list, sample, &sample->words[w], order);
    }
    return compare_samples(summary, list, domain, order);
}

/* ---- Disturbances ---------------------------------------------------------------------------- */

/* The mean fall of a sample's words; false where they have none. */
static bool drop_of(double *mean, size_t counts[3], const mmn_said_sample *sample,
                    mmn_disturbance_kind kind, mmn_disturbed neurons)
{
    double sum = 0;
    size_t words = 0;
    for (size_t w = 0; w < sample->word_count; w++) {
        const mmn_drop *drop = &sample->words[w].drops[kind][neurons];
        if (drop->count == 0)
            continue;
        sum += drop->interval.mean;
        words++;
        counts[0] += drop->count;
        counts[1] += drop->changes;
        counts[2] += drop->stays;
    }
    *mean = words > 0 ? sum / (double)words : 0;
    return words > 0;
}

bool mmn_said_drops(mmn_said_drop *drop, const mmn_contribution_list *list, size_t domain,
                    mmn_disturbance_kind kind, mmn_disturbed neurons)
{
    double *means = mmn_allocate(list->sample_count, sizeof(*means), NULL);
    size_t counts[3] = {0};
    *drop = (mmn_said_drop){0};
    if (!means)
        return false;
    for (size_t s = 0; s < list->sample_count; s++)
        if (domain == SIZE_MAX || list->samples[s].domain == domain)
            drop->samples +=
                drop_of(&means[drop->samples], counts, &list->samples[s], kind, neurons);
    drop->interval = mmn_interval_of(means, drop->samples);
    if (counts[0] > 0) {
        drop->changes = (double)counts[1] / (double)counts[0];
        drop->stays = (double)counts[2] / (double)counts[0];
    }
    mmn_free(means);
    return true;
}
