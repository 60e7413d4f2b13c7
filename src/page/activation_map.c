/* A neuron's activation at the patches of a picture, drawn over it. */
#include "page/activation_map.h"

#include <stdio.h>

#include "page/chart.h"
#include "page/sample_pictures.h"

enum { PATCHES = 1 << 16 };

static mmn_status check(const mmn_result_file *file, const mmn_activation_map *map,
                        mmn_error *error)
{
    const double patches = map->grid_rows * map->grid_columns;
    const size_t values = map->values.end - map->values.first;
    if (!(patches <= PATCHES))
        return mmn_fail(error, MMN_INPUT, file->file, map->table,
                        "must be a grid of at most %d patches", PATCHES);
    if (patches != (double)values || values == 0)
        return mmn_fail(error, MMN_INPUT, file->file, map->table,
                        "must have %.0f numbers and has %zu", patches, values);
    return MMN_OK;
}

/* Returns the largest value, which has the full shade. */
static double draw_patches(mmn_svg *svg, const mmn_result *result, const mmn_activation_map *map,
                           double top, double height)
{
    const size_t columns = (size_t)map->grid_columns;
    const double width = MMN_PANEL_WIDTH / map->grid_columns, high = height / map->grid_rows;
    double maximum = 0;
    for (size_t row = map->values.first; row < map->values.end; row++) {
        const double value = mmn_result_number(result, map->table, row, "value");
        maximum = mmn_chart_maximum(maximum, &value, 1);
    }
    for (size_t patch = 0; patch < map->values.end - map->values.first; patch++) {
        const double value =
            mmn_result_number(result, map->table, map->values.first + patch, "value");
        const double x = (double)(patch % columns) * width;
        const double y = top + (double)(patch / columns) * high;
        if (value > 0)
            mmn_svg_heat(svg, "patch", x, y, width, high, 0.8 * value / maximum);
        if (value > map->bar)
            mmn_svg_rectangle(svg, "frame", x, y, width, high);
    }
    return maximum;
}

/* The scale: from nothing at 0 to the full shade at the maximum. */
static void draw_scale(mmn_svg *svg, double top, double maximum)
{
    enum { STEPS = 12, STEP = 10 };
    for (int i = 0; i < STEPS; i++)
        mmn_svg_heat(svg, "patch", 34 + i * STEP, top, STEP, 10, 0.8 * (i + 1) / STEPS);
    mmn_svg_text(svg, "tick", 28, top + 9, MMN_ANCHOR_END, 0, "0");
    mmn_svg_number(svg, "tick", 40 + STEPS * STEP, top + 9, MMN_ANCHOR_START, maximum, 3,
                   " activation");
}

void mmn_activation_map_draw(mmn_figure *figure, const mmn_results *results,
                             const mmn_result_file *file, const mmn_activation_map *map,
                             mmn_rows images, mmn_text *words)
{
    enum { TOP = 30 };
    mmn_error *error = figure->all->error;
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    bool drawn;
    char title[120];
    double height = MMN_PANEL_WIDTH * map->grid_rows / map->grid_columns;
    mmn_status status = figure->all->status;
    if (status == MMN_OK)
        status = check(file, map, error);
    if (status == MMN_OK)
        status = mmn_sample_pictures(&drawn, &height, &svg, TOP, results, file, images, words,
                                     error);
    figure->all->status = status;
    if (status != MMN_OK)
        return;
    if (height > 4 * MMN_PANEL_WIDTH)
        height = 4 * MMN_PANEL_WIDTH;
    draw_scale(&svg, TOP + height + 10, draw_patches(&svg, file->result, map, TOP, height));
    svg.height = TOP + height + 28;
    snprintf(title, sizeof(title), "%.40s layer %.0f, neuron %.0f", map->module, map->layer,
             map->neuron);
    mmn_figure_panel(figure, &svg, title);
}
