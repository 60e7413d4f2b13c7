/* The figures of multi-modal neurons: for each word of an answer the neurons that add most to it,
 * with their maps; and what becomes of the words when neurons are disturbed. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "page/activation_map.h"
#include "page/chart.h"
#include "page/rows.h"
#include "result/words.h"

/* Words in a report, and the bars and the maps of one. */
enum { WORDS = 8, BARS = 10, MAPS = 3 };

enum { LEFT = 4, RIGHT = 56, TOP = 30, ROW = 32 };

/* A bar below what it is, and its number in the column at the right. */
static void draw_bar(const mmn_chart *chart, const char *classes, size_t row, const char *name,
                     double value)
{
    const double y = TOP + ROW * (double)row;
    mmn_svg_text(chart->svg, "label", chart->left, y + 12, MMN_ANCHOR_START, 46, name);
    if (!isfinite(value))
        return;
    if (value > 0)
        mmn_svg_rectangle(chart->svg, classes, chart->left, y + 17,
                          mmn_chart_x(chart, value) - chart->left, 11);
    mmn_svg_number(chart->svg, "label", MMN_PANEL_WIDTH - 2, y + 27, MMN_ANCHOR_END, value, 3, "");
}

/* ---- Neurons --------------------------------------------------------------------------------- */

/* A neuron's place and the words that it stands for; free with mmn_free. NULL: memory is short. */
static char *name_neuron(const mmn_result *result, size_t neuron)
{
    char *name;
    const mmn_rows names = mmn_rows_below(result, "names", "neurons", neuron);
    mmn_text text = {0};
    mmn_text_add(&text, "layer %.0f, neuron %.0f",
                 mmn_result_number(result, "neurons", neuron, "layer"),
                 mmn_result_number(result, "neurons", neuron, "neuron"));
    for (size_t row = names.first; row < names.end; row++) {
        char *word = mmn_word_shown(mmn_result_text(result, "names", row, "word"), NULL);
        mmn_text_add(&text, "%s %s", row == names.first ? ":" : "", word ? word : "");
        text.failed |= !word;
        mmn_free(word);
    }
    return mmn_text_finish(&text, &name, NULL) == MMN_OK ? name : NULL;
}

/* The neurons come with the largest contribution first, which is the scale's. */
static void draw_bars(mmn_figure *figure, const mmn_result *result, mmn_rows neurons)
{
    const double largest = mmn_result_number(result, "neurons", neurons.first, "contribution");
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = TOP};
    mmn_chart chart = {.svg = &svg, .left = LEFT, .width = MMN_PANEL_WIDTH - LEFT - RIGHT,
                       .x_maximum = largest > 0 ? largest : 1};
    for (size_t bar = 0; bar < BARS && neurons.first + bar < neurons.end; bar++) {
        const size_t neuron = neurons.first + bar;
        char *name = name_neuron(result, neuron);
        svg.body.failed |= !name;
        draw_bar(&chart, mmn_svg_series(0), bar, name ? name : "",
                 mmn_result_number(result, "neurons", neuron, "contribution"));
        svg.height = TOP + ROW * (double)(bar + 1) + 8;
        mmn_free(name);
    }
    mmn_figure_panel(figure, &svg, "contributions");
}

/* The maps of the first neurons. Why a picture is not shown is said once. */
static void draw_maps(mmn_figure *figure, const mmn_results *results, mmn_rows neurons)
{
    const mmn_result_file *file = &results->of[MMN_RESULT_CONTRIBUTIONS];
    const mmn_result *result = file->result;
    const mmn_rows images = mmn_rows_all(result, "images");
    mmn_text unsaid = {0};
    for (size_t i = 0; i < MAPS && neurons.first + i < neurons.end; i++) {
        const size_t neuron = neurons.first + i;
        const mmn_activation_map map = {
            .module = "language",
            .layer = mmn_result_number(result, "neurons", neuron, "layer"),
            .neuron = mmn_result_number(result, "neurons", neuron, "neuron"),
            .grid_rows = mmn_result_number(result, "result", 0, "grid_rows"),
            .grid_columns = mmn_result_number(result, "result", 0, "grid_columns"),
            .table = "map",
            .values = mmn_rows_below(result, "map", "neurons", neuron),
            .bar = mmn_result_number(result, "neurons", neuron, "bar")};
        if (map.values.first < map.values.end)
            mmn_activation_map_draw(figure, results, file, &map, images,
                                    i == 0 ? &figure->words : &unsaid);
    }
    mmn_text_free(&unsaid);
}

static void add_word(mmn_figures *figures, const mmn_results *results, size_t word)
{
    static const mmn_column columns[] = {
        {"layer", 0}, {"neuron", 0}, {"contribution", 4}, {"activation", 4}, {"score", 4},
        {"rank", 0}, {"word's id", 0}, {"word", 0}, {"value", 4}};
    static const char *const from[] = {"layer", "neuron", "contribution", "activation", "score",
                                       "#", "id", "\"word", "value"};
    const mmn_result *result = results->of[MMN_RESULT_CONTRIBUTIONS].result;
    const mmn_rows neurons = mmn_rows_below(result, "neurons", "words", word);
    char name[32], title[160];
    if (neurons.first == neurons.end)
        return;
    snprintf(name, sizeof(name), "contrib-%zu", word + 1);
    snprintf(title, sizeof(title), "The neurons behind \"%.100s\"",
             mmn_result_text(result, "words", word, "text"));
    mmn_figure *figure = mmn_figure_begin(figures, name, title, columns, 9);
    if (!figure)
        return;
    mmn_text_add(&figure->words,
                 "The neurons of the language model that add most to the word: activation "
                 "where it is said, times how far the neuron points at it; with the words "
                 "that each points at most. Maps: activation at the patches of the "
                 "picture, the highest twentieth framed.");
    mmn_rows_add(&figure->table, result, "names",
                 mmn_rows_below(result, "names", "words", word), from);
    draw_bars(figure, result, neurons);
    draw_maps(figure, results, neurons);
}

/* How many words of the answer are shown. */
static size_t count_words(const mmn_result *result)
{
    const size_t words = mmn_result_rows(result, "words");
    return words < WORDS ? words : WORDS;
}

void mmn_figure_contributions(mmn_figures *figures, const mmn_results *results)
{
    const size_t words = count_words(results->of[MMN_RESULT_CONTRIBUTIONS].result);
    for (size_t word = 0; word < words; word++)
        add_word(figures, results, word);
}

/* ---- Disturbance ----------------------------------------------------------------------------- */

/* The bars of one word, coloured for its own neurons and grey for random ones. */
static void draw_word(mmn_figure *figure, const mmn_result *result, size_t word, mmn_rows drops)
{
    mmn_svg svg = {.width = MMN_PANEL_WIDTH,
                   .height = TOP + ROW * (double)(drops.end - drops.first) + 8};
    mmn_chart chart = {.svg = &svg, .left = LEFT, .width = MMN_PANEL_WIDTH - LEFT - RIGHT};
    for (size_t row = drops.first; row < drops.end; row++) {
        const double mean = mmn_result_number(result, "drops", row, "mean");
        chart.x_maximum = mmn_chart_maximum(chart.x_maximum, &mean, 1);
    }
    if (!(chart.x_maximum > 0))
        chart.x_maximum = 1;
    for (size_t row = drops.first; row < drops.end; row++) {
        const bool random = mmn_row_is(result, "drops", row, "neurons", "random");
        char name[64];
        snprintf(name, sizeof(name), "%.20s: %.20s neurons",
                 mmn_result_text(result, "drops", row, "how"),
                 mmn_result_text(result, "drops", row, "neurons"));
        draw_bar(&chart, random ? "other" : mmn_svg_series(0), row - drops.first, name,
                 mmn_result_number(result, "drops", row, "mean"));
    }
    mmn_figure_panel(figure, &svg, mmn_result_text(result, "words", word, "text"));
}

void mmn_figure_disturbance(mmn_figures *figures, const mmn_results *results)
{
    static const mmn_column columns[] = {{"word", 0}, {"how", 0}, {"neurons", 0},
                                         {"fall of ln p", 4}, {"95 % from", 4}, {"95 % to", 4}};
    static const char *const from[] = {"text", "how", "neurons", "mean", "low", "high"};
    const mmn_result *result = results->of[MMN_RESULT_CONTRIBUTIONS].result;
    const size_t shown = count_words(result);
    mmn_figure *figure = NULL;
    for (size_t word = 0; word < shown; word++) {
        const mmn_rows drops = mmn_rows_below(result, "drops", "words", word);
        if (drops.first == drops.end)
            continue;
        if (!figure)
            figure = mmn_figure_begin(figures, "disturbance",
                                      "Words when their neurons are disturbed", columns, 6);
        if (!figure)
            return;
        mmn_rows_add(&figure->table, result, "drops", drops, from);
        draw_word(figure, result, word, drops);
    }
    if (!figure)
        return;
    mmn_text_add(&figure->words,
                 "By how much the logarithm of a word's probability falls when the neurons "
                 "that add most to it are switched off or disturbed by noise (coloured), "
                 "and when as many random ones of the same layers are (grey, mean over "
                 "seeds).");
}
