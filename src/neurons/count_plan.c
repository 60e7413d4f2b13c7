/* The plan of a count: which samples of a list are taken, by whom, decided from the list alone. */
#include "neurons/count_plan.h"

#include "base/memory.h"

/* Bad lines: the first is an error, or they are passed over. Where the list cannot be read at all
 * (memory is short) that is an error in any case. */
static mmn_status find_domains(mmn_list *list, mmn_counts *counts, bool skip_bad,
                               mmn_error *error)
{
    for (;;) {
        mmn_sample sample;
        bool found = false;
        mmn_status status = mmn_list_next(list, &sample, &found, error);
        if (status == MMN_INPUT && skip_bad)
            continue;
        if (status == MMN_OK && !found)
            return MMN_OK;
        if (status == MMN_OK)
            status = mmn_counts_add_domain(counts, sample.domain, error);
        if (status != MMN_OK)
            return status;
    }
}

static void rewind_plan(mmn_count_plan *plan, size_t domain_count)
{
    mmn_list_rewind(plan->list);
    plan->number = 0;
    for (size_t i = 0; i < domain_count; i++)
        plan->seen[i] = 0;
}

mmn_status mmn_count_plan_make(mmn_count_plan *plan, const char *file, mmn_counts *counts,
                               uint64_t samples, bool skip_bad, mmn_error *error)
{
    plan->samples = samples;
    plan->shard = counts->shard;
    plan->shards = counts->shards;
    mmn_status status = mmn_list_open(&plan->list, file, error);
    if (status == MMN_OK)
        status = find_domains(plan->list, counts, skip_bad, error);
    if (status != MMN_OK)
        return status;
    if (counts->domain_count == 0)
        return mmn_fail(error, MMN_INPUT, file, NULL, "the list has no samples");
    plan->seen = mmn_allocate(counts->domain_count, sizeof(*plan->seen), error);
    plan->left = mmn_allocate(counts->domain_count, sizeof(*plan->left), error);
    if (!plan->seen || !plan->left)
        return MMN_SYSTEM;

    rewind_plan(plan, counts->domain_count);
    for (bool found = true; found;) {
        mmn_planned_sample planned;
        status = mmn_count_plan_next(&planned, &found, plan, counts, error);
        if (status == MMN_INPUT && skip_bad)
            continue;
        if (status != MMN_OK)
            return status;
        if (found && planned.own)
            plan->left[planned.domain]++;
    }
    rewind_plan(plan, counts->domain_count);
    return MMN_OK;
}

void mmn_count_plan_free(mmn_count_plan *plan)
{
    mmn_list_close(plan->list);
    mmn_free(plan->seen);
    mmn_free(plan->left);
    *plan = (mmn_count_plan){0};
}

mmn_status mmn_count_plan_next(mmn_planned_sample *planned, bool *found, mmn_count_plan *plan,
                               const mmn_counts *counts, mmn_error *error)
{
    *found = true;
    for (;;) {
        mmn_status status = mmn_list_next(plan->list, &planned->sample, found, error);
        if (status != MMN_OK || !*found)
            return status;
        planned->domain = mmn_counts_find_domain(counts, planned->sample.domain);
        if (planned->domain == SIZE_MAX)
            return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "the list changed while it was read");
        if (plan->samples > 0 && plan->seen[planned->domain] >= plan->samples)
            continue;
        plan->seen[planned->domain]++;
        planned->number = plan->number++;
        planned->own = planned->number % plan->shards == plan->shard - 1;
        return MMN_OK;
    }
}
