/* The figure of the words that the lens reads most often after each layer, for each domain. */
#include <stdio.h>
#include <string.h>

#include "report/figure.h"
#include "report/heat_table.h"
#include "report/values.h"

enum { TOP_WORDS = 100 };

static const char *const kinds[] = {"image", "text"};

/* Finds the words of a curve's positions of one kind, an array for each layer; *layers is NULL
 * where there are none, or where the curve is not of the layers' outputs. */
static mmn_status find_words(json_t **layers, mmn_json_object *part, const char **domain,
                             const mmn_json_object *top, json_t *curves, size_t index,
                             const char *kind, mmn_error *error)
{
    mmn_json_object item;
    const char *stage;
    *layers = NULL;
    mmn_status status = mmn_values_item(&item, top, "curves", curves, index, error);
    if (status == MMN_OK)
        status = mmn_values_text(domain, &item, "domain", error);
    if (status == MMN_OK)
        status = mmn_values_text(&stage, &item, "stage", error);
    if (status == MMN_OK)
        status = mmn_json_get_object(part, &item, kind, error);
    if (status != MMN_OK || strcmp(stage, "out") != 0)
        return status;
    return mmn_values_array(layers, part, "top", MMN_REPORT_LAYERS, error);
}

/* One layer of a curve: its words as rows, and the first of them in the heat table. */
static mmn_status add_layer(mmn_figure *figure, const mmn_heat_table *cells, mmn_svg *svg,
                            const mmn_json_object *part, json_t *words, const char *domain,
                            const char *kind, size_t column, size_t layer, mmn_error *error)
{
    if (!json_is_array(words) || json_array_size(words) > TOP_WORDS)
        return mmn_json_fail(part, "top", error, "item %zu must be an array of at most %d words",
                             layer, TOP_WORDS);
    for (size_t i = 0; i < json_array_size(words); i++) {
        mmn_json_object item;
        const char *word;
        int64_t id = 0;
        double share;
        mmn_status status = mmn_values_item(&item, part, "top", words, i, error);
        if (status == MMN_OK)
            status = mmn_json_get_i64(&id, &item, "id", 0, INT64_MAX, error);
        if (status == MMN_OK)
            status = mmn_values_text(&word, &item, "word", error);
        if (status == MMN_OK)
            status = mmn_values_number(&share, &item, "share", error);
        if (status != MMN_OK)
            return status;
        if (i == 0)
            mmn_heat_table_word(cells, svg, cells->rows - 1 - layer, column, share, word);
        mmn_table_text(&figure->table, domain);
        mmn_table_text(&figure->table, kind);
        mmn_table_integer(&figure->table, (int64_t)layer);
        mmn_table_integer(&figure->table, (int64_t)i + 1);
        mmn_table_integer(&figure->table, id);
        mmn_table_word(&figure->table, word);
        mmn_table_real(&figure->table, share);
    }
    return MMN_OK;
}

/* How many rows and columns the table of one kind of positions has. */
static mmn_status measure(mmn_heat_table *cells, const mmn_json_object *top, json_t *curves,
                          const char *kind, mmn_error *error)
{
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < json_array_size(curves) && status == MMN_OK; i++) {
        mmn_json_object part;
        json_t *layers;
        const char *domain;
        status = find_words(&layers, &part, &domain, top, curves, i, kind, error);
        const size_t rows = status == MMN_OK ? json_array_size(layers) : 0;
        cells->columns += rows > 0;
        cells->rows = rows > cells->rows ? rows : cells->rows;
    }
    return status;
}

static mmn_status draw_kind(mmn_figure *figure, const mmn_json_object *top, json_t *curves,
                            const char *kind, mmn_error *error)
{
    mmn_svg svg = {0};
    mmn_heat_table cells = {.cell_width = 68, .cell_height = 22, .slanted = true};
    mmn_status status = measure(&cells, top, curves, kind, error);
    if (status != MMN_OK || cells.columns == 0)
        return status;
    mmn_heat_table_begin(&cells, &svg, "layer", "domain", 5);
    for (size_t layer = 0; layer < cells.rows; layer++) {
        char name[24];
        snprintf(name, sizeof(name), "%zu", layer);
        mmn_heat_table_row(&cells, &svg, cells.rows - 1 - layer, name);
    }
    for (size_t i = 0, column = 0; i < json_array_size(curves) && status == MMN_OK; i++) {
        mmn_json_object part;
        json_t *layers;
        const char *domain;
        status = find_words(&layers, &part, &domain, top, curves, i, kind, error);
        if (status != MMN_OK || json_array_size(layers) == 0)
            continue;
        mmn_heat_table_column(&cells, &svg, column, domain);
        for (size_t l = 0; l < json_array_size(layers) && status == MMN_OK; l++)
            status = add_layer(figure, &cells, &svg, &part, json_array_get(layers, l), domain,
                               kind, column, l, error);
        column++;
    }
    char title[32];
    snprintf(title, sizeof(title), "%s positions", kind);
    if (status == MMN_OK)
        return mmn_figure_panel(figure, &svg, title, error);
    mmn_text_free(&svg.body);
    return status;
}

mmn_status mmn_figure_common_words(mmn_figures *figures, mmn_results *results, mmn_error *error)
{
    static const mmn_column columns[] = {{"domain", 0}, {"positions", 0}, {"layer", 0}, {"rank", 0},
                                         {"word's id", 0}, {"word", 0}, {"share", 4}};
    const mmn_json_object *top = &results->of[MMN_RESULT_LENS].top;
    json_t *curves;
    mmn_figure *figure;
    mmn_heat_table sizes[2] = {{0}, {0}};
    mmn_status status = mmn_values_array(&curves, top, "curves", 4 * MMN_REPORT_DOMAINS, error);
    for (size_t k = 0; k < 2 && status == MMN_OK; k++)
        status = measure(&sizes[k], top, curves, kinds[k], error);
    if (status != MMN_OK || sizes[0].columns + sizes[1].columns == 0)
        return status;
    mmn_text words = {0};
    mmn_text_add(&words, "The word that the lens reads most often after each layer (last layer on "
                         "top) in each domain; the stronger the shade, the more often.");
    status = mmn_figure_begin(&figure, figures, "words", "The commonest words of each layer",
                              columns, 7, error);
    for (size_t k = 0; k < 2 && status == MMN_OK; k++)
        status = draw_kind(figure, top, curves, kinds[k], error);
    if (status == MMN_OK)
        status = mmn_figure_end(figure, &words, error);
    mmn_text_free(&words);
    return status;
}
