/* The ranking of one module's neurons by the entropy of their activation over domains. */
#include "count/rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

typedef struct candidate {
    double entropy;
    size_t neuron;
} candidate;

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
    if (x->entropy != y->entropy)
        return x->entropy < y->entropy ? -1 : 1;
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

/* Entropies of the neurons above the bar, sorted, in candidates[0 .. result->passed). */
static void find_candidates(candidate *candidates, mmn_rank_result *result,
                            const double *probability, size_t neurons, const mmn_rank_rule *rule,
                            const mmn_kernels *kernels)
{
    size_t domains = result->domains;
    for (size_t n = 0; n < neurons; n++) {
        const double *own = probability + n * domains;
        if (!exceeds(own, domains, result->bar))
            continue;
        double entropy = rule->float32 ? entropy_of_float32(own, domains, kernels)
                                       : entropy_of(own, domains, kernels);
        candidates[result->passed++] = (candidate){entropy, n};
    }
    qsort(candidates, result->passed, sizeof(*candidates), compare_candidates);
}

static size_t count_ties(const candidate *candidates, size_t passed, size_t selected)
{
    if (selected == 0 || selected == passed ||
        candidates[selected].entropy > candidates[selected - 1].entropy)
        return 0;
    double cut = candidates[selected - 1].entropy;
    size_t ties = 0;
    for (size_t i = 0; i < passed; i++)
        ties += candidates[i].entropy >= cut && candidates[i].entropy <= cut;
    return ties;
}

static int compare_places(const void *a, const void *b)
{
    const candidate *const *x = a, *const *y = b;
    return ((*x)->neuron > (*y)->neuron) - ((*x)->neuron < (*y)->neuron);
}

/* Fills the result's arrays from the first `selected` candidates. */
static mmn_status keep_selected(mmn_rank_result *result, const candidate *candidates,
                                const double *probability, mmn_error *error)
{
    size_t selected = result->selected, domains = result->domains;
    result->ranked = mmn_allocate(selected, sizeof(*result->ranked), error);
    result->entropy = mmn_allocate(selected, sizeof(*result->entropy), error);
    result->probability = mmn_allocate(selected * domains, sizeof(*result->probability), error);
    result->by_number = mmn_allocate(selected, sizeof(*result->by_number), error);
    const candidate **places = mmn_allocate(selected, sizeof(*places), error);
    mmn_status status = MMN_SYSTEM;
    if (result->ranked && result->entropy && result->probability && result->by_number && places) {
        for (size_t i = 0; i < selected; i++) {
            result->ranked[i] = candidates[i].neuron;
            result->entropy[i] = candidates[i].entropy;
            memcpy(result->probability + i * domains, probability + candidates[i].neuron * domains,
                   domains * sizeof(*probability));
            places[i] = &candidates[i];
        }
        qsort(places, selected, sizeof(*places), compare_places);
        for (size_t i = 0; i < selected; i++)
            result->by_number[i] = (size_t)(places[i] - candidates);
        status = MMN_OK;
    }
    mmn_free(places);
    return status;
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
    if (status == MMN_OK) {
        find_candidates(candidates, result, probability, task->neurons, rule, kernels);
        result->wanted = mmn_round_share(rule->rate, task->neurons);
        result->selected = result->wanted < result->passed ? result->wanted : result->passed;
        result->tied_at_cut = count_ties(candidates, result->passed, result->selected);
        status = keep_selected(result, candidates, probability, error);
    }
    mmn_free(candidates);
    mmn_free(probability);
    return status;
}

void mmn_rank_result_free(mmn_rank_result *result)
{
    mmn_free(result->ranked);
    mmn_free(result->entropy);
    mmn_free(result->probability);
    mmn_free(result->by_number);
    *result = (mmn_rank_result){0};
}

bool mmn_rank_belongs(const mmn_rank_result *result, size_t rank, size_t domain)
{
    return result->probability[rank * result->domains + domain] > result->assignment_bar;
}
