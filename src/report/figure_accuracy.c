/* The figure of accuracy with domain neurons off, beside random ones and nothing off. */
#include <math.h>

#include "report/chart.h"
#include "report/figure.h"
#include "report/values.h"

enum { ROW = 52, LEFT = 4, RIGHT = 48, TOP = 42 };

/* A row of eval's summary. */
typedef struct summary {
    const char *setting, *domain;
    size_t number; /* the domain's */
    double plain, domain_off, random_mean, low, high;
    int64_t seeds;
} summary;

static mmn_status read_summary(summary *row, mmn_results *results, const mmn_json_object *top,
                               json_t *array, size_t index, mmn_error *error)
{
    mmn_json_object item;
    *row = (summary){0};
    mmn_status status = mmn_values_item(&item, top, "summary", array, index, error);
    if (status == MMN_OK)
        status = mmn_values_text(&row->setting, &item, "setting", error);
    if (status == MMN_OK)
        status = mmn_values_text(&row->domain, &item, "domain", error);
    if (status == MMN_OK)
        status = mmn_results_domain(&row->number, results, row->domain, &item, error);
    if (status == MMN_OK)
        status = mmn_values_number(&row->plain, &item, "plain", error);
    if (status == MMN_OK)
        status = mmn_values_number(&row->domain_off, &item, "domain_off", error);
    if (status == MMN_OK)
        status = mmn_values_number(&row->random_mean, &item, "random_mean", error);
    if (status == MMN_OK)
        status = mmn_json_get_i64(&row->seeds, &item, "random_seeds", 0, 1000000, error);
    if (status == MMN_OK)
        status = mmn_values_interval(&row->low, &row->high, &item, "random_interval", error);
    return status;
}

static void add_row(mmn_report_table *table, const summary *row)
{
    mmn_table_text(table, row->setting);
    mmn_table_text(table, row->domain);
    mmn_table_real(table, row->plain);
    mmn_table_real(table, row->domain_off);
    mmn_table_real(table, row->random_mean);
    mmn_table_real(table, row->low);
    mmn_table_real(table, row->high);
    mmn_table_integer(table, row->seeds);
}

/* A bar, and its number in the column at the right. */
static void draw_bar(const mmn_chart *chart, const char *classes, double y, double value)
{
    if (!isfinite(value))
        return;
    mmn_svg_rectangle(chart->svg, classes, chart->left, y, mmn_chart_x(chart, value) - chart->left,
                      11);
    mmn_svg_number(chart->svg, "label", MMN_PANEL_WIDTH - 2, y + 10, MMN_ANCHOR_END, value * 100, 1,
                   "");
}

/* What a bar is, inside it where there is room. */
static void name_bar(const mmn_chart *chart, double y, double value, const char *name)
{
    if (isfinite(value) && mmn_chart_x(chart, value) - chart->left > 120)
        mmn_svg_text(chart->svg, "inside", chart->left + 4, y + 9, MMN_ANCHOR_START, 0, name);
}

/* A setting's name, the bar of the domain's neurons, that of random ones, and what is left when
 * nothing is off. */
static void draw_row(const mmn_chart *chart, const summary *row, double y)
{
    mmn_svg_text(chart->svg, "label", chart->left, y + 14, MMN_ANCHOR_START, 44, row->setting);
    draw_bar(chart, mmn_svg_series(row->number), y + 20, row->domain_off);
    draw_bar(chart, "other", y + 33, row->random_mean);
    mmn_chart_interval(chart, y + 33, row->low, row->high);
    if (isfinite(row->plain))
        mmn_svg_line(chart->svg, "plain", mmn_chart_x(chart, row->plain), y + 17,
                     mmn_chart_x(chart, row->plain), y + 47);
}

/* The panel of domain `number`: every row of the summary that is about it. */
static mmn_status draw_domain(mmn_figure *figure, mmn_results *results, json_t *array,
                              size_t number, mmn_error *error)
{
    const mmn_json_object *top = &results->of[MMN_RESULT_EVAL].top;
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    mmn_chart chart = {.svg = &svg, .left = LEFT, .width = MMN_PANEL_WIDTH - LEFT - RIGHT,
                       .x_maximum = 1};
    size_t drawn = 0;
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < json_array_size(array) && status == MMN_OK; i++) {
        summary row;
        status = read_summary(&row, results, top, array, i, error);
        if (status != MMN_OK || row.number != number ||
            (!isfinite(row.domain_off) && !isfinite(row.random_mean)))
            continue;
        if (drawn == 0 && isfinite(row.plain)) {
            const double x = mmn_chart_x(&chart, row.plain);
            mmn_svg_number(&svg, "strong", x, 36, x > 120 ? MMN_ANCHOR_END : MMN_ANCHOR_START,
                           row.plain * 100, 1, " with nothing off");
        }
        draw_row(&chart, &row, TOP + ROW * (double)drawn);
        if (drawn == 0) {
            name_bar(&chart, TOP + 20, row.domain_off, "its own neurons off");
            name_bar(&chart, TOP + 33, row.random_mean, "random neurons off");
        }
        drawn++;
    }
    if (status != MMN_OK || drawn == 0) {
        mmn_text_free(&svg.body);
        return status;
    }
    chart.height = TOP + ROW * (double)drawn + 4;
    chart.x_maximum = 100;
    mmn_svg_line(&svg, "axis", LEFT, chart.height, LEFT + chart.width, chart.height);
    mmn_chart_axis_x(&chart, "accuracy (%)", 5, true);
    svg.height = chart.height + 36;
    return mmn_figure_panel(figure, &svg, results->domains[number], error);
}

/* For how many rows the accuracy lies outside the interval of random neurons. */
static void tell(mmn_text *words, size_t below, size_t above, size_t compared)
{
    mmn_text_add(words,
                 "Share of answers that are right, with the neurons of the answered domain "
                 "switched off (coloured) and with as many random neurons in each layer (grey, "
                 "mean and 95 %% interval over seeds); the dashed line is the model with nothing "
                 "off. ");
    mmn_text_add(words,
                 "Of %zu comparisons, the domain's neurons give less than the interval of random "
                 "ones in %zu, more in %zu, and a value inside it in %zu.",
                 compared, below, above, compared - below - above);
}

mmn_status mmn_figure_accuracy(mmn_figures *figures, mmn_results *results, mmn_error *error)
{
    static const mmn_column columns[] = {
        {"setting", 0}, {"domain", 0}, {"nothing off", 4}, {"domain neurons off", 4},
        {"random neurons off", 4}, {"95 % from", 4}, {"95 % to", 4}, {"seeds", 0}};
    const mmn_json_object *top = &results->of[MMN_RESULT_EVAL].top;
    json_t *array;
    mmn_figure *figure;
    mmn_status status = mmn_values_array(&array, top, "summary", MMN_REPORT_ITEMS, error);
    if (status != MMN_OK || json_array_size(array) == 0)
        return status;
    mmn_text words = {0};
    size_t below = 0, above = 0, compared = 0;
    status = mmn_figure_begin(&figure, figures, "accuracy", "Accuracy with neurons off", columns,
                              8, error);
    for (size_t i = 0; i < json_array_size(array) && status == MMN_OK; i++) {
        summary row;
        status = read_summary(&row, results, top, array, i, error);
        if (status != MMN_OK)
            break;
        add_row(&figure->table, &row);
        if (!isfinite(row.domain_off) || !isfinite(row.low) || !isfinite(row.high))
            continue;
        compared++;
        below += row.domain_off < row.low;
        above += row.domain_off > row.high;
    }
    for (size_t d = 0; d < results->domain_count && status == MMN_OK; d++)
        status = draw_domain(figure, results, array, d, error);
    tell(&words, below, above, compared);
    if (status == MMN_OK)
        status = mmn_figure_end(figure, &words, error);
    mmn_text_free(&words);
    return status;
}
