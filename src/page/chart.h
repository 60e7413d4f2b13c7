/* Charts over two axes, with their scales, grids and names, and heat tables: what figures draw
 * with. */
#ifndef MMN_PAGE_CHART_H
#define MMN_PAGE_CHART_H

#include "page/svg.h"

/* A panel is as wide as a telephone's page; heat tables may be wider. The height of a lying bar. */
enum { MMN_PANEL_WIDTH = 344, MMN_BAR = 11 };

/* ---- Axes ------------------------------------------------------------------------------------ */

/* Where the axes lie in the graphic, and the values at their ends. */
typedef struct mmn_chart {
    mmn_svg *svg;
    double left, top, width, height;
    double x_minimum, x_maximum, y_minimum, y_maximum;
    double base;     /* that lying bars begin with */
    double headroom; /* between the top and the y axis' title */
} mmn_chart;

double mmn_chart_x(const mmn_chart *chart, double value);
double mmn_chart_y(const mmn_chart *chart, double value);
/* The larger of a scale's end and a value, unless that is not finite. */
double mmn_chart_maximum(double end, double value);

/* Makes the x axis long enough for a value too, unless that is not finite. */
void mmn_chart_widen(mmn_chart *chart, double value);

/* Moves the left end so far to the right that the numbers of mmn_chart_grid_y have place. */
void mmn_chart_make_room(mmn_chart *chart, int ticks, bool whole);
/* Horizontal lines at round values, labelled at the left, below the axis' title; at whole values
 * only for what is counted. */
void mmn_chart_grid_y(const mmn_chart *chart, const char *title, int ticks, bool whole);
/* Round values below the chart and the axis' title at its right end; whole ones only for layers. */
void mmn_chart_axis_x(const mmn_chart *chart, const char *title, int ticks, bool whole);
/* The same where x counts places from 0 on and each has a number, as far as these have room. */
void mmn_chart_axis_places(const mmn_chart *chart, const char *title, const double *numbers,
                           size_t places);

/* ---- Marks ----------------------------------------------------------------------------------- */

/* A standing bar; nothing for 0. */
void mmn_chart_column(const mmn_chart *chart, const char *classes, double x, double width,
                      double value);
/* A lying bar from the base with its upper end at `y`; the number of one, in the column at the
 * right. */
void mmn_chart_bar(const mmn_chart *chart, const char *classes, double y, double value);
void mmn_chart_bar_number(const mmn_chart *chart, double y, double number, int decimals);
/* A whisker from `low` to `high` over a bar at `y`, open at an end that is beyond the scale's;
 * nothing unless both are numbers. */
void mmn_chart_interval(const mmn_chart *chart, double y, double low, double high);

/* A line of a key with its upper end at `y`: the square of a series, its name and how many. */
enum { MMN_CHART_KEY = 18 };
void mmn_chart_key(mmn_svg *svg, double y, size_t series, const char *name, double count);

/* What a line shows of layer number `layer`. */
typedef double mmn_chart_value(const void *context, size_t layer);

/* The line of a series over layers from 0 on, broken where there is no number: solid with filled
 * marks, or dashed with empty ones. */
void mmn_chart_line(const mmn_chart *chart, size_t series, bool dashed, mmn_chart_value *value,
                    const void *context, size_t layers);

/* Names at the right of their lines' ends, moved apart vertically where they would overlap. */
enum { MMN_CHART_LABELS = 64 };
typedef struct mmn_chart_name {
    const char *name;
    size_t series; /* whose mark stands before the name, and whose colour it has; SIZE_MAX: none */
    double y;
} mmn_chart_name;
typedef struct mmn_chart_labels {
    size_t count;
    mmn_chart_name label[MMN_CHART_LABELS];
} mmn_chart_labels;

/* The name of a line that ends at `value`; nothing if that is not a number. */
void mmn_chart_label(mmn_chart_labels *labels, const mmn_chart *chart, const char *name,
                     size_t series, double value);
void mmn_chart_draw_labels(mmn_chart_labels *labels, const mmn_chart *chart);

/* ---- Heat tables ----------------------------------------------------------------------------- */

/* A grid of shaded cells with a text in each: where they lie. Names of columns stand above them. */
typedef struct mmn_heat_table {
    mmn_svg *svg;
    size_t rows, columns;
    double left, top, cell_width, cell_height;
    bool slanted; /* names of columns are long, and rise from their columns to the right */
    double names; /* the width of these, by mmn_heat_table_room */
} mmn_heat_table;

/* The width that the names of rows need; no more than they may have. */
double mmn_heat_table_room(double room, const char *name);
/* Places a table whose rows' names have this room into its empty graphic and sets the graphic's
 * size. `row_title` and `column_title` ("": nothing) say what rows and columns are. */
void mmn_heat_table_begin(mmn_heat_table *table, const char *row_title, const char *column_title,
                          double room);
/* The middle of a column. */
double mmn_heat_table_x(const mmn_heat_table *table, size_t column);
void mmn_heat_table_row(const mmn_heat_table *table, size_t row, const char *name);
void mmn_heat_table_column(const mmn_heat_table *table, size_t column, const char *name);
/* Names the rows by layers, the last one on top. */
void mmn_heat_table_layers(const mmn_heat_table *table);
/* Shades a cell and writes into it: a word, cut to its width, whose spaces a mark shows; or a
 * number unless that is NaN. */
void mmn_heat_table_word(const mmn_heat_table *table, size_t row, size_t column, double share,
                         const char *word);
void mmn_heat_table_number(const mmn_heat_table *table, size_t row, size_t column, double share,
                           double value, int decimals);
/* The same for changes, to the worse or to the better: `share` is from -1, the worst, to 1. */
void mmn_heat_table_change(const mmn_heat_table *table, size_t row, size_t column, double share,
                           double value, int decimals);

#endif
