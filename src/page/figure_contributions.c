/* The figures of multi-modal neurons: for each word of an answer the neurons that add most to it,
 * with their maps; and what becomes of the words when neurons are disturbed. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "page/map.h"
#include "result/words.h"

/* Words in a report, and the bars and the maps of one. */
enum { WORDS = 8, BARS = 10, MAPS = 3 };

enum { LEFT = 4, RIGHT = 56, TOP = 30, ROW = 32 };

/* A chart of so many bars from 0 to `maximum`, or 1. */
static mmn_chart begin_bars(mmn_svg *svg, size_t bars, double maximum)
{
    *svg = (mmn_svg){.width = MMN_PANEL_WIDTH, .height = TOP + ROW * (double)bars + 8};
    return (mmn_chart){.svg = svg,
                       .left = LEFT,
                       .width = MMN_PANEL_WIDTH - LEFT - RIGHT,
                       .x_maximum = maximum > 0 ? maximum : 1};
}

/* A bar below what it is, and its number in the column at the right. */
static void draw_bar(const mmn_chart *chart, const char *classes, size_t row, const char *name,
                     double value)
{
    const double y = TOP + ROW * (double)row;
    mmn_svg_text(chart->svg, "label", chart->left, y + 12, MMN_ANCHOR_START, MMN_PANEL_WIDTH - LEFT,
                 name);
    if (value > 0 && isfinite(value))
        mmn_chart_bar(chart, classes, y + 17, value);
    if (isfinite(value))
        mmn_chart_bar_number(chart, y + 17, value, 3);
}

/* ---- Neurons --------------------------------------------------------------------------------- */

/* A neuron's place and the words that it stands for. */
static mmn_text name_neuron(const mmn_result *result, size_t neuron)
{
    const mmn_rows names = mmn_rows_below(result, "names", "neurons", neuron);
    mmn_text name = {0};
    mmn_text_add(&name, "layer %.0f, neuron %.0f",
                 mmn_result_number(result, "neurons", neuron, "layer"),
                 mmn_result_number(result, "neurons", neuron, "neuron"));
    for (size_t row = names.first; row < names.end; row++) {
        char *word = mmn_word_shown(mmn_result_text(result, "names", row, "word"), NULL);
        mmn_text_add(&name, "%s %s", row == names.first ? ":" : "", word ? word : "");
        name.failed |= !word;
        mmn_free(word);
    }
    return name;
}

/* The neurons come with the largest contribution first, which is the scale's. */
static mmn_status draw_bars(mmn_figure *figure, const mmn_result *result, mmn_rows neurons)
{
    const size_t count = neurons.end - neurons.first, bars = count < BARS ? count : BARS;
    mmn_svg svg;
    const mmn_chart chart =
        begin_bars(&svg, bars, mmn_result_number(result, "neurons", neurons.first, "contribution"));
    for (size_t bar = 0; bar < bars; bar++) {
        const size_t neuron = neurons.first + bar;
        mmn_text name = name_neuron(result, neuron);
        draw_bar(&chart, mmn_svg_series(0), bar, name.text ? name.text : "",
                 mmn_result_number(result, "neurons", neuron, "contribution"));
        svg.body.failed |= name.failed;
        mmn_text_free(&name);
    }
    return mmn_figure_panel(figure, &svg, "contributions");
}

/* The maps of the first neurons. Why a picture is not shown is said once. */
static mmn_status draw_maps(mmn_figure *figure, const mmn_results *results, mmn_rows neurons,
                            mmn_text *unsaid)
{
    static const mmn_map_owner owner = {.layer = "layer", .neuron = "neuron"};
    const mmn_result_file *file = &results->of[MMN_RESULT_CONTRIBUTIONS];
    const mmn_result *result = file->result;
    const mmn_rows images = mmn_rows_all(result, "images");
    for (size_t i = 0; i < MAPS && neurons.first + i < neurons.end; i++) {
        const size_t neuron = neurons.first + i;
        const mmn_map map = {.module = "language",
                             .layer = mmn_result_number(result, "neurons", neuron, "layer"),
                             .neuron = mmn_result_number(result, "neurons", neuron, "neuron"),
                             .grid_rows = mmn_result_number(result, "result", 0, "grid_rows"),
                             .grid_columns = mmn_result_number(result, "result", 0, "grid_columns"),
                             .table = "map",
                             .values = mmn_rows_below(result, "map", "neurons", neuron),
                             .maximum = mmn_map_scale(result, "neurons", neuron, "map", &owner),
                             .bar = mmn_result_number(result, "neurons", neuron, "bar")};
        if (map.values.first < map.values.end)
            MMN_TRY(mmn_map_draw(figure, results, file, &map, images,
                                 i == 0 ? &figure->words : unsaid));
    }
    return MMN_OK;
}

static mmn_status draw_contributions(mmn_figure *figure, const mmn_results *results, size_t word)
{
    const mmn_result *result = results->of[MMN_RESULT_CONTRIBUTIONS].result;
    const mmn_rows neurons = mmn_rows_below(result, "neurons", "words", word);
    mmn_text unsaid = {0};
    if (neurons.first == neurons.end)
        return MMN_OK;
    MMN_TRY(draw_bars(figure, result, neurons));
    mmn_status status = draw_maps(figure, results, neurons, &unsaid);
    mmn_text_free(&unsaid);
    return status;
}

/* ---- Disturbance ----------------------------------------------------------------------------- */

/* The bars of one word, coloured for its own neurons and grey for random ones. */
static mmn_status draw_drops(mmn_figure *figure, const mmn_result *result, size_t word,
                             mmn_rows drops)
{
    double largest = 0;
    mmn_svg svg;
    for (size_t row = drops.first; row < drops.end; row++)
        largest = mmn_chart_maximum(largest, mmn_result_number(result, "drops", row, "mean"));
    const mmn_chart chart = begin_bars(&svg, drops.end - drops.first, largest);
    for (size_t row = drops.first; row < drops.end; row++) {
        const bool random = mmn_row_is(result, "drops", row, "neurons", "random");
        char name[64];
        snprintf(name, sizeof(name), "%.20s: %.20s neurons",
                 mmn_result_text(result, "drops", row, "how"),
                 mmn_result_text(result, "drops", row, "neurons"));
        draw_bar(&chart, random ? "other" : mmn_svg_series(0), row - drops.first, name,
                 mmn_result_number(result, "drops", row, "mean"));
    }
    return mmn_figure_panel(figure, &svg, mmn_result_text(result, "words", word, "text"));
}

static mmn_status draw_disturbance(mmn_figure *figure, const mmn_results *results, size_t word)
{
    const mmn_result *result = results->of[MMN_RESULT_CONTRIBUTIONS].result;
    for (word = 0; word < WORDS && word < mmn_result_rows(result, "words"); word++) {
        const mmn_rows drops = mmn_rows_below(result, "drops", "words", word);
        mmn_rows_add(&figure->table, result, "drops", drops);
        if (drops.first < drops.end)
            MMN_TRY(draw_drops(figure, result, word, drops));
    }
    return MMN_OK;
}

const mmn_figure_form mmn_contribution_figures[] = {
    {.name = "contrib",
     .title = "The neurons behind \"",
     .kind = MMN_RESULT_CONTRIBUTIONS,
     .each = "words",
     .most = WORDS,
     .named_by = "text",
     .title_end = "\"",
     .words =
         "The neurons of the language model that add most to the word: activation where it "
         "is said, times how far the neuron points at it; with the words that each points at "
         "most. Maps: activation at the patches of the picture, the highest twentieth framed; a "
         "neuron has one scale behind all words.",
     .rows = "names",
     .columns = MMN_FIGURE_COLUMNS(
         {"layer", 0, "layer"}, {"neuron", 0, "neuron"}, {"contribution", 4, "contribution"},
         {"activation", 4, "activation"}, {"score", 4, "score"}, {"rank", 0, "#"},
         {"word's id", 0, "id"}, {"word", 0, "\"word"}, {"value", 4, "value"}),
     .draw = draw_contributions},
    {.name = "disturbance",
     .title = "Words when their neurons are disturbed",
     .kind = MMN_RESULT_CONTRIBUTIONS,
     .words = "By how much the logarithm of a word's probability falls when the neurons that add "
              "most to it are switched off or disturbed by noise (coloured), and when as many "
              "random ones of the same layers are (grey, mean over seeds).",
     .columns = MMN_FIGURE_COLUMNS({"word", 0, "text"}, {"how", 0, "how"},
                                   {"neurons", 0, "neurons"}, {"fall of ln p", 4, "mean"},
                                   {"95 % from", 4, "low"}, {"95 % to", 4, "high"}),
     .draw = draw_disturbance},
    {0}};
