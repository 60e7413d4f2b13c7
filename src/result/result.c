/* Results as values: tables of named, typed columns, which own all their texts. */
#include "result/result.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

mmn_status mmn_result_begin(mmn_result **result, const mmn_form *form, mmn_error *error)
{
    MMN_NEED(*result = mmn_allocate(1, sizeof(**result), error));
    mmn_result *made = *result;
    made->form = form;
    while (form->tables[made->table_count].name)
        made->table_count++;
    made->tables = mmn_allocate(made->table_count, sizeof(*made->tables), error);
    if (!made->tables) {
        mmn_free(made);
        *result = NULL;
        return MMN_SYSTEM;
    }
    for (size_t t = 0; t < made->table_count; t++) {
        mmn_table *table = &made->tables[t];
        table->form = &form->tables[t];
        while (table->form->columns[table->columns].name)
            table->columns++;
        if (table->form->parent)
            table->parent = mmn_result_find(made, table->form->parent, SIZE_MAX);
    }
    return MMN_OK;
}

static bool is_name(const char *name, const char *other, size_t size)
{
    return size == SIZE_MAX ? strcmp(name, other) == 0
                            : strncmp(name, other, size) == 0 && name[size] == '\0';
}

mmn_table *mmn_result_find(const mmn_result *result, const char *name, size_t size)
{
    for (size_t t = 0; t < result->table_count; t++)
        if (is_name(result->tables[t].form->name, name, size))
            return &result->tables[t];
    return NULL;
}

size_t mmn_result_column(const mmn_table *table, const char *name, size_t size)
{
    for (size_t c = 0; c < table->columns; c++)
        if (is_name(table->form->columns[c].name, name, size))
            return c;
    return SIZE_MAX;
}

mmn_value *mmn_result_value(const mmn_table *table, size_t row, size_t column)
{
    return &table->values[row * table->columns + column];
}

/* The first row of those that belong to `parent` or a later one. */
static size_t first_of(const mmn_table *table, size_t parent)
{
    size_t low = 0, high = table->rows;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (table->parents[middle] < parent)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void mmn_result_children(const mmn_table *table, size_t parent, size_t *first, size_t *end)
{
    *first = first_of(table, parent);
    *end = first_of(table, parent + 1);
}

const char *mmn_result_text_of(const mmn_result *result, const mmn_value *value)
{
    const bool is_text = value->kind == MMN_VALUE_TEXT || value->kind == MMN_VALUE_JSON;
    return is_text ? result->texts.text + value->text : NULL;
}

/* ---- Filling --------------------------------------------------------------------------------- */

mmn_value mmn_result_keep(mmn_result *result, const char *text, size_t size)
{
    const mmn_value kept = {.kind = MMN_VALUE_KEPT, .text = result->texts.length};
    mmn_text_add_bytes(&result->texts, text, size);
    mmn_text_add_bytes(&result->texts, "", 1);
    result->failed |= result->texts.failed;
    return kept;
}

/* A value of a column that holds `kind`. */
static mmn_value value_for(mmn_result *result, mmn_value_kind kind, mmn_value value)
{
    if (value.kind == MMN_VALUE_TEXT || value.kind == MMN_VALUE_JSON)
        value = mmn_result_keep(result, value.given, strlen(value.given));
    if (value.kind == MMN_VALUE_KEPT)
        value.kind = kind == MMN_VALUE_JSON ? MMN_VALUE_JSON : MMN_VALUE_TEXT;
    result->failed |= value.kind != kind && value.kind != MMN_VALUE_NOTHING;
    return value;
}

void mmn_result_row(mmn_result *result, mmn_table *table, size_t parent)
{
    const size_t row = table->rows;
    result->failed |= MMN_RESERVE(table->parents, table->row_capacity, row + 1, NULL) != MMN_OK ||
                      MMN_RESERVE(table->values, table->value_capacity, (row + 1) * table->columns,
                                  NULL) != MMN_OK;
    if (result->failed)
        return;
    memset(mmn_result_value(table, row, 0), 0, table->columns * sizeof(*table->values));
    table->parents[row] = parent;
    table->rows++;
}

void mmn_result_add(mmn_result *result, const char *name, const mmn_value *values, size_t count)
{
    mmn_table *table = mmn_result_find(result, name, SIZE_MAX);
    mmn_result_row(result, table, table->parent ? table->parent->rows - 1 : 0);
    /* This, and another kind of value, are mistakes, which every test of the form shows. */
    result->failed |= count != table->columns;
    for (size_t c = 0; c < count && !result->failed; c++)
        *mmn_result_value(table, table->rows - 1, c) =
            value_for(result, table->form->columns[c].kind, values[c]);
}

mmn_status mmn_result_end(mmn_result **result, mmn_error *error)
{
    if (!(*result)->failed)
        return MMN_OK;
    mmn_result_free(*result);
    *result = NULL;
    return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "out of memory for a result");
}

void mmn_result_free(mmn_result *result)
{
    if (!result)
        return;
    for (size_t t = 0; t < result->table_count; t++) {
        mmn_free(result->tables[t].values);
        mmn_free(result->tables[t].parents);
    }
    mmn_free(result->tables);
    mmn_text_free(&result->texts);
    mmn_free(result);
}

/* ---- For callers ----------------------------------------------------------------------------- */

/* NULL where there is no such table, */
static const mmn_table *table_of(const mmn_result *result, const char *table)
{
    return result && table ? mmn_result_find(result, table, SIZE_MAX) : NULL;
}

/* or no such value. */
static const mmn_value *value_of(const mmn_result *result, const char *name, size_t row,
                                 const char *column)
{
    const mmn_table *table = table_of(result, name);
    const size_t number = table && column ? mmn_result_column(table, column, SIZE_MAX) : SIZE_MAX;
    return number < SIZE_MAX && row < table->rows ? mmn_result_value(table, row, number) : NULL;
}

const char *mmn_result_table_name(const mmn_result *result, size_t index)
{
    return result && index < result->table_count ? result->tables[index].form->name : NULL;
}

const char *mmn_result_column_name(const mmn_result *result, const char *name, size_t index)
{
    const mmn_table *table = table_of(result, name);
    return table && index < table->columns ? table->form->columns[index].name : NULL;
}

const char *mmn_result_parent_table(const mmn_result *result, const char *name)
{
    const mmn_table *table = table_of(result, name);
    return table ? table->form->parent : NULL;
}

mmn_column_kind mmn_result_column_kind(const mmn_result *result, const char *name,
                                       const char *column)
{
    static const mmn_column_kind kinds[] = {
        [MMN_VALUE_TEXT] = MMN_COLUMN_TEXT,   [MMN_VALUE_JSON] = MMN_COLUMN_JSON,
        [MMN_VALUE_WHOLE] = MMN_COLUMN_WHOLE, [MMN_VALUE_REAL] = MMN_COLUMN_REAL,
        [MMN_VALUE_TRUTH] = MMN_COLUMN_TRUTH,
    };
    const mmn_table *table = table_of(result, name);
    const size_t number = table && column ? mmn_result_column(table, column, SIZE_MAX) : SIZE_MAX;
    return number < SIZE_MAX ? kinds[table->form->columns[number].kind] : MMN_COLUMN_NONE;
}

size_t mmn_result_rows(const mmn_result *result, const char *name)
{
    const mmn_table *table = table_of(result, name);
    return table ? table->rows : 0;
}

size_t mmn_result_parent(const mmn_result *result, const char *name, size_t row)
{
    const mmn_table *table = table_of(result, name);
    return table && row < table->rows ? table->parents[row] : 0;
}

double mmn_result_number(const mmn_result *result, const char *table, size_t row,
                         const char *column)
{
    const mmn_value *value = value_of(result, table, row, column);
    if (value && value->kind == MMN_VALUE_REAL)
        return value->real;
    if (value && value->kind == MMN_VALUE_WHOLE)
        return (double)value->whole;
    return value && value->kind == MMN_VALUE_TRUTH ? (double)value->truth : (double)NAN;
}

const char *mmn_result_text(const mmn_result *result, const char *table, size_t row,
                            const char *column)
{
    const mmn_value *value = value_of(result, table, row, column);
    return value ? mmn_result_text_of(result, value) : NULL;
}
