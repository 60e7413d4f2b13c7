/* The figures of multi-modal neurons: for each word of an answer the neurons that add most to it,
 * with their maps; and what becomes of the words when neurons are disturbed. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "report/activation_map.h"
#include "report/chart.h"
#include "report/values.h"
#include "result/words.h"

/* Words in a report, maps of one, and what a word may have. */
enum { WORDS = 8, MAPS = 3, NEURONS = 10000, NAMES = 1000, DROPS = 16 };

enum { LEFT = 4, RIGHT = 56, TOP = 30, ROW = 32 };

/* ---- Neurons --------------------------------------------------------------------------------- */

typedef struct contributor {
    mmn_json_object object;
    uint32_t layer, neuron;
    double contribution, activation, score;
    json_t *names;
} contributor;

static mmn_status read_neuron(contributor *read, const mmn_json_object *word, json_t *array,
                              size_t index, mmn_error *error)
{
    *read = (contributor){0};
    mmn_status status = mmn_values_item(&read->object, word, "neurons", array, index, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&read->layer, &read->object, "layer", 0, UINT32_MAX, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&read->neuron, &read->object, "neuron", 0, UINT32_MAX, error);
    if (status == MMN_OK)
        status = mmn_values_number(&read->contribution, &read->object, "contribution", error);
    if (status == MMN_OK)
        status = mmn_values_number(&read->activation, &read->object, "activation", error);
    if (status == MMN_OK)
        status = mmn_values_number(&read->score, &read->object, "score", error);
    if (status == MMN_OK)
        status = mmn_values_array(&read->names, &read->object, "names", NAMES, error);
    return status;
}

/* The rows of a neuron, one for each word that it stands for; and these words behind `shown`. */
static mmn_status add_names(mmn_figure *figure, mmn_text *shown, const contributor *neuron,
                            mmn_error *error)
{
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < json_array_size(neuron->names) && status == MMN_OK; i++) {
        mmn_json_object item;
        int64_t id = 0;
        const char *text = "";
        double value = (double)NAN;
        status = mmn_values_item(&item, &neuron->object, "names", neuron->names, i, error);
        if (status == MMN_OK)
            status = mmn_json_get_i64(&id, &item, "id", 0, INT64_MAX, error);
        if (status == MMN_OK)
            status = mmn_values_text(&text, &item, "word", error);
        if (status == MMN_OK)
            status = mmn_values_number(&value, &item, "value", error);
        if (status != MMN_OK)
            return status;
        mmn_table_integer(&figure->table, neuron->layer);
        mmn_table_integer(&figure->table, neuron->neuron);
        mmn_table_real(&figure->table, neuron->contribution);
        mmn_table_real(&figure->table, neuron->activation);
        mmn_table_real(&figure->table, neuron->score);
        mmn_table_integer(&figure->table, (int64_t)i + 1);
        mmn_table_integer(&figure->table, id);
        mmn_table_word(&figure->table, text);
        mmn_table_real(&figure->table, value);
        char *word = mmn_word_shown(text, error);
        if (!word)
            return MMN_SYSTEM;
        mmn_text_add(shown, "%s %s", i == 0 ? ":" : "", word);
        mmn_free(word);
    }
    return status;
}

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

/* The rows of a neuron, and, of the first ones, its bar. */
static mmn_status draw_neuron(mmn_figure *figure, const mmn_chart *chart,
                              const contributor *neuron, size_t row, mmn_error *error)
{
    enum { DRAWN = 10 };
    mmn_text label = {0};
    char *text = NULL;
    mmn_text_add(&label, "layer %" PRIu32 ", neuron %" PRIu32, neuron->layer, neuron->neuron);
    mmn_status status = add_names(figure, &label, neuron, error);
    if (status == MMN_OK)
        status = mmn_text_finish(&label, &text, error);
    mmn_text_free(&label);
    if (status == MMN_OK && row < DRAWN) {
        draw_bar(chart, mmn_svg_series(0), row, text, neuron->contribution);
        chart->svg->height = TOP + ROW * (double)(row + 1) + 8;
    }
    mmn_free(text);
    return status;
}

/* The neurons come with the largest contribution first, which is the scale's. */
static mmn_status draw_bars(mmn_figure *figure, const mmn_json_object *word, json_t *array,
                            mmn_error *error)
{
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = TOP};
    mmn_chart chart = {.svg = &svg, .left = LEFT, .width = MMN_PANEL_WIDTH - LEFT - RIGHT,
                       .x_maximum = 1};
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < json_array_size(array) && status == MMN_OK; i++) {
        contributor neuron;
        status = read_neuron(&neuron, word, array, i, error);
        if (status == MMN_OK && i == 0 && neuron.contribution > 0)
            chart.x_maximum = neuron.contribution;
        if (status == MMN_OK)
            status = draw_neuron(figure, &chart, &neuron, i, error);
    }
    if (status == MMN_OK)
        return mmn_figure_panel(figure, &svg, "contributions", error);
    mmn_text_free(&svg.body);
    return status;
}

/* The maps of the first neurons. Why a picture is not shown is said once. */
static mmn_status draw_maps(mmn_figure *figure, const mmn_results *results,
                            const mmn_json_object *word, json_t *array, mmn_text *words,
                            mmn_error *error)
{
    const mmn_json_object *top = &results->of[MMN_RESULT_CONTRIBUTIONS].top;
    mmn_text unsaid = {0};
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < json_array_size(array) && i < MAPS && status == MMN_OK; i++) {
        contributor neuron;
        mmn_activation_map map = {0};
        status = read_neuron(&neuron, word, array, i, error);
        if (status == MMN_OK)
            status = mmn_activation_map_read(&map, &neuron.object, "activations", error);
        if (status == MMN_OK && map.object.value)
            status = mmn_activation_map_draw(figure, results, top, &map, i == 0 ? words : &unsaid,
                                             error);
        mmn_free(map.values);
    }
    mmn_text_free(&unsaid);
    return status;
}

static mmn_status add_word(mmn_figures *figures, const mmn_results *results,
                           const mmn_json_object *word, const char *text, size_t number,
                           mmn_error *error)
{
    static const mmn_column columns[] = {
        {"layer", 0}, {"neuron", 0}, {"contribution", 4}, {"activation", 4}, {"score", 4},
        {"rank", 0}, {"word's id", 0}, {"word", 0}, {"value", 4}};
    json_t *array;
    mmn_figure *figure;
    char name[32], title[160];
    mmn_text words = {0};
    mmn_status status = mmn_values_array(&array, word, "neurons", NEURONS, error);
    if (status != MMN_OK || json_array_size(array) == 0)
        return status;
    snprintf(name, sizeof(name), "contrib-%zu", number);
    snprintf(title, sizeof(title), "The neurons behind \"%.100s\"", text);
    mmn_text_add(&words, "The neurons of the language model that add most to the word: activation "
                         "where it is said, times how far the neuron points at it; with the words "
                         "that each points at most. Maps: activation at the patches of the "
                         "picture, the highest twentieth framed.");
    status = mmn_figure_begin(&figure, figures, name, title, columns, 9, error);
    if (status == MMN_OK)
        status = draw_bars(figure, word, array, error);
    if (status == MMN_OK)
        status = draw_maps(figure, results, word, array, &words, error);
    if (status == MMN_OK)
        status = mmn_figure_end(figure, &words, error);
    mmn_text_free(&words);
    return status;
}

/* A word of the answer. */
static mmn_status read_word(mmn_json_object *word, const char **text, mmn_results *results,
                            json_t *array, size_t index, mmn_error *error)
{
    mmn_status status = mmn_values_item(word, &results->of[MMN_RESULT_CONTRIBUTIONS].top, "words",
                                        array, index, error);
    return status == MMN_OK ? mmn_values_text(text, word, "text", error) : status;
}

mmn_status mmn_figure_contributions(mmn_figures *figures, mmn_results *results, mmn_error *error)
{
    json_t *array;
    mmn_status status = mmn_values_array(&array, &results->of[MMN_RESULT_CONTRIBUTIONS].top,
                                         "words", MMN_REPORT_ITEMS, error);
    for (size_t i = 0; i < json_array_size(array) && i < WORDS && status == MMN_OK; i++) {
        mmn_json_object word;
        const char *text;
        status = read_word(&word, &text, results, array, i, error);
        if (status == MMN_OK)
            status = add_word(figures, results, &word, text, i + 1, error);
    }
    return status;
}

/* ---- Disturbance ----------------------------------------------------------------------------- */

typedef struct fall {
    const char *how, *neurons;
    double mean, low, high;
} fall;

static mmn_status read_fall(fall *read, const mmn_json_object *word, json_t *array, size_t index,
                            mmn_error *error)
{
    mmn_json_object item;
    double *ends = NULL;
    *read = (fall){0};
    mmn_status status = mmn_values_item(&item, word, "drops", array, index, error);
    if (status == MMN_OK)
        status = mmn_values_text(&read->how, &item, "how", error);
    if (status == MMN_OK)
        status = mmn_values_text(&read->neurons, &item, "neurons", error);
    if (status == MMN_OK)
        status = mmn_values_number(&read->mean, &item, "mean", error);
    if (status == MMN_OK)
        status = mmn_values_read(&ends, NULL, &item, "interval", 2, 2, error);
    if (status != MMN_OK)
        return status;
    read->low = ends[0];
    read->high = ends[1];
    mmn_free(ends);
    return MMN_OK;
}

static void add_row(mmn_report_table *table, const char *word, const fall *row)
{
    mmn_table_text(table, word);
    mmn_table_text(table, row->how);
    mmn_table_text(table, row->neurons);
    mmn_table_real(table, row->mean);
    mmn_table_real(table, row->low);
    mmn_table_real(table, row->high);
}

/* The bars of one word, coloured for its own neurons and grey for random ones. */
static mmn_status draw_word(mmn_figure *figure, const mmn_json_object *word, const char *text,
                            json_t *array, mmn_error *error)
{
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    mmn_chart chart = {.svg = &svg, .left = LEFT, .width = MMN_PANEL_WIDTH - LEFT - RIGHT};
    fall rows[DROPS];
    size_t count = json_array_size(array);
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < count && status == MMN_OK; i++) {
        status = read_fall(&rows[i], word, array, i, error);
        if (status == MMN_OK && rows[i].mean > chart.x_maximum)
            chart.x_maximum = rows[i].mean;
    }
    if (status != MMN_OK)
        return status;
    if (!(chart.x_maximum > 0))
        chart.x_maximum = 1;
    for (size_t i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof(name), "%.20s: %.20s neurons", rows[i].how, rows[i].neurons);
        draw_bar(&chart, strcmp(rows[i].neurons, "random") == 0 ? "other" : mmn_svg_series(0), i,
                 name, rows[i].mean);
        add_row(&figure->table, text, &rows[i]);
    }
    svg.height = TOP + ROW * (double)count + 8;
    return mmn_figure_panel(figure, &svg, text, error);
}

mmn_status mmn_figure_disturbance(mmn_figures *figures, mmn_results *results, mmn_error *error)
{
    static const mmn_column columns[] = {{"word", 0}, {"how", 0}, {"neurons", 0},
                                         {"fall of ln p", 4}, {"95 % from", 4}, {"95 % to", 4}};
    mmn_figure *figure = NULL;
    json_t *array, *drops;
    mmn_text words = {0};
    mmn_status status = mmn_values_array(&array, &results->of[MMN_RESULT_CONTRIBUTIONS].top,
                                         "words", MMN_REPORT_ITEMS, error);
    for (size_t i = 0; i < json_array_size(array) && i < WORDS && status == MMN_OK; i++) {
        mmn_json_object word;
        const char *text;
        status = read_word(&word, &text, results, array, i, error);
        if (status == MMN_OK)
            status = mmn_values_array(&drops, &word, "drops", DROPS, error);
        if (status != MMN_OK || json_array_size(drops) == 0)
            continue;
        if (!figure)
            status = mmn_figure_begin(&figure, figures, "disturbance",
                                      "Words when their neurons are disturbed", columns, 6, error);
        if (status == MMN_OK)
            status = draw_word(figure, &word, text, drops, error);
    }
    if (status != MMN_OK || !figure)
        return status;
    mmn_text_add(&words, "By how much the logarithm of a word's probability falls when the neurons "
                         "that add most to it are switched off or disturbed by noise (coloured), "
                         "and when as many random ones of the same layers are (grey, mean over "
                         "seeds).");
    status = mmn_figure_end(figure, &words, error);
    mmn_text_free(&words);
    return status;
}
