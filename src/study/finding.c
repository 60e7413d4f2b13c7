/* Findings: what switching a domain's own neurons off does to it, beside as many random ones, in a
 * line for each domain. */
#include "study/finding.h"

#include "study/result_forms.h"

/* How many neurons are off in a domain's samples with its own off. `setting` is NULL where there is
 * only one. */
static uint64_t count_off(const mmn_result *result, const char *setting, const char *domain)
{
    const mmn_table *off = mmn_result_find(result, "neurons_off", SIZE_MAX);
    size_t run = 0, first, end;
    uint64_t count = 0;
    while (run < mmn_result_rows(result, "runs") &&
           !(mmn_row_is(result, "runs", run, "off", "domain") &&
             mmn_row_is(result, "runs", run, "domain", domain) &&
             mmn_row_is(result, "runs", run, "neurons_of", domain) &&
             (!setting || mmn_row_is(result, "runs", run, "setting", setting))))
        run++;
    mmn_result_children(off, run, &first, &end);
    for (size_t i = first; i < end; i++) {
        const mmn_value value = mmn_result_again(off, i, "count");
        count += value.kind == MMN_VALUE_WHOLE ? value.whole : 0;
    }
    return count;
}

/* The last setting of an evaluation's summary of this name. */
static void add_settings(mmn_result *result, const char *name)
{
    const mmn_table *table = mmn_result_find(result, name, SIZE_MAX);
    for (size_t row = 0; row < table->rows; row++) {
        const char *setting = mmn_result_text(result, name, row, "setting");
        if (!mmn_row_is(result, name, table->rows - 1, "setting", setting))
            continue;
        const char *domain = mmn_result_text(result, name, row, "domain");
        MMN_ADD(result, "findings", mmn_result_again(table, row, "setting"),
                mmn_result_again(table, row, "domain"),
                mmn_as_whole(count_off(result, setting, domain)),
                mmn_result_again(table, row, "plain"), mmn_result_again(table, row, "domain_off"),
                mmn_result_again(table, row, "random_seeds"),
                mmn_result_again(table, row, "random_mean"));
    }
}

static mmn_value per_cent_more(const mmn_result *result, size_t row, const char *column)
{
    return mmn_as_real(100 * (mmn_result_number(result, "values", row, column) - 1));
}

/* Of perplexities, whose summaries have values of several kinds. */
static void add_ratios(mmn_result *result)
{
    const mmn_table *values = mmn_result_find(result, "values", SIZE_MAX);
    const mmn_table *summary = mmn_result_find(result, "summary", SIZE_MAX);
    const mmn_table *top = mmn_result_find(result, "result", SIZE_MAX);
    for (size_t row = 0; row < values->rows; row++) {
        if (!mmn_row_is(result, "values", row, "what", "ratio"))
            continue;
        const size_t of = values->parents[row];
        const char *domain = mmn_result_text(result, "summary", of, "domain");
        MMN_ADD(result, "findings", mmn_result_again(top, 0, "setting"),
                mmn_result_again(summary, of, "domain"),
                mmn_as_whole(count_off(result, NULL, domain)), per_cent_more(result, row, "plain"),
                per_cent_more(result, row, "domain_off"),
                mmn_result_again(summary, of, "random_seeds"),
                per_cent_more(result, row, "random_mean"));
    }
}

void mmn_state_finding(mmn_result *result)
{
    if (mmn_result_find(result, "values", SIZE_MAX))
        add_ratios(result);
    else
        add_settings(result,
                     mmn_result_rows(result, "summary") > 0 ? "summary" : "likelihood_summary");
}
