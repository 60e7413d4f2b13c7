/* Rows of results' tables, as figures take them. */
#include "page/rows.h"

#include <string.h>

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

static void add_value(mmn_report_table *added, const mmn_result *result, const mmn_table *table,
                      size_t row, const char *from)
{
    const bool is_word = *from == '"';
    const char *name = from + is_word;
    size_t column;
    while ((column = mmn_result_column(table, name, SIZE_MAX)) == SIZE_MAX && table->parent) {
        row = table->parents[row];
        table = table->parent;
    }
    const mmn_value *value = mmn_result_value(table, row, column);
    if (value->kind == MMN_VALUE_WHOLE)
        mmn_table_integer(added, (int64_t)value->whole);
    else if (value->kind == MMN_VALUE_REAL)
        mmn_table_real(added, value->real);
    else if (value->kind == MMN_VALUE_TEXT && is_word)
        mmn_table_word(added, mmn_result_text_of(result, value));
    else
        mmn_table_text(added, mmn_result_text_of(result, value));
}

void mmn_rows_add(mmn_report_table *added, const mmn_result *result, const char *name,
                  mmn_rows rows, const char *const *from)
{
    const mmn_table *table = mmn_result_find(result, name, SIZE_MAX);
    for (size_t row = rows.first; row < rows.end; row++)
        for (size_t c = 0; c < added->column_count; c++)
            if (strcmp(from[c], "#") == 0)
                mmn_table_integer(added, (int64_t)rank_of(table, row) + 1);
            else
                add_value(added, result, table, row, from[c]);
}

bool mmn_row_is(const mmn_result *result, const char *table, size_t row, const char *column,
                const char *text)
{
    const char *own = mmn_result_text(result, table, row, column);
    return own && text ? strcmp(own, text) == 0 : own == text;
}
