/* The figures of single samples: the patches' activation of a neuron, and the lens' top words at
 * each position after each layer. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "page/activation_map.h"
#include "page/figure.h"
#include "page/heat_table.h"
#include "page/rows.h"
#include "page/sample_pictures.h"
#include "result/words.h"

/* Samples in a report, and positions of one in the figure; the table has all. */
enum { SAMPLES = 16, POSITIONS = 24 };

/* ---- Activation over the picture ------------------------------------------------------------- */

static void add_activation(mmn_figures *figures, const mmn_results *results, size_t sample)
{
    static const mmn_column columns[] = {{"row", 0}, {"column", 0}, {"activation", 4}};
    const mmn_result_file *file = &results->of[MMN_RESULT_LENS];
    const mmn_result *result = file->result;
    const mmn_activation_map map = {
        .module = mmn_result_text(result, "samples", sample, "module"),
        .layer = mmn_result_number(result, "samples", sample, "neuron_layer"),
        .neuron = mmn_result_number(result, "samples", sample, "neuron"),
        .grid_rows = mmn_result_number(result, "samples", sample, "grid_rows"),
        .grid_columns = mmn_result_number(result, "samples", sample, "grid_columns"),
        .table = "activation",
        .values = mmn_rows_below(result, "activation", "samples", sample),
        .bar = (double)NAN};
    char name[32], title[160];
    if (!map.module)
        return;
    snprintf(name, sizeof(name), "activation-%zu", sample + 1);
    snprintf(title, sizeof(title), "Where a neuron is active in sample %.100s",
             mmn_result_text(result, "samples", sample, "id"));
    mmn_figure *figure = mmn_figure_begin(figures, name, title, columns, 3);
    if (!figure)
        return;
    mmn_text_add(&figure->words,
                 "Activation of one neuron at each patch of the picture; patches where it "
                 "is not above 0 are left clear.");
    mmn_activation_map_draw(figure, results, file, &map,
                            mmn_rows_below(result, "images", "samples", sample), &figure->words);
    for (size_t row = map.values.first;
         row < map.values.end && figures->status == MMN_OK; row++) {
        const size_t width = (size_t)map.grid_columns;
        const size_t patch = row - map.values.first;
        mmn_table_integer(&figure->table, (int64_t)(patch / width));
        mmn_table_integer(&figure->table, (int64_t)(patch % width));
        mmn_table_real(&figure->table, mmn_result_number(result, "activation", row, "value"));
    }
}

/* ---- Top words ------------------------------------------------------------------------------- */

/* The kind of a position and its token above a column: "image 17", "text Which". */
static void name_column(const mmn_heat_table *cells, mmn_svg *svg, const mmn_result *result,
                        size_t position, size_t column)
{
    const double middle = cells->left + cells->cell_width * ((double)column + 0.5);
    const char *kind = mmn_result_text(result, "positions", position, "kind");
    const char *text = mmn_result_text(result, "positions", position, "token");
    char *token = mmn_word_shown(text ? text : "", NULL);
    mmn_svg_number(svg, "tick", middle, cells->top - 21, MMN_ANCHOR_MIDDLE,
                   mmn_result_number(result, "positions", position, "position"), 0, "");
    if (token)
        mmn_heat_table_column(cells, svg, column, *token != '\0' ? token : kind);
    else
        svg->body.failed = true;
    mmn_free(token);
}

/* The likeliest word after each of the layers. */
static void draw_column(const mmn_heat_table *cells, mmn_svg *svg, const mmn_result *result,
                        mmn_rows layers, size_t column)
{
    for (size_t row = layers.first; row < layers.end; row++) {
        const mmn_rows words = mmn_rows_below(result, "position_words", "position_layers", row);
        if (words.first < words.end)
            mmn_heat_table_word(cells, svg, cells->rows - 1 - (row - layers.first), column,
                                mmn_result_number(result, "position_words", words.first, "p"),
                                mmn_result_text(result, "position_words", words.first, "word"));
    }
}

static void draw_words(mmn_figure *figure, const mmn_result *result, mmn_rows positions)
{
    const size_t count = positions.end - positions.first;
    mmn_svg svg = {0};
    mmn_heat_table cells = {.columns = count < POSITIONS ? count : POSITIONS, .cell_width = 68,
                            .cell_height = 22};
    for (size_t at = positions.first; at < positions.end; at++) {
        const mmn_rows layers = mmn_rows_below(result, "position_layers", "positions", at);
        if (layers.end - layers.first > cells.rows)
            cells.rows = layers.end - layers.first;
    }
    mmn_heat_table_begin(&cells, &svg, "layer", "position and its token", 5);
    mmn_heat_table_layers(&cells, &svg);
    for (size_t column = 0; column < cells.columns; column++) {
        const size_t at = positions.first + column;
        name_column(&cells, &svg, result, at, column);
        draw_column(&cells, &svg, result,
                    mmn_rows_below(result, "position_layers", "positions", at), column);
    }
    mmn_figure_panel(figure, &svg, "top words");
}

static void draw_picture(mmn_figure *figure, const mmn_results *results, size_t sample)
{
    const mmn_result_file *file = &results->of[MMN_RESULT_LENS];
    enum { TOP = 30 };
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    bool drawn;
    double height = 0;
    figure->all->status = mmn_sample_pictures(
        &drawn, &height, &svg, TOP, results, file,
        mmn_rows_below(file->result, "images", "samples", sample), &figure->words,
        figure->all->error);
    svg.height = TOP + height;
    if (drawn)
        mmn_figure_panel(figure, &svg, "picture");
}

static void add_words(mmn_figures *figures, const mmn_results *results, size_t sample)
{
    static const mmn_column columns[] = {
        {"position", 0}, {"kind", 0}, {"token", 0}, {"layer", 0}, {"entropy (nats)", 4},
        {"rank", 0}, {"word's id", 0}, {"word", 0}, {"probability", 4}};
    static const char *const from[] = {"position", "kind", "\"token", "layer", "entropy",
                                       "#", "id", "\"word", "p"};
    const mmn_result *result = results->of[MMN_RESULT_LENS].result;
    const char *domain = mmn_result_text(result, "samples", sample, "domain");
    const mmn_rows positions = mmn_rows_below(result, "positions", "samples", sample);
    const size_t count = positions.end - positions.first;
    char name[32], title[160];
    if (count == 0)
        return;
    snprintf(name, sizeof(name), "words-%zu", sample + 1);
    snprintf(title, sizeof(title), "What each layer would say: sample %.100s",
             mmn_result_text(result, "samples", sample, "id"));
    mmn_figure *figure = mmn_figure_begin(figures, name, title, columns, 9);
    if (!figure)
        return;
    mmn_text_add(&figure->words,
                 "The likeliest word after each layer (last layer on top) at chosen "
                 "positions; the stronger the shade, the likelier. Domain: %s.",
                 domain ? domain : "");
    if (count > POSITIONS)
        mmn_text_add(&figure->words, " The first %d of %zu positions are drawn; the table has all.",
                     POSITIONS, count);
    mmn_rows_add(&figure->table, result, "position_words",
                 mmn_rows_below(result, "position_words", "samples", sample), from);
    draw_picture(figure, results, sample);
    draw_words(figure, result, positions);
}

void mmn_figure_samples(mmn_figures *figures, const mmn_results *results)
{
    const size_t samples = mmn_result_rows(results->of[MMN_RESULT_LENS].result, "samples");
    for (size_t sample = 0; sample < samples && sample < SAMPLES; sample++) {
        add_words(figures, results, sample);
        add_activation(figures, results, sample);
    }
}
