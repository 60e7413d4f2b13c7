/* The counting probe: sees the stages of one module and counts their active neurons. */
#ifndef MMN_NEURONS_COUNT_PROBE_H
#define MMN_NEURONS_COUNT_PROBE_H

#include "kernels.h"
#include "mmneuron.h"
#include "count/counts.h"

/* Where the counts of an input go. */
typedef struct mmn_count_target {
    const mmn_input *input;
    mmn_count_cell *cells; /* one for each module */
} mmn_count_target;

typedef struct mmn_count_probe {
    const mmn_counted_module *module;
    size_t module_number; /* of the module's cell among those of a target */
    /* What is seen of an input is added to its target. */
    const mmn_count_target *targets;
    size_t target_count;
    const mmn_kernels *kernels;
    int threads;
    /* Asked before every stage; a true answer ends the forward pass with MMN_INTERRUPTED. */
    bool (*interrupted)(void *context);
    void *context;
} mmn_count_probe;

/* An mmn_see_function whose context is an mmn_count_probe. No cell may see more than 2^22
 * positions, so that sums fit (one sample has fewer). */
mmn_status mmn_count_probe_see(void *probe, const mmn_stage *stage, mmn_error *error);

#endif
