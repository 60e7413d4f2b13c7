/* Reading results back: the template of a form's JSON says which values go to which columns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/reader.h"
#include "result/template.h"

/* A value of the document: of a key, or (index < SIZE_MAX) of an array under it. */
typedef struct place {
    const mmn_object *object;
    const char *key;
    json_t *value;
    size_t index;
} place;

static void read_members(mmn_result *result, mmn_piece template, const mmn_object *object,
                         const mmn_view *view);
static void read_value(mmn_result *result, mmn_piece template, const place *from,
                       const mmn_view *view);

static void skip_spaces(mmn_piece *text)
{
    for (; text->size > 0 && strchr(" ,\n", *text->start); text->start++)
        text->size--;
}

/* Takes what is between the bracket that the template begins with and the one that closes it. */
static mmn_piece take_brackets(mmn_piece *template)
{
    size_t depth = 0, size = 0;
    do {
        const char at = template->start[size++];
        depth += at == '{' || at == '[' || at == '<';
        depth -= at == '}' || at == ']' || at == '>';
    } while (depth > 0 && size < template->size);
    const mmn_piece inside = {template->start + 1, size - 2};
    template->start += size;
    template->size -= size;
    return inside;
}

/* Takes the template of one value off the front. */
static mmn_piece take_value(mmn_piece *template)
{
    mmn_piece value = *template;
    const char kind = template->size > 0 ? *template->start : '\0';
    if (kind == '{' || kind == '[') {
        take_brackets(template);
    } else if (kind == '<') {
        while (template->size > 0 && *template->start == '<')
            take_brackets(template);
    } else {
        while (template->size > 0 && !strchr(",<]}\n", *template->start)) {
            template->start++;
            template->size--;
        }
    }
    value.size -= template->size;
    return value;
}

/* How many values the template of an array lists. */
static size_t count_values(mmn_piece template)
{
    size_t count = 0;
    for (; template.size > 0; skip_spaces(&template), count++)
        take_value(&template);
    return count;
}

static void wrong(const place *from, const char *expected)
{
    if (from->index == SIZE_MAX)
        mmn_read_wrong(from->object, from->key, "must be %s and is %s", expected,
                       mmn_json_type_name(from->value));
    else
        mmn_read_wrong(from->object, from->key, "item %zu must be %s and is %s", from->index,
                       expected, mmn_json_type_name(from->value));
}

/* A text as a value that the result owns. */
static mmn_value keep(mmn_result *result, const char *text, size_t size)
{
    mmn_value kept = mmn_result_keep(result, text, size);
    kept.kind = MMN_VALUE_TEXT;
    return kept;
}

static mmn_value keep_json(mmn_result *result, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    mmn_value kept = {.kind = MMN_VALUE_NOTHING};
    if (text)
        kept = keep(result, text, strlen(text));
    result->failed |= !text;
    kept.kind = MMN_VALUE_JSON;
    free(text); /* as Jansson allocates */
    return kept;
}

/* Sets a column in view to the value. */
static void read_column(mmn_result *result, mmn_piece name, const place *from, const mmn_view *view)
{
    mmn_value *value = mmn_view_value(view, name);
    const mmn_value_kind kind = mmn_view_kind(view, name);
    const json_t *read = from->value;
    if (json_is_null(read) || !value)
        return;
    if (kind == MMN_VALUE_TEXT && json_is_string(read))
        *value = keep(result, json_string_value(read), json_string_length(read));
    else if (kind == MMN_VALUE_WHOLE && json_is_integer(read) && json_integer_value(read) >= 0)
        *value = mmn_as_whole((uint64_t)json_integer_value(read));
    else if (kind == MMN_VALUE_REAL && json_is_number(read))
        *value = mmn_as_real(json_number_value(read));
    else if (kind == MMN_VALUE_TRUTH && json_is_boolean(read))
        *value = mmn_as_truth(json_is_true(read));
    else if (kind == MMN_VALUE_JSON)
        *value = keep_json(result, read);
    else
        wrong(from, kind == MMN_VALUE_TEXT    ? "a text"
                    : kind == MMN_VALUE_WHOLE ? "a whole number from 0 on"
                    : kind == MMN_VALUE_REAL  ? "a number"
                                              : "true or false");
}

/* The row of a group that an item stands for, from *next on: one that is there already, since what
 * else the document has of it was read before, or a new one. *next, 0 at first, is then the row
 * behind it. */
static mmn_view row_for(mmn_result *result, const mmn_rows_group *group, size_t *next,
                        const mmn_view *outer)
{
    mmn_view inside = {.outer = outer, .table = group->table};
    size_t first, end, parent = 0;
    mmn_view_rows(outer, group->table, &first, &end);
    inside.row = *next > first ? *next : first;
    while (inside.row < end && group->condition.size > 0 &&
           !mmn_condition_holds(result, group->condition, &inside, outer))
        inside.row++;
    *next = inside.row + 1;
    if (inside.row < end)
        return inside;
    for (const mmn_view *above = outer; above; above = above->outer)
        if (above->table == group->table->parent)
            parent = above->row;
    mmn_result_row(result, group->table, parent);
    if (group->condition.size > 0 && !result->failed) {
        mmn_piece condition = group->condition;
        const mmn_piece column = mmn_piece_take(&condition, "=");
        *mmn_view_value(&inside, column) = keep(result, condition.start, condition.size);
    }
    return inside;
}

/* An array's items, each a row. */
static void read_rows(mmn_result *result, mmn_piece template, const place *from,
                      const mmn_view *view)
{
    const mmn_rows_group group = mmn_rows_group_of(result, template);
    size_t next = 0;
    for (size_t i = 0; i < json_array_size(from->value) && mmn_read_fine(from->object); i++) {
        const mmn_view inside = row_for(result, &group, &next, view);
        if (result->failed)
            return;
        if (group.number.size > 0)
            *mmn_view_value(&inside, group.number) = mmn_as_whole(i);
        read_value(result, group.body,
                   &(place){from->object, from->key, json_array_get(from->value, i), i}, &inside);
    }
}

static void read_array(mmn_result *result, mmn_piece inside, const place *from,
                       const mmn_view *view)
{
    if (!json_is_array(from->value)) {
        wrong(from, "an array");
        return;
    }
    skip_spaces(&inside);
    if (inside.size > 0 && *inside.start == '<') {
        mmn_piece_take(&inside, "<");
        read_rows(result, mmn_piece_take_group(&inside), from, view);
        return;
    }
    const size_t items = json_array_size(from->value), count = count_values(inside);
    if (items < count) {
        mmn_read_wrong(from->object, from->key, "must have %zu numbers and has %zu", count, items);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_array_get(from->value, i);
        read_value(result, take_value(&inside), &(place){from->object, from->key, item, i}, view);
        skip_spaces(&inside);
    }
}

static void read_object(mmn_result *result, mmn_piece inside, const place *from,
                        const mmn_view *view)
{
    mmn_object object = {
        .value = from->value, .reader = from->object->reader, .file = from->object->file};
    if (!json_is_object(from->value)) {
        wrong(from, "an object");
        return;
    }
    if (from->index == SIZE_MAX)
        snprintf(object.prefix, sizeof(object.prefix), "%.120s%.60s.", from->object->prefix,
                 from->key);
    else
        snprintf(object.prefix, sizeof(object.prefix), "%.100s%.40s[%zu].", from->object->prefix,
                 from->key, from->index);
    read_members(result, inside, &object, view);
}

/* A value that is written in different ways: null is none of them. */
static void read_alternatives(mmn_result *result, mmn_piece template, const place *from,
                              const mmn_view *view)
{
    while (template.size > 0 && !json_is_null(from->value)) {
        mmn_piece_take(&template, "<");
        mmn_piece group = mmn_piece_take_group(&template);
        const char kind = *group.start;
        if (kind == '?') {
            mmn_piece_take(&group, "|");
            read_value(result, group, from, view);
        } else if (kind != '!') {
            const mmn_rows_group rows = mmn_rows_group_of(result, group);
            const mmn_view inside = row_for(result, &rows, &(size_t){0}, view);
            if (!result->failed)
                read_value(result, rows.body, from, &inside);
        }
    }
}

static void read_value(mmn_result *result, mmn_piece template, const place *from,
                       const mmn_view *view)
{
    skip_spaces(&template);
    if (template.size == 0 || !mmn_read_fine(from->object) || result->failed)
        return;
    const char kind = *template.start;
    if (kind == '$')
        read_column(result, (mmn_piece){template.start + 1, template.size - 1}, from, view);
    else if (kind == '{')
        read_object(result, take_brackets(&template), from, view);
    else if (kind == '[')
        read_array(result, take_brackets(&template), from, view);
    else if (kind == '<')
        read_alternatives(result, template, from, view);
}

/* Takes "'key': " off the front; false if the key does not fit. */
static bool take_key(char *key, size_t size, mmn_piece *template)
{
    mmn_piece_take(template, "'");
    const mmn_piece name = mmn_piece_take(template, "'");
    mmn_piece_take(template, " ");
    snprintf(key, size, "%.*s", (int)name.size, name.start);
    return name.size < size;
}

/* Rows among an object's members: one, whose members these are, or one for each member. */
static void read_member_rows(mmn_result *result, mmn_piece template, const mmn_object *object,
                             const mmn_view *view)
{
    const char *key;
    json_t *value;
    size_t next = 0;
    const mmn_rows_group group = mmn_rows_group_of(result, template);
    mmn_piece body = group.body;
    skip_spaces(&body);
    if (*body.start != '$') {
        const mmn_view inside = row_for(result, &group, &(size_t){0}, view);
        if (!result->failed)
            read_members(result, body, object, &inside);
        return;
    }
    mmn_piece_take(&body, "$");
    const mmn_piece name = mmn_piece_take(&body, ":");
    json_object_foreach(object->value, key, value)
    {
        const mmn_view inside = row_for(result, &group, &next, view);
        if (result->failed)
            return;
        *mmn_view_value(&inside, name) = keep(result, key, strlen(key));
        read_value(result, body, &(place){object, key, value, SIZE_MAX}, &inside);
    }
}

/* Members that may be absent. A column that only tells whether they are there is set. */
static void read_optional(mmn_result *result, mmn_piece group, const mmn_object *object,
                          const mmn_view *view)
{
    char key[64];
    mmn_piece condition = mmn_piece_take(&group, "|"), body = group;
    if (!take_key(key, sizeof(key), &group) || !mmn_object_has(object, key))
        return;
    mmn_piece_take(&condition, "?!");
    mmn_value *value = mmn_view_value(view, condition);
    if (value && value->kind == MMN_VALUE_NOTHING &&
        mmn_view_kind(view, condition) == MMN_VALUE_TRUTH)
        *value = mmn_as_truth(true);
    read_members(result, body, object, view);
}

static void read_members(mmn_result *result, mmn_piece template, const mmn_object *object,
                         const mmn_view *view)
{
    for (skip_spaces(&template); template.size > 0; skip_spaces(&template)) {
        char key[64];
        if (!mmn_read_fine(object) || result->failed)
            return;
        if (*template.start == '<') {
            mmn_piece_take(&template, "<");
            const mmn_piece group = mmn_piece_take_group(&template);
            if (*group.start == '?' || *group.start == '!')
                read_optional(result, group, object, view);
            else
                read_member_rows(result, group, object, view);
            continue;
        }
        take_key(key, sizeof(key), &template);
        skip_spaces(&template);
        const mmn_piece value = take_value(&template);
        json_t *found = json_object_get(object->value, key);
        if (found)
            read_value(result, value, &(place){object, key, found, SIZE_MAX}, view);
    }
}

mmn_status mmn_result_from_json(mmn_result **result, const mmn_form *form, json_t *document,
                                const char *file, mmn_error *error)
{
    mmn_reader reader = {.error = error};
    if (mmn_result_begin(result, form, error) != MMN_OK)
        return MMN_SYSTEM;
    (*result)->was_read = true;
    mmn_result_row(*result, (*result)->tables, 0);
    const mmn_view top = {.table = (*result)->tables};
    const mmn_object object = mmn_read_document(&reader, document, file);
    mmn_piece template = {form->json, strlen(form->json)};
    if (mmn_read_fine(&object) && !(*result)->failed)
        read_members(*result, take_brackets(&template), &object, &top);
    if (reader.status == MMN_OK)
        return mmn_result_end(result, error);
    mmn_result_free(*result);
    *result = NULL;
    return reader.status;
}
