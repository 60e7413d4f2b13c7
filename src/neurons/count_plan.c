/* The plan of a count: which samples of a list are taken, by whom, decided from the list alone. */
#include "neurons/count_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "base/given.h"
#include "base/memory.h"

/* Two domains whose names differ in their case alone are one that was mistyped somewhere. */
static mmn_status check_case(const mmn_counts *counts, const mmn_sample *sample, const char *file,
                             mmn_error *error)
{
    char where[40];
    if (mmn_counts_find_domain(counts, sample->domain) != SIZE_MAX)
        return MMN_OK;
    for (size_t d = 0; d < counts->domain_count; d++) {
        if (strcasecmp(counts->domains[d].name, sample->domain) != 0)
            continue;
        snprintf(where, sizeof(where), "line %" PRIu64 ", domain", sample->line);
        return mmn_fail(error, MMN_INPUT, file, where,
                        "\"%s\" differs from the domain \"%s\" of lines before in its case alone",
                        sample->domain, counts->domains[d].name);
    }
    return MMN_OK;
}

/* Bad lines: the first is an error, or they are passed over. Where the list cannot be read at all
 * (memory is short) that is an error in any case. */
static mmn_status find_domains(mmn_count_plan *plan, mmn_counts *counts, bool wants_texts,
                               bool skip_bad, const char *file, mmn_error *error)
{
    mmn_list *list = plan->list;
    bool texts;
    mmn_status status = mmn_list_has_texts(list, &texts, error);
    if (status == MMN_OK && texts != wants_texts)
        status = mmn_fail(error, MMN_INPUT, file, NULL,
                          wants_texts ? "has questions, and texts are wanted"
                                      : "has texts, which are counted and evaluated only; "
                                        "questions are wanted");
    if (status != MMN_OK)
        return status;
    for (;;) {
        mmn_sample sample;
        bool found = false;
        status = mmn_list_next(list, &sample, &found, error);
        if (status == MMN_INPUT && skip_bad)
            continue;
        if (status == MMN_OK && !found)
            return MMN_OK;
        plan->has_questions = plan->has_questions || (status == MMN_OK && !sample.prompt);
        if (status == MMN_OK && plan->check)
            status = plan->check(&sample, file, error);
        if (status == MMN_OK)
            status = check_case(counts, &sample, file, error);
        if (status == MMN_OK)
            status = mmn_counts_add_domain(counts, sample.domain, error);
        if (status != MMN_OK)
            return status;
    }
}

static void rewind_plan(mmn_count_plan *plan, size_t domain_count)
{
    mmn_list_rewind(plan->list);
    plan->number = plan->window = 0;
    plan->window_domain = 0;
    for (size_t i = 0; i < domain_count; i++)
        plan->seen[i] = 0;
}

/* Opens the list and finds its domains. */
static mmn_status begin(mmn_count_plan *plan, const char *file, mmn_counts *counts,
                        uint64_t samples, bool wants_texts, bool skip_bad, mmn_error *error)
{
    plan->samples = samples;
    plan->shard = counts->shard;
    plan->shards = counts->shards;
    mmn_status status = mmn_list_open(&plan->list, file, error);
    if (status != MMN_OK)
        return status;
    mmn_list_allow_unknown_keys(plan->list, plan->allow_unknown_keys);
    status = find_domains(plan, counts, wants_texts, skip_bad, file, error);
    if (status != MMN_OK)
        return status;
    if (counts->domain_count == 0)
        return mmn_fail(error, MMN_INPUT, file, NULL, "the list has no samples%s", skip_bad ? " that can be read" : "");
    plan->seen = mmn_allocate(counts->domain_count, sizeof(*plan->seen), error);
    plan->left = mmn_allocate(counts->domain_count, sizeof(*plan->left), error);
    return plan->seen && plan->left ? MMN_OK : MMN_SYSTEM;
}

/* Goes through the plan once. */
static mmn_status find_own_samples(mmn_count_plan *plan, const mmn_counts *counts, bool skip_bad,
                                   mmn_error *error)
{
    rewind_plan(plan, counts->domain_count);
    for (bool found = true; found;) {
        mmn_planned_sample planned;
        mmn_status status = mmn_count_plan_next(&planned, &found, plan, counts, error);
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

mmn_status mmn_count_plan_make(mmn_count_plan *plan, const char *file, mmn_counts *counts,
                               uint64_t samples, bool skip_bad, mmn_error *error)
{
    mmn_status status = begin(plan, file, counts, samples, false, skip_bad, error);
    return status == MMN_OK ? find_own_samples(plan, counts, skip_bad, error) : status;
}

mmn_status mmn_count_plan_windows(mmn_count_plan *plan, const mmn_model *model, const char *file,
                                  mmn_counts *counts, uint64_t samples, mmn_error *error)
{
    mmn_status status = begin(plan, file, counts, samples, true, false, error);
    if (status == MMN_OK)
        status = mmn_windows_read(&plan->windows, model, plan->list, file, counts, error);
    return status == MMN_OK ? find_own_samples(plan, counts, false, error) : status;
}

void mmn_count_plan_free(mmn_count_plan *plan)
{
    mmn_list_close(plan->list);
    mmn_windows_free(&plan->windows);
    mmn_free(plan->seen);
    mmn_free(plan->left);
    *plan = (mmn_count_plan){0};
}

/* Gives a sample its number, and says whose it is. */
static void take(mmn_planned_sample *planned, mmn_count_plan *plan)
{
    plan->seen[planned->domain]++;
    planned->number = plan->number++;
    planned->own = planned->number % plan->shards == plan->shard - 1;
}

/* The next of the chosen windows; false after the last. */
static bool next_window(mmn_planned_sample *planned, mmn_count_plan *plan,
                        const mmn_counts *counts)
{
    for (; plan->window_domain < counts->domain_count; plan->window_domain++, plan->window = 0) {
        uint64_t windows = mmn_windows_of(&plan->windows, plan->window_domain);
        if (plan->samples > 0 && windows > plan->samples)
            windows = plan->samples;
        if (plan->window >= windows)
            continue;
        *planned = (mmn_planned_sample){.sample = {.domain = counts->domains[plan->window_domain].name,
                                                   .line = plan->number + 1},
                                        .domain = plan->window_domain,
                                        .window = plan->window++};
        take(planned, plan);
        return true;
    }
    return false;
}

mmn_status mmn_count_plan_next(mmn_planned_sample *planned, bool *found, mmn_count_plan *plan,
                               const mmn_counts *counts, mmn_error *error)
{
    *found = true;
    if (plan->windows.length > 0) {
        *found = next_window(planned, plan, counts);
        return MMN_OK;
    }
    for (;;) {
        mmn_status status = mmn_list_next(plan->list, &planned->sample, found, error);
        if (status != MMN_OK || !*found)
            return status;
        planned->domain = mmn_counts_find_domain(counts, planned->sample.domain);
        if (planned->domain == SIZE_MAX)
            return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "the list changed while it was read");
        if (plan->samples > 0 && plan->seen[planned->domain] >= plan->samples)
            continue;
        planned->window = 0;
        take(planned, plan);
        return MMN_OK;
    }
}

mmn_status mmn_count_plan_unchanged(const mmn_count_plan *plan, const mmn_model *model,
                                    mmn_error *error)
{
    mmn_status status = mmn_model_unchanged(model, error);
    return status == MMN_OK ? mmn_list_unchanged(plan->list, error) : status;
}

mmn_status mmn_list_reads_texts(const char *file, int *texts, mmn_error *error)
{
    if (MMN_MISSING(error, file, texts))
        return MMN_USAGE;
    mmn_list *list;
    bool has_texts = false;
    *texts = 0;
    mmn_status status = mmn_list_open(&list, file, error);
    if (status != MMN_OK)
        return status;
    status = mmn_list_has_texts(list, &has_texts, error);
    mmn_list_close(list);
    *texts = has_texts;
    return status;
}
