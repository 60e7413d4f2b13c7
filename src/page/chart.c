/* Charts over two axes, with their scales, grids and names, and heat tables: what figures draw
 * with. */
#include "page/chart.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "page/lettering.h"
#include "page/text.h"
#include "result/words.h"

/* ---- Axes ------------------------------------------------------------------------------------ */

double mmn_chart_x(const mmn_chart *chart, double value)
{
    const double span = chart->x_maximum - chart->x_minimum;
    const double share = span > 0 && isfinite(span) ? (value - chart->x_minimum) / span : 0.5;
    return chart->left + chart->width * share;
}

double mmn_chart_y(const mmn_chart *chart, double value)
{
    const double span = chart->y_maximum - chart->y_minimum;
    const double share = span > 0 && isfinite(span) ? (value - chart->y_minimum) / span : 0;
    return chart->top + chart->height * (1 - share);
}

double mmn_chart_maximum(double end, double value)
{
    return isfinite(value) && value > end ? value : end;
}

void mmn_chart_widen(mmn_chart *chart, double value)
{
    chart->x_maximum = mmn_chart_maximum(chart->x_maximum, value);
    chart->x_minimum = -mmn_chart_maximum(-chart->x_minimum, -value);
}

/* The step between the numbers of an axis. */
static double step_of(double span, int ticks, bool whole)
{
    const double step = mmn_number_step(span, ticks);
    return whole && step < 1 ? 1 : step;
}

static void make_room_for(mmn_chart *chart, double value, int decimals)
{
    mmn_text number = {0};
    mmn_number_fixed(&number, value, decimals);
    const double needed =
        6 + mmn_lettering_width(mmn_lettering_of("tick"), number.text ? number.text : "");
    if (needed > chart->left) {
        chart->width -= needed - chart->left;
        chart->left = needed;
    }
    chart->svg->body.failed |= number.failed;
    mmn_text_free(&number);
}

void mmn_chart_make_room(mmn_chart *chart, int ticks, bool whole)
{
    const double step = step_of(chart->y_maximum - chart->y_minimum, ticks, whole);
    make_room_for(chart, chart->y_maximum, mmn_number_step_decimals(step));
    make_room_for(chart, chart->y_minimum, mmn_number_step_decimals(step));
}

void mmn_chart_grid_y(const mmn_chart *chart, const char *title, int ticks, bool whole)
{
    const double span = chart->y_maximum - chart->y_minimum, slack = span * 1e-9;
    const double step = step_of(span, ticks, whole);
    const int decimals = mmn_number_step_decimals(step);
    const double first = ceil((chart->y_minimum - slack) / step);
    for (int i = 0; i <= ticks && (first + i) * step <= chart->y_maximum + slack; i++) {
        const double value = (first + i) * step, y = mmn_chart_y(chart, value);
        mmn_svg_line(chart->svg, value == 0 ? "axis" : "grid", chart->left, y,
                     chart->left + chart->width, y);
        mmn_svg_number(chart->svg, "tick", chart->left - 5, y + 4, MMN_ANCHOR_END, value, decimals,
                       "");
    }
    mmn_svg_text(chart->svg, "soft", 0, chart->top - 9 - chart->headroom, MMN_ANCHOR_START, 0,
                 title);
}

/* A mark below the chart. */
static void add_tick(const mmn_chart *chart, double x)
{
    const double bottom = chart->top + chart->height;
    mmn_svg_line(chart->svg, "axis", x, bottom, x, bottom + 4);
}

static void add_title_x(const mmn_chart *chart, const char *title)
{
    mmn_svg_text(chart->svg, "soft", chart->left + chart->width, chart->top + chart->height + 31,
                 MMN_ANCHOR_END, 0, title);
}

void mmn_chart_axis_x(const mmn_chart *chart, const char *title, int ticks, bool whole)
{
    const double span = chart->x_maximum - chart->x_minimum;
    const double slack = span * 1e-9;
    const double step = step_of(span, ticks, whole);
    const int decimals = mmn_number_step_decimals(step);
    const double first = ceil((chart->x_minimum - slack) / step);
    for (int i = 0; i <= ticks && (first + i) * step <= chart->x_maximum + slack; i++) {
        const double value = (first + i) * step, x = mmn_chart_x(chart, value);
        add_tick(chart, x);
        mmn_svg_centred_number(chart->svg, "tick", x, chart->top + chart->height + 16, value,
                               decimals, "");
    }
    add_title_x(chart, title);
}

/* A number below its place, unless it would touch the one that ends at *taken. */
static void add_place(const mmn_chart *chart, double x, double number, double *taken)
{
    enum { GAP = 4 };
    mmn_text text = {0};
    mmn_text_add_real(&text, number);
    const char *shown = text.text ? text.text : "";
    const double half = mmn_lettering_width(mmn_lettering_of("tick"), shown) / 2;
    add_tick(chart, x);
    if (x - half >= *taken) {
        mmn_svg_centred(chart->svg, "tick", x, chart->top + chart->height + 16, shown);
        *taken = x + half + GAP;
    }
    chart->svg->body.failed |= text.failed;
    mmn_text_free(&text);
}

void mmn_chart_axis_places(const mmn_chart *chart, const char *title, const double *numbers,
                           size_t places)
{
    double taken = 0;
    for (size_t place = 0; place < places; place++)
        add_place(chart, mmn_chart_x(chart, (double)place), numbers[place], &taken);
    add_title_x(chart, title);
}

/* ---- Marks ----------------------------------------------------------------------------------- */

void mmn_chart_column(const mmn_chart *chart, const char *classes, double x, double width,
                      double value)
{
    const double y = mmn_chart_y(chart, value);
    if (value > 0)
        mmn_svg_rectangle(chart->svg, classes, x, y, width, chart->top + chart->height - y);
}

void mmn_chart_bar(const mmn_chart *chart, const char *classes, double y, double value)
{
    const double from = mmn_chart_x(chart, chart->base), to = mmn_chart_x(chart, value);
    mmn_svg_rectangle(chart->svg, classes, from < to ? from : to, y, fabs(to - from), MMN_BAR);
}

void mmn_chart_bar_number(const mmn_chart *chart, double y, double number, int decimals)
{
    mmn_svg_number(chart->svg, "label", MMN_PANEL_WIDTH - 2, y + 10, MMN_ANCHOR_END, number,
                   decimals, "");
}

void mmn_chart_interval(const mmn_chart *chart, double y, double low, double high)
{
    if (!isfinite(low) || !isfinite(high))
        return;
    const bool below = low<chart->x_minimum, above = high> chart->x_maximum;
    const double left = mmn_chart_x(chart, below ? chart->x_minimum : low);
    const double right = mmn_chart_x(chart, above ? chart->x_maximum : high);
    if (low > chart->x_maximum || high < chart->x_minimum)
        return;
    mmn_svg_line(chart->svg, "whisker", left, y + 5.5, right, y + 5.5);
    if (!below)
        mmn_svg_line(chart->svg, "whisker", left, y + 2.5, left, y + 8.5);
    if (!above)
        mmn_svg_line(chart->svg, "whisker", right, y + 2.5, right, y + 8.5);
}

void mmn_chart_key(mmn_svg *svg, double y, size_t series, const char *name, double count)
{
    mmn_svg_rectangle(svg, mmn_svg_series(series), 0, y, 11, 11);
    mmn_svg_text(svg, "label", 18, y + 10, MMN_ANCHOR_START, MMN_PANEL_WIDTH - 70, name);
    mmn_svg_number(svg, "tick", MMN_PANEL_WIDTH, y + 10, MMN_ANCHOR_END, count, 0, "");
}

void mmn_chart_line(const mmn_chart *chart, size_t series, bool dashed, mmn_chart_value *value,
                    const void *context, size_t layers)
{
    enum { MARKS = 10 };
    const size_t step = layers / MARKS + 1;
    char classes[32];
    snprintf(classes, sizeof(classes), "%s%s", dashed ? "dashed " : "", mmn_svg_series(series));
    mmn_svg_begin_line(chart->svg, classes);
    for (size_t layer = 0; layer < layers; layer++)
        mmn_svg_point(chart->svg, mmn_chart_x(chart, (double)layer),
                      mmn_chart_y(chart, value(context, layer)));
    mmn_svg_end_line(chart->svg);
    /* Of many layers the last has a mark and every few before it. */
    mmn_svg_begin_marks(chart->svg, series, !dashed);
    for (size_t layer = (layers - 1) % step; layer < layers; layer += step)
        mmn_svg_mark(chart->svg, series, mmn_chart_x(chart, (double)layer),
                     mmn_chart_y(chart, value(context, layer)));
    mmn_svg_end_marks(chart->svg);
}

void mmn_chart_label(mmn_chart_labels *labels, const mmn_chart *chart, const char *name,
                     size_t series, double value)
{
    if (!isfinite(value) || labels->count == MMN_CHART_LABELS)
        return;
    labels->label[labels->count].name = name;
    labels->label[labels->count].series = series;
    labels->label[labels->count++].y = mmn_chart_y(chart, value) + 4;
}

static void draw_label(const mmn_chart *chart, const mmn_chart_name *label)
{
    enum { TO_MARK = 11, TO_NAME = 19 };
    const double end = chart->left + chart->width;
    const bool is_series = label->series != SIZE_MAX;
    if (is_series) {
        mmn_svg_begin_marks(chart->svg, label->series, true);
        mmn_svg_mark(chart->svg, label->series, end + TO_MARK, label->y - 4);
        mmn_svg_end_marks(chart->svg);
    }
    mmn_svg_text(chart->svg, is_series ? "strong" : "soft", end + TO_NAME, label->y,
                 MMN_ANCHOR_START, chart->svg->width - end - TO_NAME, label->name);
}

void mmn_chart_draw_labels(mmn_chart_labels *labels, const mmn_chart *chart)
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
        draw_label(chart, &labels->label[i]);
}

/* ---- Heat tables ----------------------------------------------------------------------------- */

/* The most that a name which rises may be wide. */
enum { SLANTED = 98 };

double mmn_heat_table_room(double room, const char *name)
{
    enum { MOST = 112 };
    const double width = mmn_lettering_width(mmn_lettering_of("label"), name);
    return width > MOST ? MOST : width > room ? width : room;
}

void mmn_heat_table_begin(mmn_heat_table *table, const char *row_title, const char *column_title,
                          double room)
{
    mmn_svg *svg = table->svg;
    table->left = mmn_heat_table_room(room, row_title) + 8;
    table->top = table->slanted ? 54 + 0.68 * fmin(table->names, SLANTED) : 76;
    /* Slanted names end to the right of the last column. */
    const double beyond = table->slanted ? 58 : 0;
    const double fitting = (MMN_PANEL_WIDTH - table->left - beyond) / (double)table->columns;
    if (table->cell_width < fitting)
        table->cell_width = fitting < 64 ? fitting : 64;
    svg->width = table->left + table->cell_width * (double)table->columns + beyond;
    if (svg->width < MMN_PANEL_WIDTH)
        svg->width = MMN_PANEL_WIDTH;
    svg->height = table->top + table->cell_height * (double)table->rows + 4;
    if (*column_title != '\0')
        mmn_svg_text(svg, "soft", 0, 32, MMN_ANCHOR_START, 0, column_title);
    mmn_svg_text(svg, "soft", 0, table->top - 7, MMN_ANCHOR_START, 0, row_title);
}

double mmn_heat_table_x(const mmn_heat_table *table, size_t column)
{
    return table->left + table->cell_width * ((double)column + 0.5);
}

/* Where a text in the middle of a row stands. */
static double baseline(const mmn_heat_table *table, size_t row)
{
    return table->top + table->cell_height * ((double)row + 0.5) + 4;
}

void mmn_heat_table_row(const mmn_heat_table *table, size_t row, const char *name)
{
    mmn_svg_text(table->svg, "label", table->left - 8, baseline(table, row), MMN_ANCHOR_END,
                 table->left - 8, name);
}

void mmn_heat_table_column(const mmn_heat_table *table, size_t column, const char *name)
{
    const double x = mmn_heat_table_x(table, column);
    if (table->slanted)
        mmn_svg_slanted(table->svg, "label", x - 2, table->top - 8, SLANTED, name);
    else
        mmn_svg_text(table->svg, "label", x, table->top - 7, MMN_ANCHOR_MIDDLE,
                     table->cell_width - 2, name);
}

void mmn_heat_table_layers(const mmn_heat_table *table)
{
    char name[24];
    for (size_t layer = 0; layer < table->rows; layer++) {
        snprintf(name, sizeof(name), "%zu", layer);
        mmn_heat_table_row(table, table->rows - 1 - layer, name);
    }
}

static void shade(const mmn_heat_table *table, const char *classes, size_t row, size_t column,
                  double share)
{
    mmn_svg_heat(table->svg, classes, table->left + table->cell_width * (double)column + 1,
                 table->top + table->cell_height * (double)row + 1, table->cell_width - 2,
                 table->cell_height - 2, share);
}

void mmn_heat_table_word(const mmn_heat_table *table, size_t row, size_t column, double share,
                         const char *word)
{
    char *shown = mmn_word_shown(word, NULL);
    shade(table, "heat", row, column, share);
    if (shown)
        mmn_svg_text(table->svg, "label", mmn_heat_table_x(table, column), baseline(table, row),
                     MMN_ANCHOR_MIDDLE, table->cell_width - 4, shown);
    else
        table->svg->body.failed = true;
    mmn_free(shown);
}

static void write_number(const mmn_heat_table *table, size_t row, size_t column, double value,
                         int decimals)
{
    if (isfinite(value))
        mmn_svg_number(table->svg, "label", mmn_heat_table_x(table, column), baseline(table, row),
                       MMN_ANCHOR_MIDDLE, value, decimals, "");
}

void mmn_heat_table_number(const mmn_heat_table *table, size_t row, size_t column, double share,
                           double value, int decimals)
{
    shade(table, "heat", row, column, share);
    write_number(table, row, column, value, decimals);
}

void mmn_heat_table_change(const mmn_heat_table *table, size_t row, size_t column, double share,
                           double value, int decimals)
{
    shade(table, share < 0 ? "worse" : "better", row, column, fabs(share));
    write_number(table, row, column, value, decimals);
}
