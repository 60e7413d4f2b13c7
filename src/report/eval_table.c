/* Evaluations as tables for people. */
#include <string.h>

#include "base/given.h"
#include "base/text_buffer.h"
#include "neurons/eval.h"
#include "report/allowances.h"
#include "report/columns.h"
#include "report/run_json.h"

/* Wide enough for titles. */
enum { NUMBER_WIDTH = 9 };

static int widest(const mmn_evaluation *evaluation)
{
    int width = (int)strlen("neurons of");
    for (size_t d = 0; d < evaluation->domain_count; d++) {
        int columns = mmn_columns_of(evaluation->domains[d].name);
        width = columns > width ? columns : width;
    }
    return width;
}

static void add_percent(mmn_text *text, double share)
{
    mmn_text_add(text, "  %*.1f", NUMBER_WIDTH, 100 * share);
}

static void add_plain(mmn_text *text, const mmn_evaluation *evaluation, int width)
{
    mmn_text_add(text, "accuracy, %%, with all neurons on\n");
    for (size_t d = 0; d < evaluation->domain_count; d++) {
        const mmn_eval_run *run = mmn_eval_find(evaluation, 0, MMN_OFF_NOTHING, 0, d);
        mmn_text_add(text, "  ");
        mmn_columns_left(text, evaluation->domains[d].name, width);
        add_percent(text, mmn_eval_accuracy(run));
        mmn_text_add(text, "  of %zu:", run->count);
        for (mmn_measure m = 0; m < MMN_MEASURES; m++)
            if (run->counts[m] > 0)
                mmn_text_add(text, " %s %.1f", mmn_measure_name(m),
                             100 * run->sums[m] / (double)run->counts[m]);
        mmn_text_add(text, "\n");
    }
}

static void add_setting(mmn_text *text, const mmn_evaluation *evaluation, size_t setting,
                        int width)
{
    mmn_text_add(text, "\n%s: accuracy, %%, with neurons off\n  ", evaluation->settings[setting]);
    mmn_columns_left(text, "domain", width);
    mmn_text_add(text, "  %*s  %*s  %*s  95 %% interval\n", NUMBER_WIDTH, "none", NUMBER_WIDTH,
                 "domain's", NUMBER_WIDTH, "random");
    for (size_t d = 0; d < evaluation->domain_count; d++) {
        mmn_eval_summary summary = mmn_eval_summarise(evaluation, setting, d);
        mmn_text_add(text, "  ");
        mmn_columns_left(text, evaluation->domains[d].name, width);
        add_percent(text, summary.plain);
        add_percent(text, summary.domain_off);
        if (summary.seeds > 0)
            add_percent(text, summary.random_mean);
        if (summary.seeds > 1)
            mmn_text_add(text, "  %.1f to %.1f", 100 * summary.random_low,
                         100 * summary.random_high);
        mmn_text_add(text, "\n");
    }
}

/* Rows: whose neurons are off; columns: which domain is answered. */
static void add_cross(mmn_text *text, const mmn_evaluation *evaluation, size_t setting, int width)
{
    mmn_text_add(text, "\n%s: accuracy, %%, of a column's domain with a row's neurons off\n  ",
                 evaluation->settings[setting]);
    mmn_columns_left(text, "neurons of", width);
    for (size_t d = 0; d < evaluation->domain_count; d++) {
        const char *name = evaluation->domains[d].name;
        int columns = mmn_columns_of(name);
        mmn_text_fill(text, ' ', columns < NUMBER_WIDTH ? 2 + (size_t)(NUMBER_WIDTH - columns) : 2);
        mmn_text_add(text, "%s", name);
    }
    mmn_text_add(text, "\n");
    for (size_t of = 0; of < evaluation->domain_count; of++) {
        mmn_text_add(text, "  ");
        mmn_columns_left(text, evaluation->domains[of].name, width);
        for (size_t d = 0; d < evaluation->domain_count; d++) {
            int columns = mmn_columns_of(evaluation->domains[d].name);
            mmn_text_add(text, "  %*.1f", columns > NUMBER_WIDTH ? columns : NUMBER_WIDTH,
                         100 * mmn_eval_accuracy(
                                   mmn_eval_find(evaluation, setting, MMN_OFF_DOMAIN, of, d)));
        }
        mmn_text_add(text, "\n");
    }
}

mmn_status mmn_evaluation_table(const mmn_evaluation *evaluation, char **table, mmn_error *error)
{
    if (table)
        *table = NULL;
    if (MMN_MISSING(error, evaluation, table))
        return MMN_USAGE;
    mmn_text text = {0};
    int width = widest(evaluation);
    add_plain(&text, evaluation, width);
    for (size_t i = 1; i < evaluation->setting_count; i++)
        add_setting(&text, evaluation, i, width);
    for (size_t i = 1; i < evaluation->setting_count; i++)
        if (evaluation->crossed[i])
            add_cross(&text, evaluation, i, width);
    mmn_allowances_remarks(&text, &evaluation->allowed);
    mmn_run_table_nonfinite(&text, evaluation->nonfinite);
    return mmn_text_finish(&text, table, error);
}
