/* The figures of the neurons of domains: how many each layer has, how many domains have in common,
 * how many domains a neuron has, and where the ranking cuts the distribution of entropies. */
#include <string.h>

#include "base/memory.h"
#include "count/neurons.h"
#include "page/figure.h"
#include "page/text.h"

/* ---- Neurons in each layer ------------------------------------------------------------------- */

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
static void draw_strip(const mmn_chart *chart, const mmn_listed_module *module,
                       const size_t *in_layer, const char *domain, size_t number, size_t total)
{
    mmn_svg *svg = chart->svg;
    const double right = chart->left + chart->width, bottom = chart->top + chart->height;
    const double slot = chart->width / module->layers;
    const double bar = slot > 24 ? 20 : slot > 3 ? slot - 1.5 : slot * 0.8;
    mmn_svg_text(svg, "strong", chart->left, chart->top - 7, MMN_ANCHOR_START, chart->width - 100,
                 domain);
    mmn_svg_number(svg, "soft", right, chart->top - 7, MMN_ANCHOR_END, (double)total, 0,
                   total == 1 ? " neuron" : " neurons");
    mmn_svg_line(svg, "grid", chart->left, chart->top, right, chart->top);
    mmn_svg_number(svg, "tick", chart->left - 5, chart->top + 5, MMN_ANCHOR_END, chart->y_maximum,
                   0, "");
    for (size_t layer = 0; layer < module->layers; layer++)
        mmn_chart_column(chart, mmn_svg_series(number),
                         chart->left + slot * ((double)layer + 0.5) - bar / 2, bar,
                         (double)in_layer[layer]);
    mmn_svg_line(svg, "axis", chart->left, bottom, right, bottom);
}

static void draw_domain(mmn_figure *figure, mmn_chart *chart, const mmn_results *results,
                        const mmn_listed_module *module, size_t domain)
{
    size_t in_layer[MMN_REPORT_LAYERS];
    const char *name = results->lists->domains[domain];
    chart->top = 22 + ROW * (double)domain + (ROW - BARS);
    count_layers(in_layer, module, &module->lists[domain], 0);
    draw_strip(chart, module, in_layer, name, mmn_results_domain(results, name),
               module->lists[domain].count);
    for (size_t layer = 0; layer < module->layers; layer++)
        MMN_CELLS(&figure->table, mmn_as_text(module->name), mmn_as_text(name), mmn_as_whole(layer),
                  mmn_as_whole(in_layer[layer]));
}

static mmn_status draw_layers(mmn_figure *figure, const mmn_results *results,
                              const mmn_listed_module *module)
{
    size_t in_layer[MMN_REPORT_LAYERS];
    const size_t domains = results->lists->domain_count;
    size_t largest = 1;
    for (size_t d = 0; d < domains; d++)
        largest = count_layers(in_layer, module, &module->lists[d], largest);
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = 22 + ROW * (double)domains + 36};
    mmn_chart chart = {.svg = &svg,
                       .left = 34,
                       .width = MMN_PANEL_WIDTH - 42,
                       .height = BARS,
                       .y_maximum = (double)largest};
    for (size_t d = 0; d < domains; d++)
        draw_domain(figure, &chart, results, module, d);
    /* Bars stand in the middle of their slots, so the axis' ends do too. */
    const double slot = chart.width / module->layers;
    chart.left += slot / 2;
    chart.width -= slot;
    chart.x_maximum = module->layers - 1;
    mmn_chart_axis_x(&chart, "layer", 8, true);
    return mmn_figure_panel(figure, &svg, module->name);
}

static mmn_status draw_neurons(mmn_figure *figure, const mmn_results *results, size_t row)
{
    (void)row;
    for (size_t m = 0; m < results->lists->module_count; m++) {
        const mmn_listed_module *module = &results->lists->modules[m];
        MMN_TRY(draw_layers(figure, results, module));
        mmn_text_add(&figure->words, " %s: %u selected of %u × %u", module->name, module->selected,
                     module->layers, module->neurons);
        if (module->inert > 0)
            mmn_text_add(&figure->words,
                         " (the last %zu layers are inert: the output does not depend on "
                         "them)",
                         module->inert);
        mmn_text_add(&figure->words, ".");
    }
    return MMN_OK;
}

/* ---- Neurons in common ----------------------------------------------------------------------- */

static mmn_status draw_common(mmn_figure *figure, const mmn_neurons *lists,
                              const mmn_listed_module *module)
{
    const size_t count = lists->domain_count;
    mmn_svg svg = {0};
    mmn_heat_table table = {.svg = &svg,
                            .rows = count,
                            .columns = count,
                            .cell_width = 34,
                            .cell_height = 30,
                            .slanted = true};
    double room = 0;
    for (size_t a = 0; a < count; a++)
        room = mmn_heat_table_room(room, lists->domains[a]);
    table.names = room;
    mmn_heat_table_begin(&table, "neurons of", "that also belong to", room);
    for (size_t a = 0; a < count; a++) {
        const mmn_neuron_list *row = &module->lists[a];
        mmn_heat_table_row(&table, a, lists->domains[a]);
        mmn_heat_table_column(&table, a, lists->domains[a]);
        for (size_t b = 0; b < count; b++) {
            const size_t common = mmn_neuron_list_common(row, &module->lists[b]);
            const double share = row->count > 0 ? (double)common / (double)row->count : 0;
            mmn_heat_table_number(&table, a, b, share, (double)common, 0);
            MMN_CELLS(&figure->table, mmn_as_text(module->name), mmn_as_text(lists->domains[a]),
                      mmn_as_text(lists->domains[b]), mmn_as_whole(common), mmn_as_real(share));
        }
    }
    return mmn_figure_panel(figure, &svg, module->name);
}

static mmn_status draw_overlap(mmn_figure *figure, const mmn_results *results, size_t row)
{
    (void)row;
    for (size_t m = 0; m < results->lists->module_count; m++)
        MMN_TRY(draw_common(figure, results->lists, &results->lists->modules[m]));
    return MMN_OK;
}

/* ---- Neurons by the number of their domains -------------------------------------------------- */

/* Neurons of 1, 2, ... domains: [MMN_REPORT_DOMAINS] of them. */
typedef struct by_domains {
    size_t chosen[MMN_REPORT_DOMAINS], others[MMN_REPORT_DOMAINS];
    const char *module;
    size_t domains;
    const char *of, *title; /* the names of the axes */
} by_domains;

/* A column for each number of domains: the chosen neurons, and the others above them. */
static mmn_status draw_by_domains(mmn_figure *figure, const by_domains *drawn)
{
    size_t largest = 1;
    for (size_t d = 0; d < drawn->domains; d++)
        if (drawn->chosen[d] + drawn->others[d] > largest)
            largest = drawn->chosen[d] + drawn->others[d];
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = 242};
    mmn_chart chart = {.svg = &svg,
                       .left = 44,
                       .top = 62,
                       .headroom = 16,
                       .width = MMN_PANEL_WIDTH - 56,
                       .height = 138,
                       .x_minimum = 1,
                       .x_maximum = (double)drawn->domains,
                       .y_maximum = (double)largest};
    mmn_chart_make_room(&chart, 5, true);
    mmn_chart_grid_y(&chart, drawn->title, 5, true);
    const double slot = chart.width / (double)drawn->domains, bar = slot > 48 ? 40 : slot * 0.8;
    for (size_t d = 0; d < drawn->domains; d++) {
        const double x = chart.left + slot * ((double)d + 0.5), left = x - bar / 2;
        const size_t all = drawn->chosen[d] + drawn->others[d];
        mmn_chart_column(&chart, "other", left, bar, (double)all);
        mmn_chart_column(&chart, "s0", left, bar, (double)drawn->chosen[d]);
        if (slot > 24)
            mmn_svg_number(&svg, "tick", x, mmn_chart_y(&chart, (double)all) - 4, MMN_ANCHOR_MIDDLE,
                           (double)all, 0, "");
    }
    /* As the bars stand in the middle of their slots. */
    chart.left += slot / 2;
    chart.width -= slot;
    mmn_chart_axis_x(&chart, drawn->of, 8, true);
    return mmn_figure_panel(figure, &svg, drawn->module);
}

static mmn_status draw_shared(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const mmn_neurons *lists = results->lists;
    (void)row;
    for (size_t m = 0; m < lists->module_count; m++) {
        const mmn_listed_module *module = &lists->modules[m];
        by_domains drawn = {.module = module->name,
                            .domains = lists->domain_count,
                            .of = "domains",
                            .title = "neurons"};
        size_t belonging = 0;
        mmn_neurons_by_domains(drawn.chosen, module, lists->domain_count);
        for (size_t d = 0; d < lists->domain_count; d++)
            belonging += drawn.chosen[d];
        for (size_t d = 0; d < lists->domain_count; d++)
            MMN_CELLS(&figure->table, mmn_as_text(module->name), mmn_as_whole(d + 1),
                      mmn_as_whole(drawn.chosen[d]),
                      mmn_as_real(belonging > 0 ? (double)drawn.chosen[d] / (double)belonging : 0));
        if (module->selected > belonging)
            mmn_text_add(&figure->words, " %s: %zu selected neurons belong to none.", module->name,
                         module->selected - belonging);
        MMN_TRY(draw_by_domains(figure, &drawn));
    }
    return MMN_OK;
}

static mmn_status draw_effective(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const mmn_neurons *ranking = results->ranking;
    (void)row;
    for (size_t m = 0; m < ranking->module_count; m++) {
        const mmn_listed_module *module = &ranking->modules[m];
        const mmn_listed_module *listed = mmn_neurons_find_module(results->lists, module->name);
        by_domains drawn = {.module = module->name,
                            .domains = ranking->domain_count,
                            .of = "domains, exp(entropy)",
                            .title = "neurons above the bar"};
        if (!listed)
            continue;
        for (size_t i = 0; i < module->result.selected; i++) {
            const double entropy = module->result.entropy[i];
            size_t *counts = i < listed->selected ? drawn.chosen : drawn.others;
            counts[mmn_rank_active_domains(entropy, drawn.domains) - 1]++;
        }
        for (size_t d = 0; d < drawn.domains; d++)
            MMN_CELLS(&figure->table, mmn_as_text(module->name), mmn_as_whole(d + 1),
                      mmn_as_whole(drawn.chosen[d] + drawn.others[d]),
                      mmn_as_whole(drawn.chosen[d]));
        MMN_TRY(draw_by_domains(figure, &drawn));
    }
    return MMN_OK;
}

/* ---- Entropies ------------------------------------------------------------------------------- */

enum { BINS = 40 };

/* Counts the entropies of all neurons above the bar in bins of equal width from the lowest of them
 * to ln(domains), which is the most that an entropy can be; the largest bin, at least 1. */
static size_t fill_bins(size_t bins[BINS], const mmn_rank_result *result, double from, double width)
{
    size_t largest = 1;
    for (size_t i = 0; i < result->selected; i++) {
        const double place = width > 0 ? (result->entropy[i] - from) / width : 0;
        const size_t bin = place < BINS ? (size_t)place : BINS - 1;
        bins[bin]++;
        largest = bins[bin] > largest ? bins[bin] : largest;
    }
    return largest;
}

static void draw_cut(const mmn_chart *chart, double cut)
{
    const double x = mmn_chart_x(chart, cut);
    mmn_text words = {0};
    mmn_text_add(&words, "cut at ");
    mmn_number_fixed(&words, cut, 3);
    mmn_svg_line(chart->svg, "cut", x, chart->top - 16, x, chart->top + chart->height);
    mmn_svg_centred(chart->svg, "strong", x, chart->top - 20, words.text ? words.text : "");
    chart->svg->body.failed |= words.failed;
    mmn_text_free(&words);
}

static mmn_status draw_entropies(mmn_figure *figure, const mmn_listed_module *module,
                                 uint32_t selected, size_t domains)
{
    const mmn_rank_result *result = &module->result;
    const double maximum = mmn_rank_highest_entropy(domains);
    const bool below = result->selected > 0 && result->entropy[0] < maximum;
    const double from = below ? result->entropy[0] : 0, width = (maximum - from) / BINS;
    const double cut = selected > 0 && selected <= result->selected ? result->entropy[selected - 1]
                                                                    : -1;
    size_t bins[BINS] = {0};
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = 256};
    mmn_chart chart = {.svg = &svg,
                       .left = 44,
                       .top = 78,
                       .headroom = 32,
                       .width = MMN_PANEL_WIDTH - 56,
                       .height = 138,
                       .x_minimum = from,
                       .x_maximum = maximum,
                       .y_maximum = (double)fill_bins(bins, result, from, width)};
    mmn_chart_make_room(&chart, 5, true);
    mmn_chart_grid_y(&chart, "neurons above the bar", 5, true);
    for (size_t b = 0; b < BINS; b++) {
        const double left = from + (double)b * width;
        mmn_chart_column(&chart, left <= cut ? "s0" : "other", mmn_chart_x(&chart, left),
                         chart.width / BINS - 1, (double)bins[b]);
        MMN_CELLS(&figure->table, mmn_as_text(module->name), mmn_as_real(left),
                  mmn_as_real(b + 1 < BINS ? from + (double)(b + 1) * width : maximum),
                  mmn_as_whole(bins[b]), mmn_as_real(cut));
    }
    mmn_chart_axis_x(&chart, "entropy (nats)", 6, false);
    if (cut >= 0)
        draw_cut(&chart, cut);
    return mmn_figure_panel(figure, &svg, module->name);
}

static mmn_status draw_entropy(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const mmn_neurons *ranking = results->ranking;
    const bool cuts = results->lists->selection == MMN_SELECT_ENTROPY;
    (void)row;
    for (size_t m = 0; m < ranking->module_count && cuts; m++) {
        const mmn_listed_module *module = &ranking->modules[m];
        const mmn_listed_module *listed = mmn_neurons_find_module(results->lists, module->name);
        if (listed)
            MMN_TRY(draw_entropies(figure, module, listed->selected, ranking->domain_count));
    }
    return MMN_OK;
}

const mmn_figure_form mmn_neuron_figures[] = {
    {.name = "neurons",
     .title = "Domain neurons in each layer",
     .kind = MMN_RESULT_NEURONS,
     .words = "How many neurons of each layer belong to a domain. The bars of a module share one "
              "scale, whose end is written at the left.",
     .columns = MMN_FIGURE_COLUMNS({"module", 0, NULL}, {"domain", 0, NULL}, {"layer", 0, NULL},
                                   {"neurons", 0, NULL}),
     .draw = draw_neurons},
    {.name = "overlap",
     .title = "Neurons that domains share",
     .kind = MMN_RESULT_NEURONS,
     .words = "How many neurons of one domain (rows) belong to another as well (columns); on the "
              "diagonal, all of its own. The shade is the share of the row's domain.",
     .columns = MMN_FIGURE_COLUMNS({"module", 0, NULL}, {"neurons of", 0, NULL},
                                   {"also of", 0, NULL}, {"neurons", 0, NULL},
                                   {"share of the first", 3, NULL}),
     .draw = draw_overlap},
    {.name = "shared",
     .title = "Neurons by the number of their domains",
     .kind = MMN_RESULT_NEURONS,
     .words = "How many of the selected neurons belong to one domain, to two, and so on up to all.",
     .columns = MMN_FIGURE_COLUMNS({"module", 0, NULL}, {"domains", 0, NULL}, {"neurons", 0, NULL},
                                   {"share", 4, NULL}),
     .draw = draw_shared},
    {.name = "effective",
     .title = "In how many domains neurons are active",
     .kind = MMN_RESULT_COUNTS,
     .words = "Neurons whose activation probability is above the bar in some domain, by exp(H), "
              "rounded, where H is the entropy of these probabilities over domains: N for a neuron "
              "that is as active in N domains and in no other. In colour: those that the ranking "
              "selects.",
     .columns = MMN_FIGURE_COLUMNS({"module", 0, NULL}, {"domains", 0, NULL}, {"neurons", 0, NULL},
                                   {"selected", 0, NULL}),
     .draw = draw_effective},
    {.name = "entropy",
     .title = "Entropy over domains, and the cut",
     .kind = MMN_RESULT_COUNTS,
     .words = "Neurons whose activation probability is above the bar in some domain, by the "
              "entropy of these probabilities over domains: at 0 a neuron is active in one domain "
              "only, at the right end in all alike. The ranking selects from the left up to the "
              "cut; ties at the cut go to lower layers.",
     .columns = MMN_FIGURE_COLUMNS({"module", 0, NULL}, {"from (nats)", 3, NULL},
                                   {"to (nats)", 3, NULL}, {"neurons", 0, NULL},
                                   {"cut (nats)", 6, NULL}),
     .draw = draw_entropy},
    {0}};
