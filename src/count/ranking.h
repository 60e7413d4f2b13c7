/* A ranking: the domain neurons of every module of a model, and where they come from. */
#ifndef MMN_NEURONS_RANKING_H
#define MMN_NEURONS_RANKING_H

#include "base/digest.h"
#include "mmneuron.h"
#include "count/counts.h"
#include "count/rank.h"
#include "result/result.h"

typedef struct mmn_module_ranking {
    mmn_counted_module module;
    mmn_rank_result result; /* neurons are numbered layer * neurons + neuron */
} mmn_module_ranking;

typedef struct mmn_ranking {
    mmn_rank_rule rule;
    size_t domain_count;
    char **domains; /* in the bytewise order of their names */
    size_t module_count;
    mmn_module_ranking modules[MMN_MODULES]; /* in the order of the forward pass */
    char digest[MMN_DIGEST_SIZE];
    /* Of the counts: */
    char version[32], model[MMN_DIGEST_SIZE], data[MMN_DIGEST_SIZE], inputs[MMN_DIGEST_SIZE];
    uint64_t samples, nonfinite;
    bool unchecked;
} mmn_ranking;

/* What the table beside neurons.json begins with. */
#define MMN_RANKING_TITLE "module\trank\tlayer\tneuron\tentropy"

/* Does what mmn_rank does; on failure *ranking is NULL. */
mmn_status mmn_ranking_make(mmn_ranking **ranking, const char *counts_file,
                            const mmn_rank_options *options, mmn_error *error);
void mmn_ranking_free(mmn_ranking *ranking);

extern const mmn_form mmn_ranking_form; /* of a ranking as a result */

#endif
