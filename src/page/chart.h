/* Charts over two axes: scales, grids with their labels, and names beside the lines. */
#ifndef MMN_REPORT_CHART_H
#define MMN_REPORT_CHART_H

#include "page/svg.h"

/* Where the axes lie in the graphic, and the values at their ends. */
typedef struct mmn_chart {
    mmn_svg *svg;
    double left, top, width, height;
    double x_minimum, x_maximum, y_maximum; /* y begins at 0 */
    double headroom; /* between the top and the y axis' title */
} mmn_chart;

double mmn_chart_x(const mmn_chart *chart, double value);
double mmn_chart_y(const mmn_chart *chart, double value);

/* A whisker from `low` to `high` over a bar of 11 at `y`; nothing unless both are numbers. */
void mmn_chart_interval(const mmn_chart *chart, double y, double low, double high);

/* Horizontal lines at round values, labelled at the left, below the axis' title; at whole values
 * only for what is counted. */
void mmn_chart_grid_y(const mmn_chart *chart, const char *title, int ticks, bool whole);
/* Round values below the chart and the axis' title at its right end; whole ones only for layers. */
void mmn_chart_axis_x(const mmn_chart *chart, const char *title, int ticks, bool whole);

/* Names at the right of their lines' ends, moved apart vertically where they would overlap. */
enum { MMN_CHART_LABELS = 64 };
typedef struct mmn_chart_name {
    const char *name, *classes;
    double y;
} mmn_chart_name;
typedef struct mmn_chart_labels {
    size_t count;
    mmn_chart_name label[MMN_CHART_LABELS];
} mmn_chart_labels;

/* The name of a line that ends at `value`; nothing if that is not a number. */
void mmn_chart_label(mmn_chart_labels *labels, const mmn_chart *chart, const char *name,
                     const char *classes, double value);
void mmn_chart_draw_labels(mmn_chart_labels *labels, const mmn_chart *chart, size_t columns);

/* The line through `values` at 0, 1, ..., count - 1. */
void mmn_chart_line(const mmn_chart *chart, const char *classes, const double *values,
                    size_t count);

/* The largest finite number, and `least`. */
double mmn_chart_maximum(double least, const double *values, size_t count);

#endif
