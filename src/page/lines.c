/* Panels of lines over layers or other places: two for each domain, a solid and a dashed one. */
#include "page/lines.h"

#include <math.h>

void mmn_lines_widen(mmn_lines *lines, double value)
{
    lines->maximum = mmn_chart_maximum(lines->maximum, value);
    lines->minimum = -mmn_chart_maximum(-lines->minimum, -value);
}

/* One of the lines. */
typedef struct line {
    const mmn_lines *of;
    size_t domain;
    bool dashed;
} line;

static double value_of(const void *context, size_t place)
{
    const line *drawn = context;
    return drawn->of->value(drawn->of->context, drawn->domain, drawn->dashed, place);
}

static bool is_nothing(const line *drawn)
{
    size_t place = 0;
    while (place < drawn->of->places && !isfinite(value_of(drawn, place)))
        place++;
    return place == drawn->of->places;
}

mmn_status mmn_lines_draw(mmn_figure *figure, const mmn_results *results, const mmn_lines *lines)
{
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = 240};
    mmn_chart chart = {.svg = &svg,
                       .left = 40,
                       .top = 48,
                       .width = MMN_PANEL_WIDTH - 154,
                       .height = 150,
                       .x_maximum = (double)lines->places - 1,
                       .y_minimum = lines->minimum,
                       .y_maximum = lines->maximum};
    mmn_chart_labels labels = {0};
    bool dashed_named = false;
    mmn_chart_make_room(&chart, 5, lines->counted);
    mmn_chart_grid_y(&chart, lines->y_title, 5, lines->counted);
    if (lines->numbers)
        mmn_chart_axis_places(&chart, lines->x_title, lines->numbers, lines->places);
    else
        mmn_chart_axis_x(&chart, lines->x_title, 6, true);
    for (size_t i = 0; i < 2 * results->domain_count; i++) {
        const line drawn = {lines, i / 2, i % 2 == 1};
        const double last = value_of(&drawn, lines->places - 1);
        if (is_nothing(&drawn))
            continue;
        mmn_chart_line(&chart, drawn.domain, drawn.dashed, value_of, &drawn, lines->places);
        if (!drawn.dashed)
            mmn_chart_label(&labels, &chart, results->domains[drawn.domain], drawn.domain, last);
        else if (!dashed_named)
            mmn_chart_label(&labels, &chart, lines->dashed, SIZE_MAX, last);
        dashed_named |= drawn.dashed;
    }
    mmn_chart_draw_labels(&labels, &chart);
    return mmn_figure_panel(figure, &svg, lines->title);
}
