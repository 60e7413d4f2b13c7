/* The figures of single samples: the patches' activation of a neuron, and the lens' top words at
 * each position after each layer. */
#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"
#include "report/activation_map.h"
#include "report/figure.h"
#include "report/heat_table.h"
#include "report/sample_pictures.h"
#include "report/values.h"
#include "result/words.h"

/* Samples in a report, positions of one in the figure (the table has all), and words. */
enum { SAMPLES = 16, POSITIONS = 24, TOP_WORDS = 100 };

/* ---- Activation over the picture ------------------------------------------------------------- */

static mmn_status add_activation(mmn_figures *figures, const mmn_results *results,
                                 const mmn_json_object *sample, const char *id, size_t number,
                                 mmn_error *error)
{
    static const mmn_column columns[] = {{"row", 0}, {"column", 0}, {"activation", 4}};
    mmn_activation_map map;
    mmn_figure *figure;
    char name[32], title[160];
    mmn_status status = mmn_activation_map_read(&map, sample, "activation", error);
    if (status != MMN_OK || !map.object.value)
        return status;
    snprintf(name, sizeof(name), "activation-%zu", number);
    snprintf(title, sizeof(title), "Where a neuron is active in sample %.100s", id);
    mmn_text words = {0};
    mmn_text_add(&words, "Activation of one neuron at each patch of the picture; patches where it "
                         "is not above 0 are left clear.");
    status = mmn_figure_begin(&figure, figures, name, title, columns, 3, error);
    if (status == MMN_OK)
        status = mmn_activation_map_draw(figure, results, sample, &map, &words, error);
    for (int64_t i = 0; status == MMN_OK && i < map.grid[0] * map.grid[1]; i++) {
        mmn_table_integer(&figure->table, i / map.grid[1]);
        mmn_table_integer(&figure->table, i % map.grid[1]);
        mmn_table_real(&figure->table, map.values[i]);
    }
    if (status == MMN_OK)
        status = mmn_figure_end(figure, &words, error);
    mmn_text_free(&words);
    mmn_free(map.values);
    return status;
}

/* ---- Top words ------------------------------------------------------------------------------- */

/* One position of a sample. */
typedef struct position {
    int64_t number;
    const char *kind, *token;
    mmn_json_object object;
    json_t *layers;
} position;

static mmn_status read_position(position *read, const mmn_json_object *sample, json_t *array,
                                size_t index, mmn_error *error)
{
    read->number = 0;
    read->token = "";
    mmn_status status = mmn_values_item(&read->object, sample, "positions", array, index, error);
    if (status == MMN_OK)
        status = mmn_json_get_i64(&read->number, &read->object, "position", 0, INT64_MAX, error);
    if (status == MMN_OK)
        status = mmn_values_text(&read->kind, &read->object, "kind", error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&read->token, &read->object, "token", error);
    if (status == MMN_OK)
        status = mmn_values_array(&read->layers, &read->object, "layers", MMN_REPORT_LAYERS,
                                  error);
    return status;
}

/* One of the words that the lens reads after a layer. */
typedef struct word {
    int64_t id;
    const char *text;
    double share;
} word;

static mmn_status read_word(word *read, const mmn_json_object *layer, json_t *top, size_t index,
                            mmn_error *error)
{
    mmn_json_object item;
    read->id = 0;
    mmn_status status = mmn_values_item(&item, layer, "top", top, index, error);
    if (status == MMN_OK)
        status = mmn_json_get_i64(&read->id, &item, "id", 0, INT64_MAX, error);
    if (status == MMN_OK)
        status = mmn_values_text(&read->text, &item, "word", error);
    return status == MMN_OK ? mmn_values_number(&read->share, &item, "p", error) : status;
}

/* One layer at one position: its words as rows, and the first of them in the heat table. */
static mmn_status add_layer(mmn_figure *figure, const mmn_heat_table *cells, mmn_svg *svg,
                            const position *at, size_t column, size_t layer, mmn_error *error)
{
    mmn_json_object item;
    double entropy;
    json_t *top;
    mmn_status status = mmn_values_item(&item, &at->object, "layers", at->layers, layer, error);
    if (status == MMN_OK)
        status = mmn_values_number(&entropy, &item, "entropy", error);
    if (status == MMN_OK)
        status = mmn_values_array(&top, &item, "top", TOP_WORDS, error);
    for (size_t i = 0; status == MMN_OK && i < json_array_size(top); i++) {
        word read;
        status = read_word(&read, &item, top, i, error);
        if (status != MMN_OK)
            break;
        if (i == 0 && column < cells->columns)
            mmn_heat_table_word(cells, svg, cells->rows - 1 - layer, column, read.share, read.text);
        mmn_table_integer(&figure->table, at->number);
        mmn_table_text(&figure->table, at->kind);
        mmn_table_word(&figure->table, at->token);
        mmn_table_integer(&figure->table, (int64_t)layer);
        mmn_table_real(&figure->table, entropy);
        mmn_table_integer(&figure->table, (int64_t)i + 1);
        mmn_table_integer(&figure->table, read.id);
        mmn_table_word(&figure->table, read.text);
        mmn_table_real(&figure->table, read.share);
    }
    return status;
}

/* The kind of a position and its token above a column: "image 17", "text Which". */
static void name_column(const mmn_heat_table *cells, mmn_svg *svg, const position *at,
                        size_t column)
{
    const double middle = cells->left + cells->cell_width * ((double)column + 0.5);
    char *token = mmn_word_shown(at->token, NULL);
    mmn_svg_number(svg, "tick", middle, cells->top - 21, MMN_ANCHOR_MIDDLE, (double)at->number, 0,
                   "");
    if (token)
        mmn_heat_table_column(cells, svg, column, *token != '\0' ? token : at->kind);
    else
        svg->body.failed = true;
    mmn_free(token);
}

static mmn_status draw_words(mmn_figure *figure, const mmn_json_object *sample, json_t *array,
                             mmn_error *error)
{
    mmn_svg svg = {0};
    mmn_heat_table cells = {.columns = json_array_size(array), .cell_width = 68,
                            .cell_height = 22};
    mmn_status status = MMN_OK;
    position at;
    for (size_t p = 0; p < json_array_size(array) && status == MMN_OK; p++) {
        status = read_position(&at, sample, array, p, error);
        if (status == MMN_OK && json_array_size(at.layers) > cells.rows)
            cells.rows = json_array_size(at.layers);
    }
    if (cells.columns > POSITIONS)
        cells.columns = POSITIONS;
    mmn_heat_table_begin(&cells, &svg, "layer", "position and its token", 5);
    for (size_t layer = 0; layer < cells.rows; layer++) {
        char name[24];
        snprintf(name, sizeof(name), "%zu", layer);
        mmn_heat_table_row(&cells, &svg, cells.rows - 1 - layer, name);
    }
    for (size_t p = 0; p < json_array_size(array) && status == MMN_OK; p++) {
        status = read_position(&at, sample, array, p, error);
        if (status == MMN_OK && p < cells.columns)
            name_column(&cells, &svg, &at, p);
        for (size_t l = 0; status == MMN_OK && l < json_array_size(at.layers); l++)
            status = add_layer(figure, &cells, &svg, &at, p, l, error);
    }
    if (status == MMN_OK)
        return mmn_figure_panel(figure, &svg, "top words", error);
    mmn_text_free(&svg.body);
    return status;
}

static mmn_status draw_picture(mmn_figure *figure, const mmn_results *results,
                               const mmn_json_object *sample, mmn_text *words, mmn_error *error)
{
    enum { TOP = 30 };
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    bool drawn;
    double height = 0;
    mmn_status status = mmn_sample_pictures(&drawn, &height, &svg, TOP, results, sample, words,
                                            error);
    svg.height = TOP + height;
    if (status == MMN_OK && drawn)
        return mmn_figure_panel(figure, &svg, "picture", error);
    mmn_text_free(&svg.body);
    return status;
}

static mmn_status add_words(mmn_figures *figures, const mmn_results *results,
                            const mmn_json_object *sample, const char *id, size_t number,
                            mmn_error *error)
{
    static const mmn_column columns[] = {
        {"position", 0}, {"kind", 0}, {"token", 0}, {"layer", 0}, {"entropy (nats)", 4},
        {"rank", 0}, {"word's id", 0}, {"word", 0}, {"probability", 4}};
    const char *domain = "";
    json_t *array;
    mmn_figure *figure;
    char name[32], title[160];
    mmn_status status = mmn_values_array(&array, sample, "positions", MMN_REPORT_ITEMS, error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&domain, sample, "domain", error);
    if (status != MMN_OK || json_array_size(array) == 0)
        return status;
    snprintf(name, sizeof(name), "words-%zu", number);
    snprintf(title, sizeof(title), "What each layer would say: sample %.100s", id);
    mmn_text words = {0};
    mmn_text_add(&words, "The likeliest word after each layer (last layer on top) at chosen "
                         "positions; the stronger the shade, the likelier. Domain: %s.", domain);
    if (json_array_size(array) > POSITIONS)
        mmn_text_add(&words, " The first %d of %zu positions are drawn; the table has all.",
                     POSITIONS, json_array_size(array));
    status = mmn_figure_begin(&figure, figures, name, title, columns, 9, error);
    if (status == MMN_OK)
        status = draw_picture(figure, results, sample, &words, error);
    if (status == MMN_OK)
        status = draw_words(figure, sample, array, error);
    if (status == MMN_OK)
        status = mmn_figure_end(figure, &words, error);
    mmn_text_free(&words);
    return status;
}

mmn_status mmn_figure_samples(mmn_figures *figures, mmn_results *results, mmn_error *error)
{
    const mmn_json_object *top = &results->of[MMN_RESULT_LENS].top;
    json_t *array;
    mmn_status status = mmn_values_array(&array, top, "samples", MMN_REPORT_ITEMS, error);
    for (size_t i = 0; i < json_array_size(array) && i < SAMPLES && status == MMN_OK; i++) {
        mmn_json_object sample;
        const char *id;
        status = mmn_values_item(&sample, top, "samples", array, i, error);
        if (status == MMN_OK)
            status = mmn_values_text(&id, &sample, "id", error);
        if (status == MMN_OK)
            status = add_words(figures, results, &sample, id, i + 1, error);
        if (status == MMN_OK)
            status = add_activation(figures, results, &sample, id, i + 1, error);
    }
    return status;
}
