/* What a run over a list will cost, said before it runs: passes, positions, time and memory. */
#ifndef MMN_COUNT_COST_H
#define MMN_COUNT_COST_H

#include "count/samples.h"
#include "result/result.h"

/* What a domain's samples cost. */
typedef struct mmn_domain_cost {
    /* The caller's to set; before: in how many of the ways what comes before the language model
     * runs, too, which others share. */
    size_t ways, before;
    /* Found: how many run, how many were looked at, and the positions that these have on average,
     * `limited` of the module that limits them. */
    uint64_t samples;
    size_t examples;
    double text, image, limited;
} mmn_domain_cost;

typedef struct mmn_cost {
    const mmn_model *model;
    mmn_samples *samples; /* at their beginning */
    const char *format;   /* of the result that would be made */
    size_t tokens;        /* that are generated in each way at most */
    uint64_t positions;   /* of the module with which a domain has enough; 0: it takes all */
    const char *positions_module;
    /* How many sessions that need `bytes` each go side by side; NULL: one. */
    size_t (*fitting)(const void *context, uint64_t bytes);
    const void *context;
    mmn_domain_cost *domains; /* [domains] */
} mmn_cost;

/* Makes the result that says it; a few layers of the first sample's prompt run once, in one way,
 * and of one token, to be timed. The clock decides on times: they are not the same bits twice. */
mmn_status mmn_cost_make(mmn_result **result, mmn_cost *cost, mmn_error *error);

#endif
