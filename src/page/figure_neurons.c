/* The figure of how many domain neurons each layer of each module has. */
#include <string.h>

#include "page/chart.h"
#include "page/figure.h"

enum { ROW = 57, BARS = 32 }; /* heights of a domain's strip and of its bars */

/* How many neurons of the list each layer has; the largest of them and `largest`. */
static size_t count_layers(size_t *in_layer, const mmn_listed_module *module,
                           const mmn_neuron_list *list, size_t largest)
{
    memset(in_layer, 0, module->layers * sizeof(*in_layer));
    for (size_t i = 0; i < list->count; i++) {
        const size_t layer = list->numbers[i] / module->neurons;
        in_layer[layer]++;
        largest = in_layer[layer] > largest ? in_layer[layer] : largest;
    }
    return largest;
}

/* A strip of bars: the domain's name and total above, the scale's end at the left. */
static void draw_strip(mmn_svg *svg, const mmn_chart *chart, const mmn_listed_module *module,
                       const size_t *in_layer, const char *domain, size_t number, size_t total)
{
    const double bottom = chart->top + chart->height, slot = chart->width / module->layers;
    const double bar = slot > 24 ? 20 : slot > 3 ? slot - 1.5 : slot * 0.8;
    mmn_svg_text(svg, mmn_svg_series_ink(number), chart->left, chart->top - 7,
                 MMN_ANCHOR_START, 30, domain);
    mmn_svg_number(svg, "soft", chart->left + chart->width, chart->top - 7, MMN_ANCHOR_END,
                   (double)total, 0, total == 1 ? " neuron" : " neurons");
    mmn_svg_line(svg, "grid", chart->left, chart->top, chart->left + chart->width, chart->top);
    mmn_svg_number(svg, "tick", chart->left - 5, chart->top + 5, MMN_ANCHOR_END, chart->y_maximum,
                   0, "");
    for (size_t layer = 0; layer < module->layers; layer++) {
        const double y = mmn_chart_y(chart, (double)in_layer[layer]);
        if (in_layer[layer] > 0)
            mmn_svg_rectangle(svg, mmn_svg_series(number),
                              chart->left + slot * ((double)layer + 0.5) - bar / 2, y, bar,
                              bottom - y);
    }
    mmn_svg_line(svg, "axis", chart->left, bottom, chart->left + chart->width, bottom);
}

static void draw_module(mmn_figure *figure, const mmn_results *results,
                        const mmn_listed_module *module)
{
    size_t in_layer[MMN_REPORT_LAYERS];
    const size_t count = results->lists->domain_count;
    size_t largest = 1;
    for (size_t d = 0; d < count; d++)
        largest = count_layers(in_layer, module, &module->lists[d], largest);
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = 22 + ROW * (double)count + 36};
    mmn_chart chart = {.svg = &svg, .left = 34, .width = MMN_PANEL_WIDTH - 42, .height = BARS,
                       .y_maximum = (double)largest};
    for (size_t d = 0; d < count; d++) {
        const mmn_neuron_list *list = &module->lists[d];
        chart.top = 22 + ROW * (double)d + (ROW - BARS);
        count_layers(in_layer, module, list, 0);
        draw_strip(&svg, &chart, module, in_layer, results->lists->domains[d],
                   mmn_results_domain(results, results->lists->domains[d]), list->count);
        for (size_t layer = 0; layer < module->layers; layer++) {
            mmn_table_text(&figure->table, module->name);
            mmn_table_text(&figure->table, results->lists->domains[d]);
            mmn_table_integer(&figure->table, (int64_t)layer);
            mmn_table_integer(&figure->table, (int64_t)in_layer[layer]);
        }
    }
    /* Bars stand in the middle of their slots, so the axis' ends do too. */
    const double slot = chart.width / module->layers;
    chart.left += slot / 2;
    chart.width -= slot;
    chart.x_maximum = module->layers - 1;
    mmn_chart_axis_x(&chart, "layer", 8, true);
    mmn_figure_panel(figure, &svg, module->name);
}

void mmn_figure_neurons(mmn_figures *figures, const mmn_results *results)
{
    static const mmn_column columns[] = {{"module", 0}, {"domain", 0}, {"layer", 0},
                                         {"neurons", 0}};
    const mmn_neuron_lists *lists = results->lists;
    mmn_figure *figure =
        lists ? mmn_figure_begin(figures, "neurons", "Domain neurons in each layer", columns, 4)
              : NULL;
    if (!figure)
        return;
    mmn_text_add(&figure->words,
                 "How many neurons of each layer belong to a domain. The bars of a module "
                 "share one scale, whose end is written at the left.");
    for (size_t m = 0; m < lists->module_count; m++) {
        const mmn_listed_module *module = &lists->modules[m];
        draw_module(figure, results, module);
        mmn_text_add(&figure->words, " %s: %u selected of %u × %u", module->name, module->selected,
                     module->layers, module->neurons);
        if (module->inert > 0)
            mmn_text_add(&figure->words,
                         " (the last %zu layers are inert: the output does not depend on "
                         "them)", module->inert);
        mmn_text_add(&figure->words, ".");
    }
}
