/* Pieces of templates, as those that write by them and those that read by them take them apart. */
#include "result/template_parts.h"

#include <ctype.h>
#include <string.h>

static bool is(mmn_span text, const char *other)
{
    return text.size == strlen(other) && memcmp(text.start, other, text.size) == 0;
}

mmn_span mmn_span_take(mmn_span *text, const char *ends)
{
    mmn_span taken = {.start = text->start};
    while (taken.size < text->size && !strchr(ends, text->start[taken.size]))
        taken.size++;
    const size_t gone = taken.size + (taken.size < text->size);
    text->start += gone;
    text->size -= gone;
    return taken;
}

mmn_span mmn_span_take_group(mmn_span *text)
{
    mmn_span group = {.start = text->start};
    for (size_t depth = 1; group.size < text->size; group.size++) {
        depth += text->start[group.size] == '<';
        depth -= text->start[group.size] == '>';
        if (depth == 0)
            break;
    }
    const size_t gone = group.size + (group.size < text->size);
    text->start += gone;
    text->size -= gone;
    return group;
}

mmn_span mmn_span_take_name(mmn_span *text)
{
    mmn_span name = {.start = text->start};
    while (name.size < text->size &&
           (isalnum((unsigned char)text->start[name.size]) || text->start[name.size] == '_'))
        name.size++;
    text->start += name.size;
    text->size -= name.size;
    return name;
}

size_t mmn_span_take_number(mmn_span *text)
{
    size_t number = 0;
    for (; text->size > 0 && isdigit((unsigned char)*text->start); text->start++, text->size--)
        number = number * 10 + (size_t)(*text->start - '0');
    return number;
}

/* ---- What is in view ------------------------------------------------------------------------- */

mmn_value *mmn_view_value(const mmn_view *view, mmn_span name)
{
    for (; view; view = view->outer) {
        const size_t column = mmn_result_column(view->table, name.start, name.size);
        if (column != SIZE_MAX)
            return mmn_result_value(view->table, view->row, column);
    }
    return NULL;
}

mmn_value_kind mmn_view_kind(const mmn_view *view, mmn_span name)
{
    for (; view; view = view->outer) {
        const size_t column = mmn_result_column(view->table, name.start, name.size);
        if (column != SIZE_MAX)
            return view->table->form->columns[column].kind;
    }
    return MMN_VALUE_NOTHING;
}

void mmn_view_rows(const mmn_view *view, const mmn_table *table, size_t *first, size_t *end)
{
    *first = 0;
    *end = table->rows;
    for (; view; view = view->outer) {
        if (view->table == table && view->end > 0) {
            *first = view->first;
            *end = view->end;
            return;
        }
        if (view->table == table->parent) {
            mmn_result_children(table, view->row, first, end);
            return;
        }
    }
}

/* ---- Groups ---------------------------------------------------------------------------------- */

mmn_rows_group mmn_rows_group_of(const mmn_result *result, mmn_span group)
{
    mmn_rows_group read = {0};
    mmn_span head = mmn_span_take(&group, "|");
    const mmn_span name = mmn_span_take_name(&head);
    read.table = mmn_result_find(result, name.start, name.size);
    mmn_span_take(&head, " ");
    while (head.size > 0) {
        mmn_span word = mmn_span_take(&head, " ");
        if (isdigit((unsigned char)*word.start))
            read.every = mmn_span_take_number(&word);
        else if (*word.start == '#')
            read.number = (mmn_span){word.start + 1, word.size - 1};
        else if (is(word, "by"))
            read.by = mmn_span_take(&head, " ");
        else if (is(word, "first"))
            read.first = true;
        else
            read.condition = word;
    }
    read.separator = mmn_span_take(&group, "|");
    read.longer = read.every > 0 ? mmn_span_take(&group, "|") : read.separator;
    read.body = group;
    return read;
}

static const char *text_in_view(const mmn_result *result, const mmn_view *view, mmn_span name)
{
    const mmn_value *value = mmn_view_value(view, name);
    const char *text = value ? mmn_result_text_of(result, value) : NULL;
    return text ? text : "";
}

bool mmn_condition_holds(const mmn_result *result, mmn_span condition, const mmn_view *inside,
                         const mmn_view *outside)
{
    const mmn_span name = mmn_span_take_name(&condition);
    if (condition.size > 0) {
        const char *text = text_in_view(result, inside, name);
        mmn_span_take(&condition, "=");
        if (condition.size == 0 || *condition.start != '$')
            return is(condition, text);
        mmn_span_take(&condition, "$");
        return strcmp(text, text_in_view(result, outside, condition)) == 0;
    }
    const mmn_value *value = mmn_view_value(inside, name);
    const mmn_table *table = mmn_result_find(result, name.start, name.size);
    if (!value)
        return table && table->rows > 0;
    if (value->kind == MMN_VALUE_TRUTH)
        return value->truth;
    return value->kind == MMN_VALUE_WHOLE ? value->whole > 0 : value->kind != MMN_VALUE_NOTHING;
}
