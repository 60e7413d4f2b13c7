/* A neuron's activation at the patches of a picture, drawn over it. */
#include "report/activation_map.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "report/sample_pictures.h"
#include "report/values.h"

enum { PATCHES = 1 << 16 };

mmn_status mmn_activation_map_read(mmn_activation_map *map, const mmn_json_object *parent,
                                   const char *key, mmn_error *error)
{
    size_t sides = 0;
    *map = (mmn_activation_map){.bar = (double)NAN};
    mmn_status status = mmn_json_get_object(&map->object, parent, key, error);
    if (status != MMN_OK || !map->object.value)
        return status;
    status = mmn_values_text(&map->module, &map->object, "module", error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&map->layer, &map->object, "layer", 0, UINT32_MAX, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&map->neuron, &map->object, "neuron", 0, UINT32_MAX, error);
    if (status == MMN_OK)
        status = mmn_values_number(&map->bar, &map->object, "bar", error);
    if (status == MMN_OK)
        status = mmn_json_get_integers(map->grid, &sides, 2, &map->object, "grid", 1, PATCHES,
                                       error);
    if (status == MMN_OK && (sides != 2 || map->grid[0] * map->grid[1] > PATCHES))
        status = mmn_json_fail(&map->object, "grid", error,
                               "must be [rows, columns] of at most %d patches", PATCHES);
    if (status != MMN_OK)
        return status;
    const size_t patches = (size_t)(map->grid[0] * map->grid[1]);
    status = mmn_values_read(&map->values, NULL, &map->object, "values", patches, PATCHES, error);
    for (size_t i = 0; i < patches && status == MMN_OK; i++)
        if (map->values[i] > map->maximum)
            map->maximum = map->values[i];
    return status;
}

static void draw_patches(mmn_svg *svg, const mmn_activation_map *map, double top, double height)
{
    const double width = (double)MMN_PANEL_WIDTH / (double)map->grid[1];
    const double high = height / (double)map->grid[0];
    for (int64_t row = 0; row < map->grid[0]; row++)
        for (int64_t column = 0; column < map->grid[1]; column++) {
            const double value = map->values[row * map->grid[1] + column];
            const double x = (double)column * width, y = top + (double)row * high;
            if (value > 0)
                mmn_svg_heat(svg, "patch", x, y, width, high, 0.8 * value / map->maximum);
            if (value > map->bar)
                mmn_svg_rectangle(svg, "frame", x, y, width, high);
        }
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

mmn_status mmn_activation_map_draw(mmn_figure *figure, const mmn_results *results,
                                   const mmn_json_object *sample, const mmn_activation_map *map,
                                   mmn_text *words, mmn_error *error)
{
    enum { TOP = 30 };
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    bool drawn;
    double height = MMN_PANEL_WIDTH * (double)map->grid[0] / (double)map->grid[1];
    mmn_status status = mmn_sample_pictures(&drawn, &height, &svg, TOP, results, sample, words,
                                            error);
    if (height > 4 * MMN_PANEL_WIDTH)
        height = 4 * MMN_PANEL_WIDTH;
    draw_patches(&svg, map, TOP, height);
    draw_scale(&svg, TOP + height + 10, map->maximum);
    svg.height = TOP + height + 28;
    char title[120];
    snprintf(title, sizeof(title), "%.40s layer %" PRIu32 ", neuron %" PRIu32, map->module,
             map->layer, map->neuron);
    if (status == MMN_OK)
        return mmn_figure_panel(figure, &svg, title, error);
    mmn_text_free(&svg.body);
    return status;
}
