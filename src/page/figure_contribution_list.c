/* The figures of multi-modal neurons over a list: what the neurons of words have in common, in
 * which layers they are, and what becomes of words when they are disturbed. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "page/figure_means.h"

enum { LEFT = 4, RIGHT = 56, TOP = 30, ROW = 48 };

static const mmn_result *result_of(const mmn_results *results)
{
    return results->of[MMN_RESULT_CONTRIBUTION_LIST].result;
}

/* ---- What neurons have in common ------------------------------------------------------------- */

/* A measure that is a share, the column that says of how many words it is, and that of random
 * neurons' share, or NULL. */
typedef struct measure {
    const char *column, *words, *title, *random;
} measure;

static const measure measures[] = {
    {"region", "region_words", "found with the image's positions permuted", NULL},
    {"across", "across_words", "in common between samples that say the word", NULL},
    {"shared", "shared_words", "of another word of the answer, too", NULL},
    {"named", "said", "that have the word among their names", "named_random"}};

/* The row of the same domain in the order of activation, or the number of rows. */
static size_t find_other(const mmn_result *result, size_t row)
{
    const char *domain = mmn_result_text(result, "summary", row, "domain");
    const size_t rows = mmn_result_rows(result, "summary");
    size_t other = 0;
    while (other < rows && !(mmn_row_is(result, "summary", other, "order", "activation") &&
                             mmn_row_is(result, "summary", other, "domain", domain)))
        other++;
    return other;
}

static void draw_share(const mmn_chart *chart, const mmn_result *result, size_t row,
                       const measure *drawn, const char *classes, double y)
{
    const double value = row < mmn_result_rows(result, "summary")
                             ? mmn_result_number(result, "summary", row, drawn->column)
                             : (double)NAN;
    if (!isfinite(value))
        return;
    if (value > 0)
        mmn_chart_bar(chart, classes, y, value);
    mmn_chart_bar_number(chart, y, value, 3);
}

/* Where random neurons' share lies, across both bars. */
static void draw_random(const mmn_chart *chart, const mmn_result *result, size_t row,
                        const char *column, double y)
{
    const double value = mmn_result_number(result, "summary", row, column);
    if (!isfinite(value))
        return;
    const double x = mmn_chart_x(chart, value);
    mmn_svg_line(chart->svg, "whisker", x, y, x, y + 2 * MMN_BAR + 2);
}

/* A domain: its name above the bar of the neurons by contribution and that of those by activation.
 */
static void draw_domain(const mmn_chart *chart, const mmn_results *results, size_t row,
                        const measure *drawn, size_t place)
{
    const mmn_result *result = result_of(results);
    const char *domain = mmn_result_text(result, "summary", row, "domain");
    const double y = TOP + ROW * (double)place;
    mmn_svg_text(chart->svg, "label", chart->left, y + 12, MMN_ANCHOR_START, MMN_PANEL_WIDTH - LEFT,
                 domain);
    draw_share(chart, result, row, drawn, mmn_svg_series(mmn_results_domain(results, domain)),
               y + 17);
    draw_share(chart, result, find_other(result, row), drawn, "other", y + 17 + MMN_BAR + 2);
    if (drawn->random)
        draw_random(chart, result, row, drawn->random, y + 17);
}

/* Whether the row is drawn: of a domain, in the first order. */
static bool is_drawn(const mmn_result *result, size_t row, const measure *drawn)
{
    return mmn_result_text(result, "summary", row, "domain") &&
           !mmn_row_is(result, "summary", row, "order", "activation") &&
           mmn_result_number(result, "summary", row, drawn->words) > 0;
}

static mmn_status draw_measure(mmn_figure *figure, const mmn_results *results, const measure *drawn)
{
    const mmn_result *result = result_of(results);
    size_t domains = 0, place = 0;
    for (size_t row = 0; row < mmn_result_rows(result, "summary"); row++)
        domains += is_drawn(result, row, drawn);
    if (domains == 0 || domains > MMN_REPORT_DOMAINS)
        return MMN_OK;
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = TOP + ROW * (double)domains + 8};
    const mmn_chart chart = {
        .svg = &svg, .left = LEFT, .width = MMN_PANEL_WIDTH - LEFT - RIGHT, .x_maximum = 1};
    for (size_t row = 0; row < mmn_result_rows(result, "summary"); row++)
        if (is_drawn(result, row, drawn))
            draw_domain(&chart, results, row, drawn, place++);
    return mmn_figure_panel(figure, &svg, drawn->title);
}

static mmn_status draw_measures(mmn_figure *figure, const mmn_results *results, size_t row)
{
    (void)row;
    for (size_t i = 0; i < MMN_LENGTH(measures); i++)
        MMN_TRY(draw_measure(figure, results, &measures[i]));
    return MMN_OK;
}

/* ---- Layers ---------------------------------------------------------------------------------- */

static void draw_order(const mmn_chart *chart, const mmn_result *result, const char *column,
                       const char *classes)
{
    mmn_svg_begin_line(chart->svg, classes);
    for (size_t row = 0; row < mmn_result_rows(result, "layers"); row++)
        mmn_svg_point(chart->svg, mmn_chart_x(chart, (double)row),
                      mmn_chart_y(chart, mmn_result_number(result, "layers", row, column)));
    mmn_svg_end_line(chart->svg);
}

static mmn_status draw_layers(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const mmn_result_file *file = &results->of[MMN_RESULT_CONTRIBUTION_LIST];
    const size_t layers = mmn_result_rows(file->result, "layers");
    double largest = 0;
    if (layers < 2)
        return MMN_OK;
    if (layers > MMN_REPORT_LAYERS)
        return mmn_fail(figure->error, MMN_INPUT, file->file, "layers",
                        "has %zu items; a report shows at most %d", layers, MMN_REPORT_LAYERS);
    for (row = 0; row < layers; row++) {
        largest = mmn_chart_maximum(largest,
                                    mmn_result_number(file->result, "layers", row, "contribution"));
        largest = mmn_chart_maximum(largest,
                                    mmn_result_number(file->result, "layers", row, "activation"));
    }
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = 240};
    const mmn_chart chart = {.svg = &svg,
                             .left = 40,
                             .top = 48,
                             .width = MMN_PANEL_WIDTH - 60,
                             .height = 150,
                             .x_maximum = (double)layers - 1,
                             .y_maximum = largest > 0 ? largest : 1};
    mmn_chart_grid_y(&chart, "share of the neurons", 5, false);
    mmn_chart_axis_x(&chart, "layer", 6, true);
    draw_order(&chart, file->result, "contribution", mmn_svg_series(0));
    draw_order(&chart, file->result, "activation", "dashed soft");
    return mmn_figure_panel(figure, &svg, "layers of the neurons");
}

/* ---- Disturbance ----------------------------------------------------------------------------- */

static mmn_status draw_drops(mmn_figure *figure, const mmn_results *results, size_t row)
{
    static const mmn_figure_means means = {"drops", NULL, "how", "neurons", " neurons"};
    (void)row;
    return mmn_figure_draw_means(figure, result_of(results), &means, "all words");
}

const mmn_figure_form mmn_contribution_list_figures[] = {
    {.name = "word-neurons",
     .title = "What the neurons of words have in common",
     .kind = MMN_RESULT_CONTRIBUTION_LIST,
     .words = "Of the first neurons of each word of the answers, the share that is found when the "
              "image's positions are permuted, in other samples that say the word, and for other "
              "words of the answer, and that have the word among their names: neurons chosen by "
              "what they add to the word (coloured), and by their activation alone (grey); a mark "
              "says how many random neurons have the word among their names.",
     .rows = "summary",
     .columns = MMN_FIGURE_COLUMNS(
         {"domain", 0, "domain"}, {"by", 0, "order"}, {"answers", 0, "answers"},
         {"words", 0, "said"}, {"image shuffled", 3, "region"}, {"other samples", 3, "across"},
         {"other words", 3, "shared"}, {"to the word", 4, "own"}, {"to any word", 4, "any"},
         {"named", 3, "named"}, {"random ones named", 3, "named_random"}),
     .draw = draw_measures},
    {.name = "word-layers",
     .title = "In which layers the neurons of words are",
     .kind = MMN_RESULT_CONTRIBUTION_LIST,
     .words = "The share of all words' neurons that each layer has: chosen by what they add to the "
              "word (solid), and by their activation alone (dashed).",
     .rows = "layers",
     .columns = MMN_FIGURE_COLUMNS({"layer", 0, "layer"}, {"by contribution", 4, "contribution"},
                                   {"by activation", 4, "activation"}),
     .draw = draw_layers},
    {.name = "word-disturbance",
     .title = "When neurons of words are disturbed",
     .kind = MMN_RESULT_CONTRIBUTION_LIST,
     .words = "By how much the logarithm of a word's probability falls when the neurons that add "
              "most to it are switched off or disturbed by noise (coloured), and when others are "
              "(grey), averaged over the words of a sample and over samples, with a 95 % interval "
              "over samples.",
     .rows = "drops",
     .columns = MMN_FIGURE_COLUMNS({"domain", 0, "domain"}, {"how", 0, "how"},
                                   {"neurons", 0, "neurons"}, {"fall of ln p", 4, "mean"},
                                   {"95 % from", 4, "low"}, {"95 % to", 4, "high"},
                                   {"samples", 0, "count"}, {"answers that change", 3, "changes"},
                                   {"words that stay", 3, "stays"}),
     .draw = draw_drops},
    {0}};
