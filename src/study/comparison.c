/* Comparisons: what a domain's own neurons, or other domains', do to its samples beside random ones
 * or none, paired by sample. */
#include "study/comparison.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "study/bootstrap.h"

uint64_t mmn_comparison_seed(const mmn_study *study)
{
    return study->plan.first_seed;
}

/* One at work. */
typedef struct comparing {
    const mmn_sample_values *values;
    size_t setting, domain, samples;
    double *differences; /* [samples] */
} comparing;

/* The number-th of the runs of one side, from 0; SIZE_MAX: there are no more. */
typedef size_t (*side)(const comparing *c, size_t number);

static size_t nothing(const comparing *c, size_t number)
{
    const mmn_plan *plan = &c->values->study->plan;
    return number == 0 ? mmn_plan_find(plan, 0, MMN_OFF_NOTHING, c->domain, c->domain) : SIZE_MAX;
}

static size_t own(const comparing *c, size_t number)
{
    const mmn_plan *plan = &c->values->study->plan;
    return number == 0 ? mmn_plan_find(plan, c->setting, MMN_OFF_DOMAIN, c->domain, c->domain)
                       : SIZE_MAX;
}

static size_t others(const comparing *c, size_t number)
{
    const mmn_plan *plan = &c->values->study->plan;
    const size_t of = number < c->domain ? number : number + 1;
    return of < c->values->study->samples.domains.domain_count
               ? mmn_plan_find(plan, c->setting, MMN_OFF_DOMAIN, of, c->domain)
               : SIZE_MAX;
}

static size_t random_ones(const comparing *c, size_t number)
{
    const mmn_plan *plan = &c->values->study->plan;
    return number < plan->seeds
               ? mmn_plan_find(plan, c->setting, MMN_OFF_RANDOM, c->domain, c->domain) + number
               : SIZE_MAX;
}

static const struct {
    const char *off, *against;
    side off_runs, against_runs;
} kinds[] = {{"own", "random", own, random_ones},
             {"own", "nothing", own, nothing},
             {"others", "random", others, random_ones}};

/* Makes the differences of both sides' means; false where a side has no run. They are means over
 * all pairs of runs, so that sides whose runs are all the same differ by 0 and not by roundings. */
static bool make_differences(const comparing *c, size_t kind)
{
    const mmn_sample_values *values = c->values;
    size_t pairs = 0, off, against;
    memset(c->differences, 0, c->samples * sizeof(*c->differences));
    for (size_t a = 0; (off = kinds[kind].off_runs(c, a)) != SIZE_MAX; a++)
        for (size_t b = 0; (against = kinds[kind].against_runs(c, b)) != SIZE_MAX; b++, pairs++)
            for (size_t i = 0; i < c->samples; i++)
                c->differences[i] += values->value(values->context, off, i) -
                                     values->value(values->context, against, i);
    for (size_t i = 0; i < c->samples && pairs > 0; i++)
        c->differences[i] /= (double)pairs;
    return pairs > 0;
}

/* Whether a difference has an interval. */
static bool is_known(const mmn_interval *interval)
{
    return isfinite(interval->low) && isfinite(interval->high);
}

/* What the interval of a difference shows of it; of few samples it is too short to show anything.
 */
static const char *shown_by(const mmn_interval *interval, size_t samples)
{
    return !is_known(interval) || samples < MMN_COMPARISON_LEAST ? "nothing"
           : interval->high < 0                                  ? "lower"
           : interval->low > 0                                   ? "higher"
                                                                 : "no difference";
}

static void compare(mmn_result *result, const comparing *c, size_t kind)
{
    const mmn_study *study = c->values->study;
    if (!make_differences(c, kind))
        return;
    const mmn_interval interval =
        kind == 0 && c->values->interval
            ? c->values->interval(c->values->context, c->setting, c->domain)
            : mmn_bootstrap(c->differences, c->samples, mmn_comparison_seed(study));
    const bool known = is_known(&interval);
    MMN_ADD(result, "comparisons", mmn_as_text(c->values->measure),
            mmn_as_text(study->plan.settings.names[c->setting]),
            mmn_as_text(mmn_domain_name(study, c->domain)), mmn_as_text(kinds[kind].off),
            mmn_as_text(kinds[kind].against), mmn_as_whole(c->samples), mmn_as_real(interval.mean),
            mmn_real_if(known, interval.low), mmn_real_if(known, interval.high),
            mmn_as_text(shown_by(&interval, c->samples)));
}

void mmn_add_comparisons(mmn_result *result, const mmn_sample_values *values)
{
    const mmn_study *study = values->study;
    comparing c = {.values = values};
    for (c.setting = 0; c.setting < study->plan.settings.count; c.setting++)
        for (c.domain = 0; c.domain < study->samples.domains.domain_count; c.domain++) {
            c.samples = (size_t)study->plan.runs[own(&c, 0)].samples;
            c.differences = mmn_allocate(c.samples, sizeof(*c.differences), NULL);
            if (!c.differences) {
                result->failed = true;
                return;
            }
            for (size_t kind = 0; kind < MMN_LENGTH(kinds); kind++)
                compare(result, &c, kind);
            mmn_free(c.differences);
        }
}

/* ---- Statements ------------------------------------------------------------------------------ */

/* A text or number that the result has, to be added again. */
static mmn_value again(const mmn_table *table, size_t row, const char *column)
{
    mmn_value value = *mmn_result_value(table, row, mmn_result_column(table, column, SIZE_MAX));
    if (value.kind == MMN_VALUE_TEXT)
        value.kind = MMN_VALUE_KEPT;
    return value;
}

static bool is(const mmn_result *result, size_t row, const char *column, const char *text)
{
    const char *own = mmn_result_text(result, "comparisons", row, column);
    return own && strcmp(own, text) == 0;
}

/* Numbers of what is lower are positive, the least first. What shows something without numbers was
 * not written by us, and states nothing. */
static void add_statement(mmn_result *result, size_t row, double unit)
{
    const mmn_table *table = mmn_result_find(result, "comparisons", SIZE_MAX);
    const bool lower = is(result, row, "shows", "lower");
    const double by = unit * mmn_result_number(result, "comparisons", row, "difference");
    const double low = unit * mmn_result_number(result, "comparisons", row, "low");
    const double high = unit * mmn_result_number(result, "comparisons", row, "high");
    if (!is(result, row, "shows", "nothing") && !(isfinite(by) && isfinite(low) && isfinite(high)))
        return;
    MMN_ADD(result, "statements", again(table, row, "setting"), again(table, row, "domain"),
            again(table, row, "shows"), again(table, row, "samples"), mmn_as_real(lower ? -by : by),
            mmn_as_real(lower ? -high : low), mmn_as_real(lower ? -low : high));
}

void mmn_evaluation_state(mmn_result *result)
{
    const bool likelihood = mmn_result_number(result, "result", 0, "likelihood") > 0;
    for (size_t row = 0; row < mmn_result_rows(result, "comparisons"); row++)
        if (is(result, row, "measure", likelihood ? "log_probability_per_token" : "accuracy") &&
            is(result, row, "off", "own") && is(result, row, "against", "random"))
            add_statement(result, row, likelihood ? 1 : 100);
}
