/* What was found, in sentences that numbers of the results fill. */
#include "page/finding.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "page/table.h"
#include "page/text.h"

const char mmn_finding_note[] = "In brackets are 95 % intervals of the mean over draws of random "
                                "ones, where there are several.";

/* One set of results, and the sentences at work. */
typedef struct telling {
    const mmn_results *results;
    bool languages;
    mmn_text *leads, *items;
} telling;

/* ---- Neurons --------------------------------------------------------------------------------- */

/* How many of the module's neurons belong to one domain alone: the lists, which ascend, are gone
 * through side by side. */
static size_t count_single(const mmn_listed_module *module, size_t domains)
{
    size_t at[MMN_REPORT_DOMAINS] = {0}, single = 0;
    for (;;) {
        uint64_t least = UINT64_MAX;
        size_t owners = 0;
        for (size_t d = 0; d < domains; d++)
            if (at[d] < module->lists[d].count && module->lists[d].numbers[at[d]] < least)
                least = module->lists[d].numbers[at[d]];
        if (least == UINT64_MAX)
            return single;
        for (size_t d = 0; d < domains; d++)
            if (at[d] < module->lists[d].count && module->lists[d].numbers[at[d]] == least) {
                owners++;
                at[d]++;
            }
        single += owners == 1;
    }
}

static void tell_neurons(const telling *told)
{
    const mmn_neurons *lists = told->results->lists;
    double all = 0, selected = 0, single = 0;
    for (size_t m = 0; m < lists->module_count; m++) {
        const mmn_listed_module *module = &lists->modules[m];
        all += (double)module->layers * module->neurons;
        selected += module->selected;
        single += (double)count_single(module, lists->domain_count);
    }
    mmn_text_add(told->leads, "Of %.0f neurons, %.0f", all, selected);
    if (all > 0) {
        mmn_text_add(told->leads, " (");
        mmn_number_fixed(told->leads, 100 * selected / all, 1);
        mmn_text_add(told->leads, " %%)");
    }
    mmn_text_add_about(told->leads, " are selected as the most specific to domains, and ",
                       told->languages);
    mmn_text_add(told->leads, "%.0f of these belong to ", single);
    mmn_text_add_about(told->leads, "one domain alone.\n", told->languages);
}

/* ---- What is off ----------------------------------------------------------------------------- */

/* The row of "runs" with a domain's own neurons off in its own samples; SIZE_MAX: there is none. */
static size_t find_run(const mmn_result *result, const char *setting, const char *domain)
{
    for (size_t row = 0; row < mmn_result_rows(result, "runs"); row++)
        if (mmn_row_is(result, "runs", row, "off", "domain") &&
            mmn_row_is(result, "runs", row, "neurons_of", domain) &&
            mmn_row_is(result, "runs", row, "domain", domain) &&
            mmn_row_is(result, "runs", row, "setting", setting))
            return row;
    return SIZE_MAX;
}

/* How many neurons the modules of these rows of "neurons_off" have; 0 where the lists are missing
 * or of other neurons. */
static double count_all(const mmn_results *results, const mmn_result_file *file, mmn_rows off)
{
    const mmn_neurons *lists = results->lists;
    double all = 0;
    if (!lists || strcmp(file->neurons, results->of[MMN_RESULT_NEURONS].neurons) != 0)
        return 0;
    for (size_t row = off.first; row < off.end; row++) {
        const char *name = mmn_result_text(file->result, "neurons_off", row, "module");
        const mmn_listed_module *module = name ? mmn_neurons_find_module(lists, name) : NULL;
        all += module ? (double)module->layers * module->neurons : 0;
    }
    return all;
}

/* "the 72 neurons (2.3 %) of ja", or without numbers that are not known. */
static void add_neurons_of(const telling *told, const mmn_result_file *file, const char *setting,
                           const char *domain)
{
    const size_t run = find_run(file->result, setting, domain);
    mmn_rows off = {0, 0};
    double count = 0;
    if (run != SIZE_MAX)
        off = mmn_rows_below(file->result, "neurons_off", "runs", run);
    for (size_t row = off.first; row < off.end; row++)
        count += mmn_result_number(file->result, "neurons_off", row, "count");
    const double all = count_all(told->results, file, off);
    if (off.end > off.first && isfinite(count))
        mmn_text_add(told->items, "the %.0f %s", count, count == 1 ? "neuron" : "neurons");
    else
        mmn_text_add(told->items, "the neurons");
    if (all >= count && all > 0) {
        mmn_text_add(told->items, " (");
        mmn_number_fixed(told->items, 100 * count / all, count * 100 < all ? 2 : 1);
        mmn_text_add(told->items, " %%)");
    }
    mmn_text_add(told->items, " of %s", domain);
}

/* ---- Perplexity ------------------------------------------------------------------------------ */

/* A ratio as a change in per cent, between two texts. */
static void add_change(mmn_text *text, const char *begin, double ratio, const char *end)
{
    const double change = 100 * (ratio - 1);
    mmn_text_add(text, "%s", begin);
    mmn_number_fixed(text, change, fabs(change) < 10 ? 1 : 0);
    mmn_text_add(text, "%s", end);
}

static void tell_language(const telling *told, const mmn_result_file *file, const char *domain,
                          size_t ratio)
{
    const mmn_result *result = file->result;
    const double own = mmn_result_number(result, "values", ratio, "domain_off");
    const double random = mmn_result_number(result, "values", ratio, "random_mean");
    const double low = mmn_result_number(result, "values", ratio, "random_low");
    const double high = mmn_result_number(result, "values", ratio, "random_high");
    mmn_text_add(told->items, "Switching off ");
    add_neurons_of(told, file, NULL, domain);
    add_change(told->items, own < 1 ? " lowers its perplexity by " : " raises its perplexity by ",
               own < 1 ? 2 - own : own, " %");
    if (isfinite(random))
        add_change(told->items, ", as many random ones change it by ", random, " %");
    if (isfinite(low) && isfinite(high)) {
        add_change(told->items, " (", low, "");
        add_change(told->items, " to ", high, ")");
    }
    mmn_text_add(told->items, ".\n");
}

static void tell_perplexity(const telling *told)
{
    const mmn_result_file *file = &told->results->of[MMN_RESULT_PERPLEXITY];
    const size_t count = mmn_result_rows(file->result, "summary");
    size_t compared = 0, above = 0;
    for (size_t row = 0; row < count; row++) {
        const mmn_rows rows = mmn_rows_below(file->result, "values", "summary", row);
        const char *domain = mmn_result_text(file->result, "summary", row, "domain");
        for (size_t i = rows.first; i < rows.end; i++) {
            const double own = mmn_result_number(file->result, "values", i, "domain_off");
            const double high = mmn_result_number(file->result, "values", i, "random_high");
            if (!mmn_row_is(file->result, "values", i, "what", "ratio") || !isfinite(own))
                continue;
            compared += isfinite(high);
            above += own > high;
            tell_language(told, file, domain, i);
        }
    }
    if (compared > 0)
        mmn_text_add(told->leads,
                     "In %zu of %zu languages, switching off its own neurons raises perplexity "
                     "beyond the 95 %% interval of as many random ones.\n",
                     above, compared);
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* The setting that sentences are about: "all" if there is one, else the last. */
static const char *choose_setting(const mmn_result *result, const char *table)
{
    const size_t rows = mmn_result_rows(result, table);
    for (size_t row = 0; row < rows; row++)
        if (mmn_row_is(result, table, row, "setting", "all"))
            return "all";
    return rows > 0 ? mmn_result_text(result, table, rows - 1, "setting") : NULL;
}

/* The row of a summary; SIZE_MAX: it has none. */
static size_t find_summary(const mmn_result *result, const char *table, const char *setting,
                           const char *domain)
{
    for (size_t row = 0; row < mmn_result_rows(result, table); row++)
        if (mmn_row_is(result, table, row, "setting", setting) &&
            mmn_row_is(result, table, row, "domain", domain))
            return row;
    return SIZE_MAX;
}

/* A value of a summary, `factor` times it, kept within the scale that it is of. */
static void add_value(mmn_text *text, const mmn_result *result, const char *table, size_t row,
                      const char *column)
{
    const bool share = strcmp(table, "summary") == 0;
    const double value = mmn_result_number(result, table, row, column);
    if (share)
        mmn_number_fixed(text, 100 * (value < 0 ? 0 : value > 1 ? 1 : value), 1);
    else
        mmn_number_fixed(text, value, 3);
}

/* What becomes of a measure: "accuracy falls from 96.4 % to 77.4 %, with ...". */
static void tell_measure(const telling *told, const char *measure, const char *table, size_t row)
{
    const mmn_result *result = told->results->of[MMN_RESULT_EVAL].result;
    const char *unit = strcmp(table, "summary") == 0 ? " %" : "";
    const double plain = mmn_result_number(result, table, row, "plain");
    const double own = mmn_result_number(result, table, row, "domain_off");
    mmn_text_add(told->items, "%s ", measure);
    if (own == plain) {
        mmn_text_add(told->items, "stays ");
    } else {
        mmn_text_add(told->items, "%s from ", own < plain ? "falls" : "rises");
        add_value(told->items, result, table, row, "plain");
        mmn_text_add(told->items, "%s to ", unit);
    }
    add_value(told->items, result, table, row, "domain_off");
    mmn_text_add(told->items, "%s", unit);
    if (!isfinite(mmn_result_number(result, table, row, "random_mean")))
        return;
    mmn_text_add(told->items, ", with as many random ones off it is ");
    add_value(told->items, result, table, row, "random_mean");
    mmn_text_add(told->items, "%s", unit);
    if (!isfinite(mmn_result_number(result, table, row, "random_low")))
        return;
    mmn_text_add(told->items, " (");
    add_value(told->items, result, table, row, "random_low");
    mmn_text_add(told->items, " to ");
    add_value(told->items, result, table, row, "random_high");
    mmn_text_add(told->items, ")");
}

/* One domain, by accuracy, or by likelihood where that alone is measured. */
static void tell_domain(const telling *told, const char *setting, const char *domain)
{
    static const char *const measures[][2] = {{"summary", "accuracy"},
                                              {"likelihood_summary", "ln p per token"}};
    const mmn_result_file *file = &told->results->of[MMN_RESULT_EVAL];
    for (size_t m = 0; m < MMN_LENGTH(measures); m++) {
        const size_t row = find_summary(file->result, measures[m][0], setting, domain);
        if (row == SIZE_MAX ||
            !isfinite(mmn_result_number(file->result, measures[m][0], row, "plain")) ||
            !isfinite(mmn_result_number(file->result, measures[m][0], row, "domain_off")))
            continue;
        mmn_text_add(told->items, "With ");
        add_neurons_of(told, file, setting, domain);
        mmn_text_add(told->items, " off, its ");
        tell_measure(told, measures[m][1], measures[m][0], row);
        mmn_text_add(told->items, ".\n");
        return;
    }
}

/* What the comparisons by sample show in one setting. */
static void tell_statements(const telling *told, const char *setting)
{
    const mmn_result *result = told->results->of[MMN_RESULT_EVAL].result;
    const bool likelihood = mmn_result_number(result, "result", 0, "likelihood") > 0;
    size_t all = 0, lower = 0, higher = 0;
    for (size_t row = 0; row < mmn_result_rows(result, "statements"); row++)
        if (mmn_row_is(result, "statements", row, "setting", setting)) {
            all++;
            lower += mmn_row_is(result, "statements", row, "shows", "lower");
            higher += mmn_row_is(result, "statements", row, "shows", "higher");
        }
    if (all == 0)
        return;
    if (strcmp(setting, "all") == 0)
        mmn_text_add(told->leads,
                     "In %zu of %zu domains, switching off its own neurons of all "
                     "modules",
                     lower, all);
    else
        mmn_text_add(told->leads, "In %zu of %zu domains, switching off its own neurons (%s)",
                     lower, all, setting);
    mmn_text_add(told->leads,
                 likelihood ? " makes the right answers less likely than switching off as many "
                              "random ones"
                            : " makes fewer answers right than switching off as many random ones");
    mmn_text_add(told->leads, " (by 95 %% intervals of differences by sample)");
    if (higher > 0)
        mmn_text_add(told->leads, "; in %zu it is the other way round", higher);
    mmn_text_add(told->leads, ".\n");
}

static void tell_answers(const telling *told)
{
    const mmn_results *results = told->results;
    const mmn_result *result = results->of[MMN_RESULT_EVAL].result;
    const char *setting = choose_setting(result, "summary");
    if (!setting)
        setting = choose_setting(result, "likelihood_summary");
    if (!setting)
        return;
    tell_statements(told, setting);
    for (size_t d = 0; d < results->domain_count; d++)
        tell_domain(told, setting, results->domains[d]);
}

/* ---- Lens ------------------------------------------------------------------------------------ */

static void tell_stages(const telling *told)
{
    const mmn_result *result = told->results->of[MMN_RESULT_LENS].result;
    const size_t all = mmn_result_rows(result, "three_stages");
    size_t found = 0;
    for (size_t row = 0; row < all; row++)
        found += mmn_result_number(result, "three_stages", row, "found") == 1;
    if (all > 0)
        mmn_text_add(told->leads,
                     "Read through the logit lens, image positions pass through the three stages "
                     "alignment, reasoning and generation in %zu of %zu domains.\n",
                     found, all);
}

void mmn_finding_make(mmn_finding *finding, const mmn_result_sets *sets)
{
    const telling told = {&sets->list[0], mmn_result_sets_are_languages(sets), &finding->leads,
                          &finding->items};
    if (sets->count > 1)
        mmn_text_add(told.leads, "These sentences are of the first result of each kind.\n");
    if (told.results->lists)
        tell_neurons(&told);
    tell_answers(&told);
    tell_perplexity(&told);
    tell_stages(&told);
}

void mmn_finding_free(mmn_finding *finding)
{
    mmn_text_free(&finding->leads);
    mmn_text_free(&finding->items);
}
