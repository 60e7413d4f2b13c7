/* The plan of a count: which samples of a list are taken, by whom, decided from the list alone. */
#ifndef MMN_NEURONS_COUNT_PLAN_H
#define MMN_NEURONS_COUNT_PLAN_H

#include <stdbool.h>

#include "format/list.h"
#include "neurons/counts.h"
#include "neurons/windows.h"

/* The first `samples` of each domain are chosen (0: all); of those, numbered from 0 in the list's
 * order, shard I of N takes the numbers that leave I - 1 when divided by N. Of texts, the samples are
 * windows, domain by domain. */
typedef struct mmn_count_plan {
    mmn_list *list;
    mmn_windows windows; /* no length: the samples are those of the list */
    size_t window_domain;
    uint64_t window; /* of that domain, the next */
    uint64_t samples;
    /* The caller's to set: */
    bool allow_unknown_keys; /* of the list's lines */
    mmn_status (*check)(const mmn_sample *sample, const char *file,
                        mmn_error *error); /* of every sample; NULL: they need nothing more */
    bool has_questions; /* some sample has no prompt of its own */
    uint32_t shard, shards;
    uint64_t number; /* of the next chosen sample */
    uint64_t *seen;  /* per domain of the counts: samples of the list so far */
    uint64_t *left;  /* per domain: own samples; the caller takes off those that are over */
} mmn_count_plan;

typedef struct mmn_planned_sample {
    mmn_sample sample;   /* a window's has a domain, and for a line number + 1 */
    uint64_t window;     /* its number in the domain */
    size_t domain;   /* its index in the counts */
    uint64_t number; /* among the chosen samples */
    bool own;        /* whether this shard counts it */
} mmn_planned_sample;

/* Reads the whole list, adds its domains to `counts`, and gets ready for mmn_count_plan_next. Bad
 * lines are errors unless `skip_bad`. Zero-initialise plan; free it with mmn_count_plan_free. */
mmn_status mmn_count_plan_make(mmn_count_plan *plan, const char *file, mmn_counts *counts,
                               uint64_t samples, bool skip_bad, mmn_error *error);
/* The same of a list of texts, which are read and cut into windows of the length that was set in
 * plan->windows. */
mmn_status mmn_count_plan_windows(mmn_count_plan *plan, const mmn_model *model, const char *file,
                                  mmn_counts *counts, uint64_t samples, mmn_error *error);
void mmn_count_plan_free(mmn_count_plan *plan);

/* The next chosen sample; *found is false at the end. MMN_INPUT for a bad line, whose number is
 * mmn_list_line(plan->list); the next call goes on after it. */
mmn_status mmn_count_plan_next(mmn_planned_sample *planned, bool *found, mmn_count_plan *plan,
                               const mmn_counts *counts, mmn_error *error);

/* Whether the list and the model's weights are still the files that were opened, so that what was
 * counted is of what was digested: asked when all is done, before a result is given out. */
mmn_status mmn_count_plan_unchanged(const mmn_count_plan *plan, const mmn_model *model,
                                    mmn_error *error);

#endif
