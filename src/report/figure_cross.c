/* The figure of accuracy on every domain with every domain's neurons off. */
#include "base/memory.h"
#include "report/figure.h"
#include "report/heat_table.h"
#include "report/values.h"

/* One row: the neurons of domain `number` are off. */
static mmn_status draw_row(mmn_figure *figure, const mmn_heat_table *table, mmn_svg *svg,
                           const mmn_json_object *item, const json_t *domains, json_t *rows,
                           size_t number, const char *setting, mmn_error *error)
{
    const char *name = json_string_value(json_array_get(domains, number));
    /* Shown to the reader of numbers as an array under a key, which a row of a matrix is not. */
    json_t *wrapped = json_pack("{s:O}", "accuracy", json_array_get(rows, number));
    mmn_json_object row = *item;
    row.value = wrapped;
    double *values = NULL;
    mmn_status status = wrapped ? mmn_values_read(&values, NULL, &row, "accuracy", table->columns,
                                                  MMN_REPORT_DOMAINS, error)
                                : mmn_json_fail(item, "accuracy", error, "must be a matrix");
    json_decref(wrapped);
    if (status != MMN_OK)
        return status;
    mmn_heat_table_row(table, svg, number, name);
    for (size_t c = 0; c < table->columns; c++) {
        mmn_heat_table_number(table, svg, number, c, values[c], values[c] * 100, 1);
        mmn_table_text(&figure->table, setting);
        mmn_table_text(&figure->table, name);
        mmn_table_text(&figure->table, json_string_value(json_array_get(domains, c)));
        mmn_table_real(&figure->table, values[c]);
    }
    mmn_free(values);
    return MMN_OK;
}

static mmn_status draw_setting(mmn_figure *figure, const mmn_json_object *item, mmn_error *error)
{
    const char *setting;
    json_t *domains, *rows;
    mmn_status status = mmn_values_text(&setting, item, "setting", error);
    if (status == MMN_OK)
        status = mmn_values_array(&domains, item, "domains", MMN_REPORT_DOMAINS, error);
    if (status == MMN_OK)
        status = mmn_values_array(&rows, item, "accuracy", MMN_REPORT_DOMAINS, error);
    if (status != MMN_OK)
        return status;
    const size_t count = json_array_size(domains);
    if (json_array_size(rows) != count)
        return mmn_json_fail(item, "accuracy", error, "must have a row for each of %zu domains",
                             count);
    for (size_t d = 0; d < count; d++)
        if (!json_is_string(json_array_get(domains, d)))
            return mmn_json_fail(item, "domains", error, "item %zu must be a text", d);
    mmn_svg svg = {0};
    mmn_heat_table table = {.rows = count, .columns = count, .cell_width = 36, .cell_height = 30,
                            .slanted = true};
    mmn_heat_table_begin(&table, &svg, "neurons off", "domain answered (accuracy, %)", 14);
    for (size_t d = 0; d < count && status == MMN_OK; d++) {
        mmn_heat_table_column(&table, &svg, d, json_string_value(json_array_get(domains, d)));
        status = draw_row(figure, &table, &svg, item, domains, rows, d, setting, error);
    }
    if (status == MMN_OK)
        return mmn_figure_panel(figure, &svg, setting, error);
    mmn_text_free(&svg.body);
    return status;
}

mmn_status mmn_figure_cross(mmn_figures *figures, mmn_results *results, mmn_error *error)
{
    static const mmn_column columns[] = {{"setting", 0}, {"neurons of", 0}, {"domain answered", 0},
                                         {"accuracy", 4}};
    const mmn_json_object *top = &results->of[MMN_RESULT_EVAL].top;
    json_t *array;
    mmn_figure *figure;
    mmn_status status = mmn_values_array(&array, top, "cross", MMN_REPORT_DOMAINS, error);
    if (status != MMN_OK || json_array_size(array) == 0)
        return status;
    mmn_text words = {0};
    mmn_text_add(&words, "Accuracy in per cent on one domain (columns) while the neurons of "
                         "another are off (rows). Where domain neurons matter to their own domain "
                         "above all, the diagonal is shaded least.");
    status = mmn_figure_begin(&figure, figures, "cross",
                              "One domain's neurons off, another answered", columns, 4, error);
    for (size_t i = 0; i < json_array_size(array) && status == MMN_OK; i++) {
        mmn_json_object item;
        status = mmn_values_item(&item, top, "cross", array, i, error);
        if (status == MMN_OK)
            status = draw_setting(figure, &item, error);
    }
    if (status == MMN_OK)
        status = mmn_figure_end(figure, &words, error);
    mmn_text_free(&words);
    return status;
}
