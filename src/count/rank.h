/* The ranking of one module's neurons by the entropy of their activation over domains. */
#ifndef MMN_NEURONS_RANK_H
#define MMN_NEURONS_RANK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernels.h"

typedef struct mmn_rank_rule {
    double rate;           /* share of the neurons that is selected */
    double bar;            /* quantile of all probabilities that a neuron must exceed somewhere */
    double assignment_bar; /* quantile to exceed in a domain to belong to it */
    bool float32;          /* the published code's arithmetic instead of binary64 */
} mmn_rank_rule;

/* What is ranked: of domain d, neuron n was active at active[d][n] of tokens[d] > 0 positions. */
typedef struct mmn_rank_task {
    size_t neurons, domains;
    const int64_t *const *active; /* [domains] of [neurons] */
    const int64_t *tokens;        /* [domains] */
} mmn_rank_task;

typedef struct mmn_rank_result {
    size_t domains;
    double bar, assignment_bar; /* the two quantiles' values */
    size_t wanted;              /* the rate's share of the neurons */
    size_t passed;              /* neurons with a probability above the bar */
    size_t selected;            /* the smaller of the two */
    size_t tied_at_cut; /* neurons with the entropy of the last selected one, if not all of them
                           were selected; else 0 */
    /* The selected neurons, by ascending entropy, then number: */
    size_t *ranked;      /* [selected] */
    double *entropy;     /* [selected], in nats */
    double *probability; /* [selected][domains] */
    /* Positions in `ranked`, so that the neurons' numbers ascend: */
    size_t *by_number; /* [selected] */
} mmn_rank_result;

/* Ranks as doc/method.md states. Free the result with mmn_rank_result_free. Sources: LAPE (arXiv
 * 2402.16438), MMNeuron (arXiv 2406.11193). */
mmn_status mmn_rank_neurons(mmn_rank_result *result, const mmn_rank_task *task,
                            const mmn_rank_rule *rule, const mmn_kernels *kernels,
                            mmn_error *error);
void mmn_rank_result_free(mmn_rank_result *result);

/* Whether the neuron at position `rank` of `ranked` belongs to the domain. */
bool mmn_rank_belongs(const mmn_rank_result *result, size_t rank, size_t domain);

/* The entropy of a neuron that is as active in each of `domains` domains: their logarithm. */
double mmn_rank_highest_entropy(size_t domains);
/* In how many domains a neuron of this entropy, in nats, is active: exp(entropy), which is N where
 * it is as active in each of N domains and in no other (Hill's number of order 1). */
double mmn_rank_effective_domains(double entropy);

/* share * count rounded to the nearest integer, ties to even, as Python's round. */
size_t mmn_round_share(double share, size_t count);

#endif
