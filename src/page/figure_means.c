/* A panel of means with their intervals. */
#include "page/figure_means.h"

#include <math.h>
#include <stdio.h>

enum { LEFT = 4, RIGHT = 56, TOP = 30, ROW = 32 };

static void draw_bar(const mmn_chart *chart, const mmn_mean *mean, size_t place)
{
    const double y = TOP + ROW * (double)place, zero = mmn_chart_x(chart, 0);
    mmn_svg_text(chart->svg, "label", chart->left, y + 12, MMN_ANCHOR_START, MMN_PANEL_WIDTH - LEFT,
                 mean->name);
    if (!isfinite(mean->mean))
        return;
    if (mean->mean != 0)
        mmn_chart_bar(chart, mean->classes, y + 17, mean->mean);
    mmn_chart_bar_number(chart, y + 17, mean->mean, 3);
    mmn_chart_interval(chart, y + 17, mean->low, mean->high);
    if (chart->x_minimum < 0)
        mmn_svg_line(chart->svg, "plain", zero, y + 15, zero, y + 30);
}

mmn_status mmn_figure_draw_bars(mmn_figure *figure, const mmn_mean *means, size_t count,
                                const char *title)
{
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = TOP + ROW * (double)count + 8};
    mmn_chart chart = {.svg = &svg, .left = LEFT, .width = MMN_PANEL_WIDTH - LEFT - RIGHT};
    if (count == 0 || count > MMN_MEANS)
        return MMN_OK;
    for (size_t i = 0; i < count; i++) {
        mmn_chart_widen(&chart, means[i].mean);
        mmn_chart_widen(&chart, means[i].low);
        mmn_chart_widen(&chart, means[i].high);
    }
    if (chart.x_minimum == chart.x_maximum)
        chart.x_maximum = 1;
    for (size_t i = 0; i < count; i++)
        draw_bar(&chart, &means[i], i);
    return mmn_figure_panel(figure, &svg, title);
}

bool mmn_figure_is_of_all(const mmn_result *result, const char *table, size_t row)
{
    return !mmn_result_text(result, table, row, "domain") ||
           mmn_result_rows(result, "domains") == 1;
}

mmn_status mmn_figure_draw_means(mmn_figure *figure, const mmn_result *result,
                                 const mmn_figure_means *means, const char *title)
{
    mmn_mean bars[MMN_MEANS + 1];
    size_t count = 0;
    for (size_t row = 0; row < mmn_result_rows(result, means->table) && count <= MMN_MEANS; row++) {
        mmn_mean *bar = &bars[count];
        if (!mmn_figure_is_of_all(result, means->table, row) ||
            (means->measure && !mmn_row_is(result, means->table, row, "measure", means->measure)))
            continue;
        const bool own = mmn_row_is(result, means->table, row, means->neurons, "top");
        snprintf(bar->name, sizeof(bar->name), "%.20s: %.20s%s",
                 mmn_result_text(result, means->table, row, means->first),
                 mmn_result_text(result, means->table, row, means->neurons), means->name_end);
        bar->classes = own ? mmn_svg_series(0) : "other";
        bar->mean = mmn_result_number(result, means->table, row, "mean");
        bar->low = mmn_result_number(result, means->table, row, "low");
        bar->high = mmn_result_number(result, means->table, row, "high");
        count++;
    }
    return mmn_figure_draw_bars(figure, bars, count, title);
}
