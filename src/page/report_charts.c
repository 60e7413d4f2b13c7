/* Reports as bar charts for a terminal. */
#include <math.h>
#include <stdio.h>

#include "base/error.h"
#include "page/report.h"
#include "page/text.h"
#include "result/words.h"

enum { NAME = 18, BAR = 40 };

/* A name, a number and its bar. */
static void add_line(mmn_text *text, const char *name, const char *number, double share,
                     bool blocks)
{
    mmn_text_add(text, "    ");
    mmn_columns_left(text, name, NAME);
    mmn_text_add(text, "  %6s  ", number);
    mmn_bar_add(text, share, BAR, blocks);
    mmn_text_add(text, "\n");
}

/* Begins a chart; the file is named where there are several of its kind. */
static void add_heading(mmn_text *text, const char *heading, const mmn_report *report,
                        mmn_result_kind kind, size_t set)
{
    mmn_text_add(text, "%s", heading);
    if (mmn_result_sets_with(&report->results, kind) > 1)
        mmn_text_add(text, ", %s", report->results.list[set].of[kind].name);
    mmn_text_add(text, "\n");
}

static void chart_neurons(mmn_text *text, const mmn_neurons *lists, bool blocks)
{
    size_t largest = 1;
    char number[24];
    for (size_t m = 0; m < lists->module_count; m++)
        for (size_t d = 0; d < lists->domain_count; d++)
            if (lists->modules[m].lists[d].count > largest)
                largest = lists->modules[m].lists[d].count;
    for (size_t m = 0; m < lists->module_count; m++) {
        mmn_text_add(text, "  %s\n", lists->modules[m].name);
        for (size_t d = 0; d < lists->domain_count; d++) {
            const size_t count = lists->modules[m].lists[d].count;
            snprintf(number, sizeof(number), "%zu", count);
            add_line(text, lists->domains[d], number, (double)count / (double)largest, blocks);
        }
    }
}

static void chart_accuracy(mmn_text *text, const mmn_result *result, bool blocks)
{
    static const char *const shares[][2] = {{"nothing off", "plain"},
                                            {"domain neurons off", "domain_off"},
                                            {"random neurons off", "random_mean"}};
    const size_t rows = mmn_result_rows(result, "summary");
    for (size_t row = 0; row < rows; row++) {
        mmn_text_add(text, "  %s, %s\n", mmn_result_text(result, "summary", row, "domain"),
                     mmn_result_text(result, "summary", row, "setting"));
        for (size_t i = 0; i < 3; i++) {
            const double share = mmn_result_number(result, "summary", row, shares[i][1]);
            mmn_text number = {0};
            mmn_number_fixed(&number, share * 100, 1);
            if (isfinite(share))
                add_line(text, shares[i][0], number.text ? number.text : "", share, blocks);
            text->failed |= number.failed;
            mmn_text_free(&number);
        }
    }
}

mmn_status mmn_report_charts(const mmn_report *report, int blocks, char **charts, mmn_error *error)
{
    MMN_CLEAR(charts);
    MMN_GIVEN(error, report, charts);
    mmn_text text = {0};
    for (size_t set = 0; set < report->results.count; set++) {
        const mmn_neurons *lists = report->results.list[set].lists;
        if (!lists)
            continue;
        add_heading(&text, "domain neurons", report, MMN_RESULT_NEURONS, set);
        chart_neurons(&text, lists, blocks != 0);
    }
    for (size_t set = 0; set < report->results.count; set++) {
        const mmn_result *result = report->results.list[set].of[MMN_RESULT_EVAL].result;
        if (mmn_result_rows(result, "summary") == 0)
            continue;
        add_heading(&text, "accuracy (%)", report, MMN_RESULT_EVAL, set);
        chart_accuracy(&text, result, blocks != 0);
    }
    return mmn_text_finish(&text, charts, error);
}
