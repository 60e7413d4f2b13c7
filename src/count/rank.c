/* The ranking of one module's neurons by the entropy of their activation over domains, and the
 * other selections that it is compared with. */
#include "count/rank.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

typedef struct candidate {
    double key; /* the least come first */
    size_t neuron;
} candidate;

const char *const mmn_selection_names[MMN_SELECTIONS] = {
    [MMN_SELECT_ENTROPY] = "entropy",
    [MMN_SELECT_PROBABILITY] = "probability",
    [MMN_SELECT_VALUE_ENTROPY] = "value-entropy",
    [MMN_SELECT_PARAMETER_CHANGE] = "parameter-change",
    [MMN_SELECT_RANDOM] = "random"};

size_t mmn_round_share(double share, size_t count)
{
    return (size_t)nearbyint((double)count * share);
}

static int compare_numbers(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

static int compare_candidates(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->neuron > y->neuron) - (x->neuron < y->neuron);
}

/* The position in sorted numbers of the quantile: the k-th smallest, k = round(bar * count). */
static size_t quantile_index(double bar, size_t count)
{
    size_t k = mmn_round_share(bar, count);
    return k > 0 ? k - 1 : 0;
}

/* p of a neuron in every domain. */
static void find_probabilities(double *probability, const mmn_rank_task *task, size_t neuron,
                               bool float32)
{
    for (size_t d = 0; d < task->domains; d++) {
        if (float32)
            probability[d] = (float)task->active[d][neuron] / (float)task->tokens[d];
        else
            probability[d] = (double)task->active[d][neuron] / (double)task->tokens[d];
    }
}

/* - sum over d of q ln q with q = p / sum of p; 0 if all p are 0. Domains ascend. */
static double entropy_of(const double *probability, size_t domains, const mmn_kernels *kernels)
{
    double sum = 0, weighted = 0;
    for (size_t d = 0; d < domains; d++)
        sum += probability[d];
    for (size_t d = 0; d < domains; d++) {
        double q = sum > 0 ? probability[d] / sum : 0, logarithm;
        if (q > 0) {
            kernels->log_f64(&logarithm, &q, 1);
            weighted += q * logarithm;
        }
    }
    return 0 - weighted;
}

/* The same as PyTorch does it in float32: every operation rounded to it. Its own logarithm differs
 * in the last place; this one is the exact one, rounded. */
static double entropy_of_float32(const double *probability, size_t domains,
                                 const mmn_kernels *kernels)
{
    float sum = 0, weighted = 0;
    for (size_t d = 0; d < domains; d++)
        sum += (float)probability[d];
    for (size_t d = 0; d < domains; d++) {
        float q = sum > 0 ? (float)probability[d] / sum : 0;
        if (q > 0) {
            double wide = q, logarithm;
            kernels->log_f64(&logarithm, &wide, 1);
            weighted += q * (float)logarithm;
        }
    }
    return 0 - weighted;
}

/* By the rule's arithmetic. */
static double entropy_by(const mmn_rank_rule *rule, const double *probability, size_t domains,
                         const mmn_kernels *kernels)
{
    return rule->float32 ? entropy_of_float32(probability, domains, kernels)
                         : entropy_of(probability, domains, kernels);
}

/* The entropy over domains of v[d], the mean of the neuron's absolute values. Values that all round
 * to 0 say nothing: +infinity puts such a neuron last. values [domains] is room to work in. */
static double value_entropy(double *values, const mmn_rank_task *task, size_t neuron,
                            const mmn_kernels *kernels)
{
    bool any = false;
    for (size_t d = 0; d < task->domains; d++) {
        values[d] = (double)task->magnitude[d][neuron] * 0x1p-20 / (double)task->tokens[d];
        any = any || values[d] > 0;
    }
    return any ? entropy_of(values, task->domains, kernels) : INFINITY;
}

static double highest(const double *probability, size_t domains)
{
    double most = 0;
    for (size_t d = 0; d < domains; d++)
        most = probability[d] > most ? probability[d] : most;
    return most;
}

double mmn_rank_highest_entropy(size_t domains)
{
    const double count = (double)domains;
    double logarithm;
    mmn_kernels_reference()->log_f64(&logarithm, &count, 1);
    return logarithm;
}

double mmn_rank_effective_domains(double entropy)
{
    return mmn_power(0x1.5bf0a8b145769p+1, entropy); /* e, whose logarithm is 1 */
}

size_t mmn_rank_active_domains(double entropy, size_t domains)
{
    const double rounded = mmn_rank_effective_domains(entropy) + 0.5;
    return !(rounded < (double)domains) ? domains : rounded < 1 ? 1 : (size_t)rounded;
}

static bool exceeds(const double *probability, size_t domains, double bar)
{
    for (size_t d = 0; d < domains; d++)
        if (probability[d] > bar)
            return true;
    return false;
}

/* The values of the two quantiles. */
static mmn_status find_bars(mmn_rank_result *result, const double *probability, size_t count,
                            const mmn_rank_rule *rule, mmn_error *error)
{
    double *sorted = mmn_allocate(count, sizeof(*sorted), error);
    MMN_NEED(sorted);
    memcpy(sorted, probability, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare_numbers);
    result->bar = sorted[quantile_index(rule->bar, count)];
    result->assignment_bar = sorted[quantile_index(rule->assignment_bar, count)];
    mmn_free(sorted);
    return MMN_OK;
}

/* What a neuron above the bar is put in order by: the least comes first. values [domains] is room
 * to work in. */
static double key_of(double *values, const mmn_rank_task *task, const double *probability,
                     size_t neuron, const mmn_rank_rule *rule, const mmn_kernels *kernels)
{
    switch (rule->selection) {
    case MMN_SELECT_PROBABILITY:
        return -highest(probability, task->domains);
    case MMN_SELECT_VALUE_ENTROPY:
        return value_entropy(values, task, neuron, kernels);
    case MMN_SELECT_PARAMETER_CHANGE:
        return -task->change[neuron];
    default:
        return entropy_by(rule, probability, task->domains, kernels);
    }
}

/* The neurons above the bar, sorted, in candidates[0 .. result->passed). */
static mmn_status find_candidates(candidate *candidates, mmn_rank_result *result,
                                  const mmn_rank_task *task, const double *probability,
                                  const mmn_rank_rule *rule, const mmn_kernels *kernels,
                                  mmn_error *error)
{
    const size_t domains = result->domains;
    double *values = mmn_allocate(domains, sizeof(*values), error);
    MMN_NEED(values);
    for (size_t n = 0; n < task->neurons; n++) {
        const double *own = probability + n * domains;
        if (exceeds(own, domains, result->bar))
            candidates[result->passed++] =
                (candidate){key_of(values, task, own, n, rule, kernels), n};
    }
    mmn_free(values);
    qsort(candidates, result->passed, sizeof(*candidates), compare_candidates);
    return MMN_OK;
}

static size_t count_ties(const candidate *candidates, size_t passed, size_t selected)
{
    if (selected == 0 || selected == passed ||
        candidates[selected].key > candidates[selected - 1].key)
        return 0;
    double cut = candidates[selected - 1].key;
    size_t ties = 0;
    for (size_t i = 0; i < passed; i++)
        ties += candidates[i].key >= cut && candidates[i].key <= cut;
    return ties;
}

static int compare_places(const void *a, const void *b)
{
    const candidate *const *x = a, *const *y = b;
    return ((*x)->neuron > (*y)->neuron) - ((*x)->neuron < (*y)->neuron);
}

/* by_number: the places of the first `selected` candidates. */
static mmn_status order_by_number(mmn_rank_result *result, const candidate *candidates,
                                  mmn_error *error)
{
    const size_t selected = result->selected;
    const candidate **places = mmn_allocate(selected, sizeof(*places), error);
    MMN_NEED(places);
    for (size_t i = 0; i < selected; i++)
        places[i] = &candidates[i];
    qsort(places, selected, sizeof(*places), compare_places);
    for (size_t i = 0; i < selected; i++)
        result->by_number[i] = (size_t)(places[i] - candidates);
    mmn_free(places);
    return MMN_OK;
}

/* Puts in the place of each of the first `selected` candidates a neuron of its layer that is none
 * of them. */
static mmn_status replace(candidate *candidates, const mmn_rank_result *result,
                          const mmn_rank_task *task, uint64_t seed, uint32_t *own, uint32_t *chosen,
                          uint32_t *others, mmn_error *error)
{
    for (size_t from = 0, end; from < result->selected; from = end) {
        const size_t layer = candidates[result->by_number[from]].neuron / task->width;
        for (end = from; end < result->selected; end++) {
            const size_t neuron = candidates[result->by_number[end]].neuron;
            if (neuron / task->width != layer)
                break;
            own[end - from] = (uint32_t)(neuron % task->width);
        }
        const size_t count = end - from;
        if (count > task->width - count)
            return mmn_fail(error, MMN_INPUT, NULL, NULL,
                            "%zu of the %" PRIu32 " neurons of layer %zu would be selected by "
                            "entropy; there are not so many others to choose from",
                            count, task->width, layer);
        mmn_random_others(chosen, own, count, task->width,
                          (mmn_random_place){.seed = seed, .at = {task->module, (uint32_t)layer}},
                          others);
        for (size_t i = 0; i < count; i++)
            candidates[result->by_number[from + i]].neuron = layer * task->width + chosen[i];
    }
    return MMN_OK;
}

static mmn_status choose_at_random(candidate *candidates, mmn_rank_result *result,
                                   const mmn_rank_task *task, uint64_t seed, mmn_error *error)
{
    uint32_t *room = mmn_allocate(task->width, 3 * sizeof(*room), error);
    MMN_NEED(room);
    mmn_status status = order_by_number(result, candidates, error);
    if (status == MMN_OK)
        status = replace(candidates, result, task, seed, room, room + task->width,
                         room + 2 * (size_t)task->width, error);
    mmn_free(room);
    return status;
}

/* Which domains the candidate at each place belongs to. */
static void assign(mmn_rank_result *result, const candidate *candidates, const double *probability)
{
    for (size_t i = 0; i < result->selected; i++)
        for (size_t d = 0; d < result->domains; d++)
            result->belongs[i * result->domains + d] =
                probability[candidates[i].neuron * result->domains + d] > result->assignment_bar;
}

static mmn_status make_room(mmn_rank_result *result, const mmn_rank_rule *rule, mmn_error *error)
{
    const size_t selected = result->selected, domains = result->domains;
    const bool scored = rule->selection != MMN_SELECT_ENTROPY &&
                        rule->selection != MMN_SELECT_RANDOM;
    MMN_NEED(result->ranked = mmn_allocate(selected, sizeof(*result->ranked), error));
    MMN_NEED(result->entropy = mmn_allocate(selected, sizeof(*result->entropy), error));
    MMN_NEED(result->by_number = mmn_allocate(selected, sizeof(*result->by_number), error));
    MMN_NEED(result->belongs = mmn_allocate(selected, domains, error));
    MMN_NEED(result->probability =
                 mmn_allocate(selected * domains, sizeof(*result->probability), error));
    if (scored)
        MMN_NEED(result->score = mmn_allocate(selected, sizeof(*result->score), error));
    return MMN_OK;
}

/* Fills the result's arrays from the first `selected` candidates. */
static mmn_status keep_selected(mmn_rank_result *result, candidate *candidates,
                                const mmn_rank_task *task, const double *probability,
                                const mmn_rank_rule *rule, const mmn_kernels *kernels,
                                mmn_error *error)
{
    const size_t domains = result->domains;
    MMN_TRY(make_room(result, rule, error));
    assign(result, candidates, probability);
    if (rule->selection == MMN_SELECT_RANDOM)
        MMN_TRY(choose_at_random(candidates, result, task, rule->seed, error));
    for (size_t i = 0; i < result->selected; i++) {
        const double *own = probability + candidates[i].neuron * domains;
        result->ranked[i] = candidates[i].neuron;
        result->entropy[i] = entropy_by(rule, own, domains, kernels);
        memcpy(result->probability + i * domains, own, domains * sizeof(*own));
        if (result->score)
            result->score[i] = fabs(candidates[i].key);
    }
    return order_by_number(result, candidates, error);
}

mmn_status mmn_rank_neurons(mmn_rank_result *result, const mmn_rank_task *task,
                            const mmn_rank_rule *rule, const mmn_kernels *kernels, mmn_error *error)
{
    *result = (mmn_rank_result){.domains = task->domains};
    double *probability = mmn_allocate(task->neurons, task->domains * sizeof(*probability), error);
    candidate *candidates = mmn_allocate(task->neurons, sizeof(*candidates), error);
    mmn_status status = probability && candidates ? MMN_OK : MMN_SYSTEM;
    if (status == MMN_OK) {
        for (size_t n = 0; n < task->neurons; n++)
            find_probabilities(probability + n * task->domains, task, n, rule->float32);
        status = find_bars(result, probability, task->neurons * task->domains, rule, error);
    }
    if (status == MMN_OK)
        status = find_candidates(candidates, result, task, probability, rule, kernels, error);
    if (status == MMN_OK) {
        result->wanted = mmn_round_share(rule->rate, task->neurons);
        result->selected = result->wanted < result->passed ? result->wanted : result->passed;
        if (rule->selection != MMN_SELECT_RANDOM)
            result->tied_at_cut = count_ties(candidates, result->passed, result->selected);
        status = keep_selected(result, candidates, task, probability, rule, kernels, error);
    }
    mmn_free(candidates);
    mmn_free(probability);
    return status;
}

void mmn_rank_result_free(mmn_rank_result *result)
{
    mmn_free(result->ranked);
    mmn_free(result->score);
    mmn_free(result->entropy);
    mmn_free(result->probability);
    mmn_free(result->belongs);
    mmn_free(result->by_number);
    *result = (mmn_rank_result){0};
}

bool mmn_rank_belongs(const mmn_rank_result *result, size_t rank, size_t domain)
{
    return result->belongs[rank * result->domains + domain] != 0;
}
