/* The ranking of one module's neurons by the entropy of their activation over domains, and the
 * other selections that it is compared with. */
#ifndef MMN_NEURONS_RANK_H
#define MMN_NEURONS_RANK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernels.h"

/* What the neurons above the bar are put in order by. */
typedef enum mmn_selection {
    MMN_SELECT_ENTROPY,          /* of the probabilities over domains, ascending */
    MMN_SELECT_PROBABILITY,      /* the highest of them, descending */
    MMN_SELECT_VALUE_ENTROPY,    /* entropy of the mean absolute values over domains, ascending */
    MMN_SELECT_PARAMETER_CHANGE, /* how far its weights differ from another model's, descending */
    MMN_SELECT_RANDOM,           /* as many neurons of each layer as the entropy selects, none of
                                    which it selects */
    MMN_SELECTIONS
} mmn_selection;

extern const char *const mmn_selection_names[MMN_SELECTIONS];

typedef struct mmn_rank_rule {
    double rate;           /* share of the neurons that is selected */
    double bar;            /* quantile of all probabilities that a neuron must exceed somewhere */
    double assignment_bar; /* quantile to exceed in a domain to belong to it */
    bool float32;          /* the published code's arithmetic instead of binary64 */
    mmn_selection selection;
    uint64_t seed; /* of a random selection */
} mmn_rank_rule;

/* What is ranked: of domain d, neuron n was active at active[d][n] of tokens[d] > 0 positions. */
typedef struct mmn_rank_task {
    size_t neurons, domains;
    const int64_t *const *active;    /* [domains] of [neurons] */
    const int64_t *tokens;           /* [domains] */
    const int64_t *const *magnitude; /* by value entropy, [domains] of [neurons]: sums of absolute
                                        values, in units of 2^-20 */
    const double *change;            /* by parameter change, [neurons]: finite or +infinity */
    uint32_t width; /* of a random selection: how many neurons a layer has, and the number of
                       the module in the draws' places */
    uint32_t module;
} mmn_rank_task;

typedef struct mmn_rank_result {
    size_t domains;
    double bar, assignment_bar; /* the two quantiles' values */
    size_t wanted;              /* the rate's share of the neurons */
    size_t passed;              /* neurons with a probability above the bar */
    size_t selected;            /* the smaller of the two */
    size_t tied_at_cut; /* neurons that are in order with the last selected one by number alone, if
                           not all of them were selected; else 0, and of a random selection 0 */
    /* The selected neurons in the selection's order, equal ones by number. At random: in the order
     * of those whose places they take. */
    size_t *ranked;      /* [selected] */
    double *score;       /* [selected]: what the order is by; NULL for entropy and at random */
    double *entropy;     /* [selected], in nats */
    double *probability; /* [selected][domains] */
    uint8_t *belongs;    /* [selected][domains] */
    /* Positions in `ranked`, so that the neurons' numbers ascend: */
    size_t *by_number; /* [selected] */
} mmn_rank_result;

/* Ranks as doc/method.md states. Free the result with mmn_rank_result_free. MMN_INPUT where a layer
 * has not as many others as are to be chosen at random. Sources: LAPE (arXiv 2402.16438), MMNeuron
 * (arXiv 2406.11193). */
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
/* The same as a whole number, from 1 to `domains`. */
size_t mmn_rank_active_domains(double entropy, size_t domains);

/* share * count rounded to the nearest integer, ties to even, as Python's round. */
size_t mmn_round_share(double share, size_t count);

#endif
