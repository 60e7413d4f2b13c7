/* Reports as bar charts for a terminal. */
#include <math.h>
#include <stdio.h>

#include "base/error.h"
#include "base/memory.h"
#include "page/report.h"
#include "page/text.h"
#include "result/words.h"

enum { NAME = 19, BAR = 40 };

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

static void chart_shared(mmn_text *text, const mmn_neurons *lists, bool blocks)
{
    size_t by_domains[MMN_REPORT_DOMAINS];
    char name[24], number[24];
    for (size_t m = 0; m < lists->module_count; m++) {
        size_t largest = 1;
        mmn_neurons_by_domains(by_domains, &lists->modules[m], lists->domain_count);
        for (size_t d = 0; d < lists->domain_count; d++)
            largest = by_domains[d] > largest ? by_domains[d] : largest;
        mmn_text_add(text, "  %s\n", lists->modules[m].name);
        for (size_t d = 0; d < lists->domain_count; d++) {
            snprintf(name, sizeof(name), "%zu", d + 1);
            snprintf(number, sizeof(number), "%zu", by_domains[d]);
            add_line(text, name, number, (double)by_domains[d] / (double)largest, blocks);
        }
    }
}

/* A value from `base` to `most`, of which `factor` times it is written. */
static void add_value(mmn_text *text, const char *name, double value, double factor, int decimals,
                      double base, double most, bool blocks)
{
    mmn_text number = {0};
    mmn_number_fixed(&number, value * factor, decimals);
    if (isfinite(value))
        add_line(text, name, number.text ? number.text : "",
                 most > base ? (value - base) / (most - base) : 0, blocks);
    text->failed |= number.failed;
    mmn_text_free(&number);
}

static void chart_accuracy(mmn_text *text, const mmn_result *result, bool blocks)
{
    static const char *const shares[][2] = {{"nothing off", "plain"},
                                            {"domain neurons off", "domain_off"},
                                            {"random neurons off", "random_mean"}};
    for (size_t row = 0; row < mmn_result_rows(result, "summary"); row++) {
        mmn_text_add(text, "  %s, %s\n", mmn_result_text(result, "summary", row, "domain"),
                     mmn_result_text(result, "summary", row, "setting"));
        for (size_t i = 0; i < 3; i++)
            add_value(text, shares[i][0], mmn_result_number(result, "summary", row, shares[i][1]),
                      100, 1, 0, 1, blocks);
    }
}

/* How many times as large perplexities are: bars begin at 1. */
static void chart_perplexity(mmn_text *text, const mmn_result *result, bool blocks)
{
    static const char *const columns[][2] = {{"its own neurons off", "domain_off"},
                                             {"random neurons off", "random_mean"}};
    double most = 1;
    for (size_t row = 0; row < mmn_result_rows(result, "values"); row++)
        for (size_t i = 0; i < 2; i++)
            if (mmn_row_is(result, "values", row, "what", "ratio"))
                most = mmn_chart_maximum(most,
                                         mmn_result_number(result, "values", row, columns[i][1]));
    for (size_t row = 0; row < mmn_result_rows(result, "summary"); row++) {
        const mmn_rows values = mmn_rows_below(result, "values", "summary", row);
        mmn_text_add(text, "  %s\n", mmn_result_text(result, "summary", row, "domain"));
        for (size_t at = values.first; at < values.end; at++)
            for (size_t i = 0; i < 2 && mmn_row_is(result, "values", at, "what", "ratio"); i++)
                add_value(text, columns[i][0],
                          mmn_result_number(result, "values", at, columns[i][1]), 1, 3, 1, most,
                          blocks);
    }
}

/* The entropies of a curve over its layers, image positions or text positions, as one line. */
static void add_curve(mmn_text *text, const mmn_result *result, size_t curve, const char *kind,
                      double most, bool blocks)
{
    const mmn_rows rows = mmn_rows_below(result, "readings", "curves", curve);
    double last = (double)NAN;
    mmn_text line = {0};
    for (size_t row = rows.first; row < rows.end; row++)
        if (mmn_row_is(result, "readings", row, "kind", kind)) {
            last = mmn_result_number(result, "readings", row, "entropy");
            mmn_level_add(&line, last / most, blocks);
        }
    if (isfinite(last)) {
        mmn_text_add(text, "    ");
        mmn_columns_left(text, kind, NAME);
        mmn_text_add(text, "  ");
        mmn_number_fixed(text, last, 3);
        mmn_text_add(text, "  %s\n", line.text ? line.text : "");
    }
    text->failed |= line.failed;
    mmn_text_free(&line);
}

static void chart_lens(mmn_text *text, const mmn_result *result, bool blocks)
{
    double most = 0;
    for (size_t row = 0; row < mmn_result_rows(result, "readings"); row++)
        most = mmn_chart_maximum(most, mmn_result_number(result, "readings", row, "entropy"));
    for (size_t curve = 0; curve < mmn_result_rows(result, "curves") && most > 0; curve++) {
        mmn_text_add(text, "  %s, %s\n", mmn_result_text(result, "curves", curve, "domain"),
                     mmn_result_text(result, "curves", curve, "stage"));
        add_curve(text, result, curve, "image", most, blocks);
        add_curve(text, result, curve, "text", most, blocks);
    }
}

static void add_finding(mmn_text *text, const mmn_finding *finding)
{
    if (finding->leads.length > 0)
        mmn_text_add(text, "\n%s", finding->leads.text);
    if (finding->items.length > 0)
        mmn_text_add(text, "%s%s\n", finding->items.text, mmn_finding_note);
}

/* A chart of results of one kind. */
static const struct {
    mmn_result_kind kind;
    const char *table, *heading;
    void (*chart)(mmn_text *text, const mmn_result *result, bool blocks);
} charts_of[] = {
    {MMN_RESULT_EVAL, "summary", "accuracy (%)", chart_accuracy},
    {MMN_RESULT_PERPLEXITY, "summary", "times the perplexity, from 1 on", chart_perplexity},
    {MMN_RESULT_LENS, "readings", "entropy (nats) after the last layer, and over all layers",
     chart_lens}};

mmn_status mmn_report_charts(const mmn_report *report, int blocks, char **charts, mmn_error *error)
{
    MMN_CLEAR(charts);
    MMN_GIVEN(error, report, charts);
    const mmn_result_sets *sets = &report->results;
    const bool languages = mmn_result_sets_are_languages(sets);
    mmn_text text = {0};
    for (size_t set = 0; set < sets->count; set++) {
        if (!sets->list[set].lists)
            continue;
        add_heading(&text, languages ? "language neurons" : "domain neurons", report,
                    MMN_RESULT_NEURONS, set);
        chart_neurons(&text, sets->list[set].lists, blocks != 0);
        add_heading(&text,
                    languages ? "neurons by the number of their languages"
                              : "neurons by the number of their domains",
                    report, MMN_RESULT_NEURONS, set);
        chart_shared(&text, sets->list[set].lists, blocks != 0);
    }
    for (size_t i = 0; i < MMN_LENGTH(charts_of); i++)
        for (size_t set = 0; set < sets->count; set++) {
            const mmn_result *result = sets->list[set].of[charts_of[i].kind].result;
            if (mmn_result_rows(result, charts_of[i].table) == 0)
                continue;
            add_heading(&text, charts_of[i].heading, report, charts_of[i].kind, set);
            charts_of[i].chart(&text, result, blocks != 0);
        }
    add_finding(&text, &report->finding);
    return mmn_text_finish(&text, charts, error);
}
