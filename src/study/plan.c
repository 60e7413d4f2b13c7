/* Plans: which neurons are off while the samples of which domains are measured. */
#include "study/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/modules.h"
#include "base/names.h"
#include "mask/mask.h"

/* ---- Settings -------------------------------------------------------------------------------- */

size_t mmn_settings_find(const mmn_settings *settings, const char *name)
{
    size_t i = 0;
    while (i < settings->count && strcmp(settings->names[i], name) != 0)
        i++;
    return i < settings->count ? i : SIZE_MAX;
}

void mmn_settings_remove(mmn_settings *settings, const char *name)
{
    const size_t at = mmn_settings_find(settings, name);
    if (at == SIZE_MAX)
        return;
    mmn_free(settings->names[at]);
    for (size_t i = at + 1; i < settings->count; i++)
        settings->names[i - 1] = settings->names[i];
    settings->count--;
}

static mmn_status add(mmn_settings *settings, const mmn_item *name, mmn_error *error)
{
    if (name->length == 0)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "a setting has no name");
    for (size_t i = 0; i < settings->count; i++)
        if (mmn_item_is(name, settings->names[i]))
            return mmn_fail(error, MMN_USAGE, NULL, NULL, "the setting \"%.100s\" is named twice",
                            settings->names[i]);
    if (settings->count == MMN_SETTING_LIMIT)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there are more than %d settings",
                        MMN_SETTING_LIMIT);
    char *copy = mmn_copy_bytes(name->text, name->length, error);
    MMN_NEED(copy);
    settings->names[settings->count++] = copy;
    return MMN_OK;
}

mmn_status mmn_settings_add(mmn_settings *settings, const char *name, mmn_error *error)
{
    return add(settings, &(mmn_item){name, strlen(name)}, error);
}

/* Whether the lists have all modules of the setting, their names joined by "+". */
static bool has_all(const mmn_neurons *lists, const char *setting)
{
    mmn_item item;
    while (mmn_next_item(&item, &setting, '+')) {
        char name[MMN_MODULE_NAME_SIZE];
        snprintf(name, sizeof(name), "%.*s", MMN_ITEM(item));
        if (!mmn_neurons_find_module(lists, name))
            return false;
    }
    return true;
}

/* Those of the paper that the lists have the modules for. */
static mmn_status add_usual(mmn_settings *settings, const mmn_neurons *lists, mmn_error *error)
{
    for (const char *const *usual = mmn_usual_settings; *usual; usual++)
        if (has_all(lists, *usual))
            MMN_TRY(mmn_settings_add(settings, *usual, error));
    return lists->module_count > 1 || settings->count == 0
               ? mmn_settings_add(settings, "all", error)
               : MMN_OK;
}

mmn_status mmn_settings_make(mmn_settings *settings, const char *text, const mmn_neurons *lists,
                             mmn_error *error)
{
    mmn_item item;
    if (!text)
        return add_usual(settings, lists, error);
    while (mmn_next_item(&item, &text, ','))
        MMN_TRY(add(settings, &item, error));
    return MMN_OK;
}

void mmn_settings_free(mmn_settings *settings)
{
    for (size_t i = 0; i < settings->count; i++)
        mmn_free(settings->names[i]);
    settings->count = 0;
}

/* ---- Runs ------------------------------------------------------------------------------------ */

/* The neurons of one domain off: in its own samples, and in all others' if the setting is crossed;
 * and random ones instead, in its own. */
static mmn_status add_domain(mmn_plan *plan, size_t setting, size_t of, size_t domain_count,
                             mmn_mask *mask, mmn_error *error)
{
    mmn_run run = {.setting = setting, .off = MMN_OFF_DOMAIN, .neurons_of = of, .mask = mask};
    for (run.domain = 0; run.domain < domain_count; run.domain++)
        if (run.domain == of || plan->crossed[setting])
            plan->runs[plan->run_count++] = run;
    run.off = MMN_OFF_RANDOM;
    run.domain = of;
    for (uint64_t i = 0; i < plan->seeds; i++) {
        run.seed = plan->first_seed + i;
        MMN_TRY(mmn_mask_random(&run.mask, mask, run.seed, error));
        plan->runs[plan->run_count++] = run;
    }
    return MMN_OK;
}

/* The neurons of one domain raised in the samples of every other, whose own are off. */
static mmn_status add_steered(mmn_plan *plan, const mmn_model *model, const mmn_domains *domains,
                              const mmn_neurons *lists, size_t setting, size_t on, mmn_error *error)
{
    mmn_run run = {.setting = setting, .off = MMN_OFF_STEERED, .neurons_of = on};
    for (run.domain = 0; run.domain < domains->domain_count; run.domain++) {
        const mmn_steering steering = {.off = domains->domains[run.domain].name,
                                       .on = domains->domains[on].name,
                                       .setting = plan->settings.names[setting],
                                       .other_model = plan->other_model};
        if (run.domain == on)
            continue;
        MMN_TRY(mmn_mask_steer_neurons(&run.mask, model, lists, plan->counts, &steering, error));
        plan->runs[plan->run_count++] = run;
    }
    return MMN_OK;
}

/* Makes room for all runs. */
static mmn_status reserve_runs(mmn_plan *plan, size_t domain_count, mmn_error *error)
{
    size_t of_domain = plan->plain;
    for (size_t s = 0; s < plan->settings.count; s++)
        of_domain +=
            (plan->crossed[s] ? domain_count * (plan->counts ? 2 : 1) : 1) + (size_t)plan->seeds;
    size_t count;
    if (!mmn_multiply_sizes(domain_count, of_domain, &count))
        return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "there are too many runs");
    plan->runs = mmn_allocate(count, sizeof(*plan->runs), error);
    return plan->runs ? MMN_OK : MMN_SYSTEM;
}

mmn_status mmn_plan_make(mmn_plan *plan, const mmn_model *model, const mmn_domains *domains,
                         const char *list, const mmn_neurons *lists, const char *file,
                         mmn_error *error)
{
    MMN_TRY(reserve_runs(plan, domains->domain_count, error));
    for (size_t d = 0; d < domains->domain_count && plan->plain; d++)
        plan->runs[plan->run_count++] = (mmn_run){.domain = d};
    for (size_t s = 0; s < plan->settings.count; s++)
        for (size_t d = 0; d < domains->domain_count; d++) {
            const char *name = plan->off_domain ? plan->off_domain : domains->domains[d].name;
            const mmn_neurons *own = plan->of[s].neurons ? plan->of[s].neurons : lists;
            size_t listed = mmn_neurons_find_domain(own, name);
            mmn_mask *mask;
            if (listed == SIZE_MAX && plan->off_domain)
                return mmn_fail(error, MMN_USAGE, file, NULL,
                                "domain \"%s\", whose neurons are to be off, is not in it", name);
            if (listed == SIZE_MAX)
                return mmn_fail(error, MMN_INPUT, list, NULL,
                                "domain \"%s\" is not in %s, so there are no neurons to switch off",
                                name, file);
            MMN_TRY(mmn_mask_of_domain(
                &mask, model, own, listed,
                plan->of[s].neurons ? plan->of[s].modules : plan->settings.names[s], error));
            MMN_TRY(add_domain(plan, s, d, domains->domain_count, mask, error));
            if (plan->counts && plan->crossed[s])
                MMN_TRY(add_steered(plan, model, domains, lists, s, d, error));
        }
    return MMN_OK;
}

void mmn_plan_free(mmn_plan *plan)
{
    for (size_t i = 0; i < plan->run_count; i++)
        if (i + 1 == plan->run_count || plan->runs[i + 1].mask != plan->runs[i].mask)
            mmn_mask_free(plan->runs[i].mask);
    mmn_free(plan->runs);
    mmn_settings_free(&plan->settings);
    *plan = (mmn_plan){0};
}

const char *const mmn_off_names[] = {"nothing", "domain", "random", "steered"};

const char *mmn_plan_setting(const mmn_plan *plan, const mmn_run *run)
{
    return run->off == MMN_OFF_NOTHING ? "none" : plan->settings.names[run->setting];
}

size_t mmn_plan_find(const mmn_plan *plan, size_t setting, mmn_off off, size_t neurons_of,
                     size_t domain)
{
    for (size_t i = 0; i < plan->run_count; i++) {
        const mmn_run *run = &plan->runs[i];
        if (run->off == off && run->domain == domain &&
            (off == MMN_OFF_NOTHING || (run->setting == setting && run->neurons_of == neurons_of)))
            return i;
    }
    return SIZE_MAX;
}

size_t mmn_plan_next(const mmn_plan *plan, size_t run, size_t domain)
{
    while (run < plan->run_count && (plan->runs[run].domain != domain || plan->runs[run].ended))
        run++;
    return run;
}

size_t mmn_plan_end(mmn_plan *plan, size_t setting, size_t domain)
{
    size_t ended = 0, plain = SIZE_MAX, left = 0;
    for (size_t i = mmn_plan_next(plan, 0, domain); i < plan->run_count;
         i = mmn_plan_next(plan, i + 1, domain)) {
        mmn_run *run = &plan->runs[i];
        if (run->off == MMN_OFF_NOTHING) {
            plain = i;
        } else if (run->setting == setting) {
            run->ended = true;
            ended++;
        } else {
            left++;
        }
    }
    if (left > 0 || plain == SIZE_MAX)
        return ended;
    plan->runs[plain].ended = true;
    return ended + 1;
}

/* ---- Repetitions ----------------------------------------------------------------------------- */

/* The 97.5 % quantile of Student's t distribution. Up to 30 degrees of freedom from its table,
 * above by the expansion around the normal quantile (Abramowitz and Stegun 26.7.5), which is right
 * to five digits there. */
static double t_quantile(size_t degrees)
{
    static const double table[] = {
        12.706204736174694, 4.302652729749462,  3.1824463052837078, 2.7764451051977934,
        2.5705818356363146, 2.4469118511449786, 2.364624251592784,  2.306004135204166,
        2.262157162798205,  2.228138851986274,  2.200985160091639,  2.1788128296672284,
        2.1603686564627913, 2.144786687917804,  2.131449545559776,  2.1199052992212546,
        2.1098155778333156, 2.1009220402410382, 2.0930240544083087, 2.085963447265864,
        2.0796138447276795, 2.0738730679040254, 2.0686576104190486, 2.0638985616280245,
        2.0595385527532972, 2.0555294386428735, 2.0518305164802846, 2.0484071417952454,
        2.045229642132703,  2.0422724563012378,
    };
    const double z = 1.959963984540054, n = (double)degrees;

    if (degrees <= MMN_LENGTH(table))
        return table[degrees - 1];
    return z + (z * z * z + z) / (4.0 * n) +
           (5.0 * z * z * z * z * z + 16.0 * z * z * z + 3.0 * z) / (96.0 * n * n);
}

mmn_interval mmn_interval_of(const double *values, size_t count)
{
    double sum = 0.0, squares = 0.0;

    for (size_t i = 0; i < count; i++)
        sum += values[i];
    double mean = count > 0 ? sum / (double)count : 0.0;
    if (count < 2)
        return (mmn_interval){mean, mean, mean};
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    double error = sqrt(squares / (double)(count - 1) / (double)count);
    double half = t_quantile(count - 1) * error;
    return (mmn_interval){mean, mean - half, mean + half};
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
    summary.random = mmn_interval_of(values, summary.seeds);
    return summary;
}
