/* The figure of how the neurons' entropies are distributed, and where the ranking cuts. */
#include "base/memory.h"
#include "count/ranking.h"
#include "page/chart.h"
#include "page/figure.h"
#include "page/numbers.h"

enum { BINS = 40 };

/* Counts the entropies of all neurons above the bar in bins of equal width from the lowest of them
 * to ln(domains), which is the most that an entropy can be. */
static void fill_bins(size_t bins[BINS], const mmn_rank_result *result, double from, double width)
{
    for (size_t i = 0; i < result->selected; i++) {
        const double place = width > 0 ? (result->entropy[i] - from) / width : 0;
        bins[place < BINS ? (size_t)place : BINS - 1]++;
    }
}

static void draw_cut(const mmn_chart *chart, double cut)
{
    const double x = mmn_chart_x(chart, cut);
    char *ready;
    mmn_text words = {0};
    mmn_text_add(&words, "cut at ");
    mmn_number_fixed(&words, cut, 3);
    mmn_svg_line(chart->svg, "cut", x, chart->top - 16, x, chart->top + chart->height);
    if (mmn_text_finish(&words, &ready, NULL) == MMN_OK) {
        const bool left = x > chart->left + chart->width / 2;
        mmn_svg_text(chart->svg, "strong", left ? x - 5 : x + 5, chart->top - 6,
                     left ? MMN_ANCHOR_END : MMN_ANCHOR_START, 0, ready);
        mmn_free(ready);
    } else {
        chart->svg->body.failed = true;
    }
}

static void draw_module(mmn_figure *figure, const mmn_module_ranking *module, uint32_t selected,
                        size_t domains)
{
    const mmn_rank_result *result = &module->result;
    const double maximum = mmn_rank_highest_entropy(domains);
    size_t bins[BINS] = {0}, largest = 1;
    const double from = result->selected > 0 && result->entropy[0] < maximum ? result->entropy[0]
                                                                              : 0;
    const double width = (maximum - from) / BINS;
    fill_bins(bins, result, from, width);
    for (size_t b = 0; b < BINS; b++)
        largest = bins[b] > largest ? bins[b] : largest;

    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = 242};
    mmn_chart chart = {.svg = &svg, .left = 44, .top = 64, .headroom = 18,
                       .width = MMN_PANEL_WIDTH - 56, .height = 138, .x_minimum = from,
                       .x_maximum = maximum, .y_maximum = (double)largest};
    mmn_chart_grid_y(&chart, "neurons above the bar", 5, true);
    const double cut = selected > 0 && selected <= result->selected
                           ? result->entropy[selected - 1] : -1;
    for (size_t b = 0; b < BINS; b++) {
        const double left = from + (double)b * width, x = mmn_chart_x(&chart, left);
        const double y = mmn_chart_y(&chart, (double)bins[b]);
        if (bins[b] > 0)
            mmn_svg_rectangle(&svg, left <= cut ? "s0" : "other", x, y,
                              chart.width / BINS - 1, chart.top + chart.height - y);
        mmn_table_text(&figure->table, module->module.name);
        mmn_table_real(&figure->table, left);
        mmn_table_real(&figure->table, b + 1 < BINS ? from + (double)(b + 1) * width : maximum);
        mmn_table_integer(&figure->table, (int64_t)bins[b]);
        mmn_table_real(&figure->table, cut);
    }
    mmn_chart_axis_x(&chart, "entropy over domains (nats)", 6, false);
    if (cut >= 0)
        draw_cut(&chart, cut);
    mmn_figure_panel(figure, &svg, module->module.name);
}

void mmn_figure_entropy(mmn_figures *figures, const mmn_results *results)
{
    static const mmn_column columns[] = {{"module", 0}, {"from (nats)", 3}, {"to (nats)", 3},
                                         {"neurons", 0}, {"cut (nats)", 6}};
    const mmn_ranking *ranking = results->ranking;
    mmn_figure *figure = ranking ? mmn_figure_begin(figures, "entropy",
                                                    "Entropy over domains, and the cut", columns, 5)
                                 : NULL;
    if (!figure)
        return;
    mmn_text_add(&figure->words,
                 "Neurons whose activation probability is above the bar in some domain, by "
                 "the entropy of these probabilities over domains: at 0 a neuron is "
                 "active in one domain only, at the right end in all alike. The ranking "
                 "selects from the left up to the cut; ties at the cut go to lower "
                 "layers.");
    for (size_t m = 0; m < ranking->module_count; m++) {
        const mmn_listed_module *listed =
            mmn_neuron_lists_module(results->lists, ranking->modules[m].module.name);
        if (listed)
            draw_module(figure, &ranking->modules[m], listed->selected, ranking->domain_count);
    }
}
