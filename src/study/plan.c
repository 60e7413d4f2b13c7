/* Plans: which neurons are off while the samples of which domains are measured. */
#include "study/plan.h"

#include "base/memory.h"
#include "mask/mask.h"
#include "study/statistics.h"

static mmn_status add_run(mmn_plan *plan, const mmn_run *run, mmn_error *error)
{
    mmn_status status = mmn_reserve(&plan->runs, &plan->run_capacity, plan->run_count + 1,
                                    sizeof(*plan->runs), error);
    if (status == MMN_OK)
        plan->runs[plan->run_count++] = *run;
    return status;
}

/* Makes the plan the owner of a mask. */
static mmn_status keep_mask(mmn_plan *plan, mmn_mask *mask, mmn_error *error)
{
    mmn_status status = mmn_reserve(&plan->masks, &plan->mask_capacity, plan->mask_count + 1,
                                    sizeof(*plan->masks), error);
    if (status == MMN_OK)
        plan->masks[plan->mask_count++] = mask;
    else
        mmn_mask_free(mask);
    return status;
}

/* Random neurons instead of those of a domain, whose mask is `own`. */
static mmn_status add_random(mmn_plan *plan, mmn_run run, const mmn_mask *own, mmn_error *error)
{
    mmn_status status = MMN_OK;
    for (uint64_t i = 0; i < plan->seeds && status == MMN_OK; i++) {
        mmn_mask *random;
        run.seed = plan->first_seed + i;
        status = mmn_mask_random(&random, own, run.seed, error);
        if (status == MMN_OK)
            status = keep_mask(plan, random, error);
        run.mask = random;
        if (status == MMN_OK)
            status = add_run(plan, &run, error);
    }
    return status;
}

/* The neurons of one domain off: in its own samples, and in all others' if the setting is crossed;
 * and random ones instead, in its own. */
static mmn_status add_domain(mmn_plan *plan, size_t setting, size_t of, size_t domain_count,
                             mmn_mask *mask, mmn_error *error)
{
    mmn_run run = {.setting = setting, .off = MMN_OFF_DOMAIN, .neurons_of = of, .mask = mask};
    mmn_status status = keep_mask(plan, mask, error);
    for (size_t d = 0; d < domain_count && status == MMN_OK; d++) {
        run.domain = d;
        if (d == of || plan->crossed[setting])
            status = add_run(plan, &run, error);
    }
    run.off = MMN_OFF_RANDOM;
    run.domain = of;
    return status == MMN_OK ? add_random(plan, run, mask, error) : status;
}

mmn_status mmn_plan_make(mmn_plan *plan, const mmn_model *model, const mmn_domains *domains,
                         const char *list, const mmn_neuron_lists *lists, const char *file,
                         mmn_error *error)
{
    mmn_status status = MMN_OK;
    for (size_t d = 0; d < domains->domain_count && plan->plain && status == MMN_OK; d++)
        status = add_run(plan, &(mmn_run){.domain = d}, error);
    for (size_t s = 0; s < plan->settings.count; s++)
        for (size_t d = 0; d < domains->domain_count && status == MMN_OK; d++) {
            const char *name = plan->off_domain ? plan->off_domain : domains->domains[d].name;
            size_t listed = mmn_neuron_lists_domain(lists, name);
            mmn_mask *mask;
            if (listed == SIZE_MAX && plan->off_domain)
                return mmn_fail(error, MMN_USAGE, file, NULL,
                                "domain \"%s\", whose neurons are to be off, is not in it", name);
            if (listed == SIZE_MAX)
                return mmn_fail(error, MMN_INPUT, list, NULL,
                                "domain \"%s\" is not in %s, so there are no neurons to switch off",
                                name, file);
            status = mmn_mask_from_lists(&mask, model, lists, listed, plan->settings.names[s], file,
                                         error);
            if (status == MMN_OK)
                status = add_domain(plan, s, d, domains->domain_count, mask, error);
        }
    return status;
}

void mmn_plan_free(mmn_plan *plan)
{
    for (size_t i = 0; i < plan->mask_count; i++)
        mmn_mask_free(plan->masks[i]);
    mmn_free(plan->masks);
    mmn_free(plan->runs);
    mmn_settings_free(&plan->settings);
    *plan = (mmn_plan){0};
}

size_t mmn_plan_find(const mmn_plan *plan, size_t setting, mmn_off off, size_t neurons_of,
                     size_t domain)
{
    for (size_t i = 0; i < plan->run_count; i++) {
        const mmn_run *run = &plan->runs[i];
        if (run->off == off && run->domain == domain &&
            (off == MMN_OFF_NOTHING ||
             (run->setting == setting && run->neurons_of == neurons_of)))
            return i;
    }
    return SIZE_MAX;
}

mmn_summary mmn_plan_summarise(const mmn_plan *plan, size_t setting, size_t domain,
                               double (*value)(const void *context, size_t run),
                               const void *context)
{
    const size_t first = mmn_plan_find(plan, setting, MMN_OFF_RANDOM, domain, domain);
    double values[MMN_SUMMARY_SEEDS];
    mmn_summary summary = {
        .plain = value(context, mmn_plan_find(plan, setting, MMN_OFF_NOTHING, domain, domain)),
        .domain_off = value(context, mmn_plan_find(plan, setting, MMN_OFF_DOMAIN, domain, domain)),
        .seeds = plan->seeds < MMN_SUMMARY_SEEDS ? (size_t)plan->seeds : MMN_SUMMARY_SEEDS};
    for (size_t i = 0; i < summary.seeds; i++)
        values[i] = value(context, first + i);
    const mmn_interval random = mmn_interval_of(values, summary.seeds);
    summary.random_mean = random.mean;
    summary.random_low = random.low;
    summary.random_high = random.high;
    return summary;
}
