/* A panel of means with their intervals. */
#include "page/figure_means.h"

#include <math.h>
#include <stdio.h>

enum { LEFT = 4, RIGHT = 56, TOP = 30, ROW = 32, MOST = 64 };

static bool is_drawn(const mmn_result *result, const mmn_figure_means *means, size_t row)
{
    return (!mmn_result_text(result, means->table, row, "domain") ||
            mmn_result_rows(result, "domains") == 1) &&
           (!means->measure || mmn_row_is(result, means->table, row, "measure", means->measure));
}

static void draw_row(const mmn_chart *chart, const mmn_result *result,
                     const mmn_figure_means *means, size_t row, size_t place)
{
    const double y = TOP + ROW * (double)place;
    const double mean = mmn_result_number(result, means->table, row, "mean");
    const double low = mmn_result_number(result, means->table, row, "low");
    const bool own = mmn_row_is(result, means->table, row, means->neurons, "top");
    char name[64];
    snprintf(name, sizeof(name), "%.20s: %.20s%s",
             mmn_result_text(result, means->table, row, means->first),
             mmn_result_text(result, means->table, row, means->neurons), means->name_end);
    mmn_svg_text(chart->svg, "label", chart->left, y + 12, MMN_ANCHOR_START, MMN_PANEL_WIDTH - LEFT,
                 name);
    if (!isfinite(mean))
        return;
    if (mean > 0)
        mmn_chart_bar(chart, own ? mmn_svg_series(0) : "other", y + 17, mean);
    mmn_chart_bar_number(chart, y + 17, mean, 3);
    if (low >= 0)
        mmn_chart_interval(chart, y + 17, low,
                           mmn_result_number(result, means->table, row, "high"));
}

mmn_status mmn_figure_draw_means(mmn_figure *figure, const mmn_result *result,
                                 const mmn_figure_means *means, const char *title)
{
    const size_t rows = mmn_result_rows(result, means->table);
    size_t drawn = 0, place = 0;
    double largest = 0;
    for (size_t row = 0; row < rows; row++)
        if (is_drawn(result, means, row)) {
            const double mean = mmn_result_number(result, means->table, row, "mean");
            const double high = mmn_result_number(result, means->table, row, "high");
            largest = mmn_chart_maximum(mmn_chart_maximum(largest, mean), high);
            drawn++;
        }
    if (drawn == 0 || drawn > MOST)
        return MMN_OK;
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = TOP + ROW * (double)drawn + 8};
    const mmn_chart chart = {.svg = &svg,
                             .left = LEFT,
                             .width = MMN_PANEL_WIDTH - LEFT - RIGHT,
                             .x_maximum = largest > 0 ? largest : 1};
    for (size_t row = 0; row < rows; row++)
        if (is_drawn(result, means, row))
            draw_row(&chart, result, means, row, place++);
    return mmn_figure_panel(figure, &svg, title);
}
