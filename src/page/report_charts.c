/* Reports as bar charts for a terminal. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "page/report.h"
#include "page/text.h"
#include "result/words.h"

enum { NAME = 18, BAR = 40 };

static const mmn_value *row_of(const mmn_figure *figure, size_t row)
{
    return &figure->table.cells[row * figure->table.column_count];
}

/* A run of rows with the same module and domain is the layers of one bar. */
static uint64_t sum_layers(const mmn_figure *figure, size_t *row)
{
    const mmn_value *first = row_of(figure, *row);
    uint64_t sum = 0;
    for (; *row < mmn_table_rows(&figure->table); ++*row) {
        const mmn_value *cell = row_of(figure, *row);
        if (strcmp(cell[0].given, first[0].given) != 0 ||
            strcmp(cell[1].given, first[1].given) != 0)
            break;
        sum += cell[3].whole;
    }
    return sum;
}

static void chart_neurons(mmn_text *text, const mmn_figure *figure, bool blocks)
{
    const size_t rows = figure ? mmn_table_rows(&figure->table) : 0;
    uint64_t largest = 1;
    const char *module = "";
    for (size_t row = 0; row < rows;) {
        const uint64_t sum = sum_layers(figure, &row);
        largest = sum > largest ? sum : largest;
    }
    if (rows > 0)
        mmn_text_add(text, "domain neurons\n");
    for (size_t row = 0; row < rows;) {
        const mmn_value *cell = row_of(figure, row);
        if (strcmp(cell[0].given, module) != 0)
            mmn_text_add(text, "  %s\n", module = cell[0].given);
        mmn_text_add(text, "    ");
        mmn_columns_left(text, cell[1].given, NAME);
        const uint64_t sum = sum_layers(figure, &row);
        mmn_text_add(text, "  %6" PRIu64 "  ", sum);
        mmn_bar_add(text, (double)sum / (double)largest, BAR, blocks);
        mmn_text_add(text, "\n");
    }
}

static void add_share(mmn_text *text, const char *name, const mmn_value *cell, bool blocks)
{
    if (cell->kind != MMN_VALUE_REAL)
        return;
    mmn_text number = {0};
    mmn_number_fixed(&number, cell->real * 100, 1);
    mmn_text_add(text, "    ");
    mmn_columns_left(text, name, NAME);
    mmn_text_add(text, "  %6s  ", number.text ? number.text : "");
    mmn_bar_add(text, cell->real, BAR, blocks);
    mmn_text_add(text, "\n");
    text->failed = text->failed || number.failed;
    mmn_text_free(&number);
}

static void chart_accuracy(mmn_text *text, const mmn_figure *figure, bool blocks)
{
    const size_t rows = figure ? mmn_table_rows(&figure->table) : 0;
    if (rows > 0)
        mmn_text_add(text, "accuracy (%%)\n");
    for (size_t row = 0; row < rows; row++) {
        const mmn_value *cell = row_of(figure, row);
        mmn_text_add(text, "  %s, %s\n", cell[1].given, cell[0].given);
        for (size_t c = 2; c < 5; c++)
            add_share(text, figure->table.columns[c].name, &cell[c], blocks);
    }
}

mmn_status mmn_report_charts(const mmn_report *report, int blocks, char **charts,
                             mmn_error *error)
{
    if (charts)
        *charts = NULL;
    if (MMN_MISSING(error, report, charts))
        return MMN_USAGE;
    mmn_text text = {0};
    chart_neurons(&text, mmn_report_find(report, "neurons"), blocks != 0);
    chart_accuracy(&text, mmn_report_find(report, "accuracy"), blocks != 0);
    return mmn_text_finish(&text, charts, error);
}
