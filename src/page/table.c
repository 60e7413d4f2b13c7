/* The numbers of a figure as a table with one observation a row, and its forms as text. */
#include "page/table.h"

#include <inttypes.h>
#include <math.h>

#include "base/memory.h"
#include "page/markup.h"
#include "page/numbers.h"
#include "result/words.h"

static void add_cell(mmn_report_table *table, mmn_cell cell)
{
    if (table->failed)
        return;
    table->failed = mmn_reserve(&table->cells, &table->capacity, table->count + 1,
                                sizeof(*table->cells), NULL) != MMN_OK;
    if (!table->failed)
        table->cells[table->count++] = cell;
}

void mmn_table_text(mmn_report_table *table, const char *value)
{
    add_cell(table, (mmn_cell){.kind = value ? MMN_CELL_TEXT : MMN_CELL_EMPTY, .text = value});
}

void mmn_table_word(mmn_report_table *table, const char *value)
{
    add_cell(table, (mmn_cell){.kind = MMN_CELL_WORD, .text = value});
}

void mmn_table_integer(mmn_report_table *table, int64_t value)
{
    add_cell(table, (mmn_cell){.kind = MMN_CELL_INTEGER, .integer = value});
}

void mmn_table_real(mmn_report_table *table, double value)
{
    add_cell(table, (mmn_cell){.kind = isfinite(value) ? MMN_CELL_REAL : MMN_CELL_EMPTY,
                               .real = value});
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

static bool is_text(const mmn_cell *cell)
{
    return cell->kind == MMN_CELL_TEXT || cell->kind == MMN_CELL_WORD;
}

/* Adds a text or word as `add` writes it. */
static void add_for_people(mmn_text *text, const mmn_cell *cell,
                           void (*add)(mmn_text *text, const char *utf8))
{
    char *shown = cell->kind == MMN_CELL_WORD ? mmn_word_shown(cell->text, NULL) : NULL;
    if (cell->kind == MMN_CELL_WORD && !shown)
        text->failed = true;
    else
        add(text, shown ? shown : cell->text);
    mmn_free(shown);
}

void mmn_table_csv(mmn_text *text, const mmn_report_table *table)
{
    for (size_t c = 0; c < table->column_count; c++) {
        mmn_text_add(text, "%s", c > 0 ? "," : "");
        mmn_markup_add_csv(text, table->columns[c].name);
    }
    mmn_text_add(text, "\n");
    for (size_t i = 0; i < table->count; i++) {
        const mmn_cell *cell = &table->cells[i];
        if (is_text(cell))
            mmn_markup_add_csv(text, cell->text);
        else if (cell->kind == MMN_CELL_INTEGER)
            mmn_text_add(text, "%" PRId64, cell->integer);
        else if (cell->kind == MMN_CELL_REAL)
            mmn_text_add_real(text, cell->real);
        mmn_text_add(text, "%s", (i + 1) % table->column_count == 0 ? "\n" : ",");
    }
}

void mmn_table_markdown(mmn_text *text, const mmn_report_table *table, size_t rows)
{
    const size_t all = mmn_table_rows(table), shown = all < rows ? all : rows;
    mmn_text_add(text, "|");
    for (size_t c = 0; c < table->column_count; c++)
        mmn_text_add(text, " %s |", table->columns[c].name);
    mmn_text_add(text, "\n|");
    for (size_t c = 0; c < table->column_count; c++) {
        mmn_text_add(text, " %s |", all == 0 || is_text(&table->cells[c]) ? "---" : "---:");
    }
    for (size_t i = 0; i < shown * table->column_count; i++) {
        const mmn_cell *cell = &table->cells[i];
        const size_t column = i % table->column_count;
        mmn_text_add(text, "%s ", column == 0 ? "\n|" : "");
        if (is_text(cell))
            add_for_people(text, cell, mmn_markup_add_markdown);
        else if (cell->kind == MMN_CELL_INTEGER)
            mmn_text_add(text, "%" PRId64, cell->integer);
        else if (cell->kind == MMN_CELL_REAL)
            mmn_number_fixed(text, cell->real, table->columns[column].decimals);
        mmn_text_add(text, " |");
    }
    mmn_text_add(text, "\n");
    if (shown < all)
        mmn_text_add(text, "\nThe first %zu of %zu rows; `--format csv` has all.\n", shown, all);
}

static void add_html_cell(mmn_text *text, const mmn_cell *cell, const mmn_column *column,
                          bool first)
{
    const char *tag = first ? "th scope=\"row\"" : "td";
    if (is_text(cell)) {
        mmn_text_add(text, "<%s>", tag);
        add_for_people(text, cell, mmn_markup_add);
    } else if (cell->kind == MMN_CELL_INTEGER) {
        mmn_text_add(text, "<%s class=\"n\">%" PRId64, tag, cell->integer);
    } else if (cell->kind == MMN_CELL_REAL) {
        mmn_text_add(text, "<%s class=\"n\"><data value=\"", tag);
        mmn_text_add_real(text, cell->real);
        mmn_text_add(text, "\">");
        mmn_number_fixed(text, cell->real, column->decimals);
        mmn_text_add(text, "</data>");
    } else {
        mmn_text_add(text, "<%s>", tag);
    }
    mmn_text_add(text, first ? "</th>" : "</td>");
}

void mmn_table_html(mmn_text *text, const mmn_report_table *table, const char *caption,
                    size_t rows)
{
    const size_t all = mmn_table_rows(table), shown = all < rows ? all : rows;
    mmn_text_add(text, "<table>\n<caption>%s", caption);
    if (shown < all)
        mmn_text_add(text, ": the first %zu of %zu rows; <code>--format csv</code> has all", shown,
                     all);
    mmn_text_add(text, "</caption>\n<thead><tr>");
    for (size_t c = 0; c < table->column_count; c++) {
        mmn_text_add(text, "<th scope=\"col\">");
        mmn_markup_add(text, table->columns[c].name);
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
