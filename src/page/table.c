/* The numbers of a figure as a table with one observation a row, its forms as text, and the rows of
 * results' tables that go into it. */
#include "page/table.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "page/text.h"
#include "result/words.h"

mmn_report_table mmn_table_begin(const mmn_column *columns)
{
    mmn_report_table table = {.columns = columns};
    while (columns[table.column_count].name)
        table.column_count++;
    return table;
}

void mmn_table_add(mmn_report_table *table, const mmn_value *cells, size_t count)
{
    table->failed |= MMN_RESERVE(table->cells, table->capacity, table->count + count, NULL) !=
                     MMN_OK;
    for (size_t i = 0; i < count && !table->failed; i++)
        table->cells[table->count++] = cells[i].kind == MMN_VALUE_REAL && !isfinite(cells[i].real)
                                           ? mmn_as_nothing()
                                           : cells[i];
}

size_t mmn_table_rows(const mmn_report_table *table)
{
    return table->column_count > 0 ? table->count / table->column_count : 0;
}

void mmn_table_free(mmn_report_table *table)
{
    mmn_free(table->cells);
    *table = (mmn_report_table){0};
}

/* Adds a cell for people: a text or a word as `add` writes it, a rounded number. */
static void add_cell(mmn_text *text, const mmn_value *cell, const mmn_column *column,
                     void (*add)(mmn_text *text, const char *utf8))
{
    if (cell->kind == MMN_VALUE_WHOLE) {
        mmn_text_add(text, "%" PRIu64, cell->whole);
    } else if (cell->kind == MMN_VALUE_REAL) {
        mmn_number_fixed(text, cell->real, column->decimals);
    } else if (cell->kind == MMN_VALUE_TEXT && column->from && *column->from == '"') {
        char *shown = mmn_word_shown(cell->given, NULL);
        add(text, shown ? shown : "");
        text->failed |= !shown;
        mmn_free(shown);
    } else if (cell->kind == MMN_VALUE_TEXT) {
        add(text, cell->given);
    }
}

void mmn_table_csv(mmn_text *text, const mmn_report_table *table)
{
    for (size_t c = 0; c < table->column_count; c++) {
        mmn_text_add(text, "%s", c > 0 ? "," : "");
        mmn_markup_add_csv(text, table->columns[c].name);
    }
    mmn_text_add(text, "\n");
    for (size_t i = 0; i < table->count; i++) {
        const mmn_value *cell = &table->cells[i];
        if (cell->kind == MMN_VALUE_TEXT)
            mmn_markup_add_csv(text, cell->given);
        else if (cell->kind == MMN_VALUE_WHOLE)
            mmn_text_add(text, "%" PRIu64, cell->whole);
        else if (cell->kind == MMN_VALUE_REAL)
            mmn_text_add_real(text, cell->real);
        mmn_text_add(text, "%s", (i + 1) % table->column_count == 0 ? "\n" : ",");
    }
}

void mmn_table_markdown(mmn_text *text, const mmn_report_table *table, size_t rows)
{
    const size_t all = mmn_table_rows(table), shown = all < rows ? all : rows;
    mmn_text_add(text, "|");
    for (size_t c = 0; c < table->column_count; c++) {
        mmn_text_add(text, " ");
        mmn_text_add_about(text, table->columns[c].name, table->languages);
        mmn_text_add(text, " |");
    }
    mmn_text_add(text, "\n|");
    for (size_t c = 0; c < table->column_count; c++)
        mmn_text_add(text, " %s |",
                     all == 0 || table->cells[c].kind == MMN_VALUE_TEXT ? "---" : "---:");
    for (size_t i = 0; i < shown * table->column_count; i++) {
        const mmn_value *cell = &table->cells[i];
        const size_t column = i % table->column_count;
        mmn_text_add(text, "%s ", column == 0 ? "\n|" : "");
        add_cell(text, cell, &table->columns[column], mmn_markup_add_markdown);
        mmn_text_add(text, " |");
    }
    mmn_text_add(text, "\n");
    if (shown < all)
        mmn_text_add(text, "\nThe first %zu of %zu rows; `--format csv` has all.\n", shown, all);
}

static void add_html_cell(mmn_text *text, const mmn_value *cell, const mmn_column *column,
                          bool first)
{
    const bool is_real = cell->kind == MMN_VALUE_REAL;
    mmn_text_add(text, "<%s%s>", first ? "th scope=\"row\"" : "td",
                 is_real || cell->kind == MMN_VALUE_WHOLE ? " class=\"n\"" : "");
    if (is_real) {
        mmn_text_add(text, "<data value=\"");
        mmn_text_add_real(text, cell->real);
        mmn_text_add(text, "\">");
    }
    add_cell(text, cell, column, mmn_markup_add);
    mmn_text_add(text, "%s%s", is_real ? "</data>" : "", first ? "</th>" : "</td>");
}

void mmn_table_html(mmn_text *text, const mmn_report_table *table, const char *caption, size_t rows)
{
    const size_t all = mmn_table_rows(table), shown = all < rows ? all : rows;
    mmn_text_add(text, "<table>\n<caption>");
    mmn_markup_add(text, caption);
    if (shown < all)
        mmn_text_add(text, ": the first %zu of %zu rows; <code>--format csv</code> has all", shown,
                     all);
    mmn_text_add(text, "</caption>\n<thead><tr>");
    for (size_t c = 0; c < table->column_count; c++) {
        mmn_text_add(text, "<th scope=\"col\">");
        mmn_text_add_about(text, table->columns[c].name, table->languages);
        mmn_text_add(text, "</th>");
    }
    mmn_text_add(text, "</tr></thead>\n<tbody>\n");
    for (size_t row = 0; row < shown; row++) {
        mmn_text_add(text, "<tr>");
        for (size_t c = 0; c < table->column_count; c++)
            add_html_cell(text, &table->cells[row * table->column_count + c], &table->columns[c],
                          c == 0);
        mmn_text_add(text, "</tr>\n");
    }
    mmn_text_add(text, "</tbody>\n</table>\n");
}

/* ---- Rows of results ------------------------------------------------------------------------- */

mmn_rows mmn_rows_all(const mmn_result *result, const char *table)
{
    return (mmn_rows){0, mmn_result_rows(result, table)};
}

mmn_rows mmn_rows_below(const mmn_result *result, const char *name, const char *above, size_t row)
{
    const mmn_table *table = mmn_result_find(result, name, SIZE_MAX);
    mmn_rows parents = {row, row + 1}, rows = {0, 0};
    size_t other;
    if (strcmp(table->parent->form->name, above) != 0)
        parents = mmn_rows_below(result, table->parent->form->name, above, row);
    if (parents.first == parents.end)
        return rows;
    mmn_result_children(table, parents.first, &rows.first, &other);
    mmn_result_children(table, parents.end - 1, &other, &rows.end);
    return rows;
}

/* The number of the row among those that belong to the same one. */
static size_t rank_of(const mmn_table *table, size_t row)
{
    size_t first, end;
    mmn_result_children(table, table->parents[row], &first, &end);
    return row - first;
}

static mmn_value value_of(const mmn_result *result, const mmn_table *table, size_t row,
                          const char *from)
{
    size_t column;
    while ((column = mmn_result_column(table, from, SIZE_MAX)) == SIZE_MAX && table->parent) {
        row = table->parents[row];
        table = table->parent;
    }
    const mmn_value *value = mmn_result_value(table, row, column);
    const bool is_number = value->kind == MMN_VALUE_WHOLE || value->kind == MMN_VALUE_REAL;
    return is_number ? *value : mmn_as_text(mmn_result_text_of(result, value));
}

/* The domain that a row of the table `name` is for, to which this row belongs unless it is that
 * one. */
static mmn_value domain_of(const mmn_result *result, const mmn_table *table, size_t row,
                           const char *name)
{
    for (; strcmp(table->form->name, name) != 0; table = table->parent)
        row = table->parents[row];
    return mmn_as_text(mmn_result_text(result, "domains", rank_of(table, row), "name"));
}

void mmn_rows_add(mmn_report_table *added, const mmn_result *result, const char *name,
                  mmn_rows rows)
{
    const mmn_table *table = mmn_result_find(result, name, SIZE_MAX);
    for (size_t row = rows.first; row < rows.end; row++)
        for (size_t c = 0; c < added->column_count; c++) {
            const char *from = added->columns[c].from;
            if (strcmp(from, "#") == 0)
                MMN_CELLS(added, mmn_as_whole(rank_of(table, row) + 1));
            else if (*from == '#')
                MMN_CELLS(added, domain_of(result, table, row, from + 1));
            else
                MMN_CELLS(added, value_of(result, table, row, from + (*from == '"')));
        }
}

mmn_value mmn_row_value(const mmn_result *result, const char *table, size_t row, const char *column)
{
    return value_of(result, mmn_result_find(result, table, SIZE_MAX), row, column);
}

bool mmn_row_is(const mmn_result *result, const char *table, size_t row, const char *column,
                const char *text)
{
    const char *own = mmn_result_text(result, table, row, column);
    return own && text ? strcmp(own, text) == 0 : own == text;
}

bool mmn_row_repeats(const mmn_result *result, const char *table, size_t row, const char *column)
{
    const char *text = mmn_result_text(result, table, row, column);
    size_t earlier = 0;
    while (!mmn_row_is(result, table, earlier, column, text))
        earlier++;
    return earlier < row;
}
