/* Charts over two axes: scales, grids with their labels, and names beside the lines. */
#include "page/chart.h"

#include <math.h>

#include "base/memory.h"
#include "page/numbers.h"

double mmn_chart_x(const mmn_chart *chart, double value)
{
    const double span = chart->x_maximum - chart->x_minimum;
    const double share = span > 0 ? (value - chart->x_minimum) / span : 0.5;
    return chart->left + chart->width * share;
}

double mmn_chart_y(const mmn_chart *chart, double value)
{
    const double share = chart->y_maximum > 0 ? value / chart->y_maximum : 0;
    return chart->top + chart->height * (1 - share);
}

void mmn_chart_interval(const mmn_chart *chart, double y, double low, double high)
{
    if (!isfinite(low) || !isfinite(high))
        return;
    const double left = mmn_chart_x(chart, low), right = mmn_chart_x(chart, high);
    mmn_svg_line(chart->svg, "whisker", left, y + 5.5, right, y + 5.5);
    mmn_svg_line(chart->svg, "whisker", left, y + 2.5, left, y + 8.5);
    mmn_svg_line(chart->svg, "whisker", right, y + 2.5, right, y + 8.5);
}

void mmn_chart_grid_y(const mmn_chart *chart, const char *title, int ticks, bool whole)
{
    double step = mmn_number_step(chart->y_maximum, ticks);
    if (whole && step < 1)
        step = 1;
    const int decimals = mmn_number_step_decimals(step);
    for (int i = 0; i * step <= chart->y_maximum * (1 + 1e-9); i++) {
        const double y = mmn_chart_y(chart, i * step);
        mmn_svg_line(chart->svg, i == 0 ? "axis" : "grid", chart->left, y,
                     chart->left + chart->width, y);
        mmn_svg_number(chart->svg, "tick", chart->left - 5, y + 4, MMN_ANCHOR_END, i * step,
                       decimals, "");
    }
    mmn_svg_text(chart->svg, "soft", 0, chart->top - 9 - chart->headroom,
                 MMN_ANCHOR_START, 0, title);
}

void mmn_chart_axis_x(const mmn_chart *chart, const char *title, int ticks, bool whole)
{
    const double span = chart->x_maximum - chart->x_minimum, bottom = chart->top + chart->height;
    const double slack = span * 1e-9;
    double step = mmn_number_step(span, ticks);
    if (whole && step < 1)
        step = 1;
    const int decimals = mmn_number_step_decimals(step);
    const double first = ceil((chart->x_minimum - slack) / step);
    for (int i = 0; i <= ticks && (first + i) * step <= chart->x_maximum + slack; i++) {
        const double value = (first + i) * step, x = mmn_chart_x(chart, value);
        mmn_svg_line(chart->svg, "axis", x, bottom, x, bottom + 4);
        mmn_svg_number(chart->svg, "tick", x, bottom + 16, MMN_ANCHOR_MIDDLE, value, decimals, "");
    }
    mmn_svg_text(chart->svg, "soft", chart->left + chart->width, bottom + 31, MMN_ANCHOR_END, 0,
                 title);
}

void mmn_chart_label(mmn_chart_labels *labels, const mmn_chart *chart, const char *name,
                     const char *classes, double value)
{
    if (!isfinite(value) || labels->count == MMN_CHART_LABELS)
        return;
    labels->label[labels->count].name = name;
    labels->label[labels->count].classes = classes;
    labels->label[labels->count++].y = mmn_chart_y(chart, value) + 4;
}

void mmn_chart_draw_labels(mmn_chart_labels *labels, const mmn_chart *chart, size_t columns)
{
    enum { LINE = 13 };
    for (size_t i = 1; i < labels->count; i++)
        for (size_t j = i; j > 0 && labels->label[j].y < labels->label[j - 1].y; j--) {
            const mmn_chart_name lower = labels->label[j];
            labels->label[j] = labels->label[j - 1];
            labels->label[j - 1] = lower;
        }
    /* Down from the top, then up from the bottom, so that nothing leaves the chart. */
    for (size_t i = 1; i < labels->count; i++)
        if (labels->label[i].y < labels->label[i - 1].y + LINE)
            labels->label[i].y = labels->label[i - 1].y + LINE;
    double limit = chart->top + chart->height + 4;
    for (size_t i = labels->count; i-- > 0; limit -= LINE) {
        if (labels->label[i].y > limit)
            labels->label[i].y = limit;
        else
            limit = labels->label[i].y;
    }
    for (size_t i = 0; i < labels->count; i++)
        mmn_svg_text(chart->svg, labels->label[i].classes, chart->left + chart->width + 6,
                     labels->label[i].y, MMN_ANCHOR_START, columns, labels->label[i].name);
}

void mmn_chart_line(const mmn_chart *chart, const char *classes, const double *values,
                    size_t count)
{
    double *places = mmn_allocate(2 * count, sizeof(*places), NULL);
    if (!places) {
        chart->svg->body.failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        places[i] = mmn_chart_x(chart, (double)i);
        places[count + i] = mmn_chart_y(chart, values[i]);
    }
    mmn_svg_polyline(chart->svg, classes, places, places + count, count);
    mmn_free(places);
}

double mmn_chart_maximum(double least, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i]) && values[i] > least)
            least = values[i];
    return least;
}
