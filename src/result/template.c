/* Templates: how the tables of a result become texts and files. */
#include "result/template.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "result/words.h"

/* ---- Pieces ---------------------------------------------------------------------------------- */

static bool is(mmn_piece text, const char *other)
{
    return text.size == strlen(other) && memcmp(text.start, other, text.size) == 0;
}

mmn_piece mmn_piece_take(mmn_piece *text, const char *ends)
{
    mmn_piece taken = {.start = text->start};
    while (taken.size < text->size && !strchr(ends, text->start[taken.size]))
        taken.size++;
    const size_t gone = taken.size + (taken.size < text->size);
    text->start += gone;
    text->size -= gone;
    return taken;
}

mmn_piece mmn_piece_take_group(mmn_piece *text)
{
    mmn_piece group = {.start = text->start};
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

/* Letters, digits and "_". */
static mmn_piece take_name(mmn_piece *text)
{
    mmn_piece name = {.start = text->start};
    while (name.size < text->size &&
           (isalnum((unsigned char)text->start[name.size]) || text->start[name.size] == '_'))
        name.size++;
    text->start += name.size;
    text->size -= name.size;
    return name;
}

static size_t take_number(mmn_piece *text)
{
    size_t number = 0;
    for (; text->size > 0 && isdigit((unsigned char)*text->start); text->start++, text->size--)
        number = number * 10 + (size_t)(*text->start - '0');
    return number;
}

/* ---- What is in view ------------------------------------------------------------------------- */

mmn_value *mmn_view_value(const mmn_view *view, mmn_piece name)
{
    for (; view; view = view->outer) {
        const size_t column = mmn_result_column(view->table, name.start, name.size);
        if (column != SIZE_MAX)
            return mmn_result_value(view->table, view->row, column);
    }
    return NULL;
}

mmn_value_kind mmn_view_kind(const mmn_view *view, mmn_piece name)
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

/* ---- Groups and conditions ------------------------------------------------------------------- */

mmn_rows_group mmn_rows_group_of(const mmn_result *result, mmn_piece group)
{
    mmn_rows_group read = {0};
    mmn_piece head = mmn_piece_take(&group, "|");
    const mmn_piece name = take_name(&head);
    read.table = mmn_result_find(result, name.start, name.size);
    mmn_piece_take(&head, " ");
    while (head.size > 0) {
        mmn_piece word = mmn_piece_take(&head, " ");
        if (isdigit((unsigned char)*word.start))
            read.every = take_number(&word);
        else if (*word.start == '#')
            read.number = (mmn_piece){word.start + 1, word.size - 1};
        else if (is(word, "by"))
            read.by = mmn_piece_take(&head, " ");
        else if (is(word, "first"))
            read.first = true;
        else
            read.condition = word;
    }
    read.separator = mmn_piece_take(&group, "|");
    read.longer = read.every > 0 ? mmn_piece_take(&group, "|") : read.separator;
    read.body = group;
    return read;
}

static const char *text_in_view(const mmn_result *result, const mmn_view *view, mmn_piece name)
{
    const mmn_value *value = mmn_view_value(view, name);
    const char *text = value ? mmn_result_text_of(result, value) : NULL;
    return text ? text : "";
}

bool mmn_condition_holds(const mmn_result *result, mmn_piece condition, const mmn_view *inside,
                         const mmn_view *outside)
{
    const mmn_piece name = take_name(&condition);
    if (condition.size > 0) {
        const char *text = text_in_view(result, inside, name);
        mmn_piece_take(&condition, "=");
        if (condition.size == 0 || *condition.start != '$')
            return is(condition, text);
        mmn_piece_take(&condition, "$");
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

/* ---- Writing --------------------------------------------------------------------------------- */

typedef struct template_writer {
    mmn_text *text;
    const mmn_result *result;
    bool quotes;
} template_writer;

static void write_template(const template_writer *writer, mmn_piece template, const mmn_view *view);

/* ---- Values ---------------------------------------------------------------------------------- */

/* The value of the column in view; nothing if there is none. */
static const mmn_value *look_up(const mmn_view *view, mmn_piece name)
{
    static const mmn_value nothing;
    const mmn_value *value = mmn_view_value(view, name);
    return value ? value : &nothing;
}

static const char *text_of(const template_writer *writer, const mmn_value *value)
{
    const char *text = mmn_result_text_of(writer->result, value);
    return text ? text : "";
}

static double number_of(const mmn_value *value)
{
    return value->kind == MMN_VALUE_WHOLE ? (double)value->whole : value->real;
}

/* Whether two whole numbers, or two texts, are the same. */
static bool are_same(const template_writer *writer, const mmn_value *a, const mmn_value *b)
{
    if (a->kind == MMN_VALUE_WHOLE && b->kind == MMN_VALUE_WHOLE)
        return a->whole == b->whole;
    return strcmp(text_of(writer, a), text_of(writer, b)) == 0;
}

static void add_json(const template_writer *writer, const mmn_value *value)
{
    mmn_text *text = writer->text;
    if (value->kind == MMN_VALUE_TEXT)
        mmn_text_add_json(text, text_of(writer, value));
    else if (value->kind == MMN_VALUE_JSON)
        mmn_text_add(text, "%s", text_of(writer, value));
    else if (value->kind == MMN_VALUE_WHOLE)
        mmn_text_add(text, "%" PRIu64, value->whole);
    else if (value->kind == MMN_VALUE_TRUTH)
        mmn_text_add(text, value->truth ? "true" : "false");
    else if (value->kind == MMN_VALUE_REAL && isfinite(value->real))
        mmn_text_add_real(text, value->real);
    else
        mmn_text_add(text, "null");
}

/* A word on one line, in quotation marks. */
static void add_word(mmn_text *text, const char *word)
{
    char *shown = mmn_word_shown(word, NULL);
    if (shown)
        mmn_text_add_json(text, shown);
    else
        text->failed = true;
    mmn_free(shown);
}

/* "8.4{name*100/count}", whose "$" is gone already. */
static void add_for_people(const template_writer *writer, mmn_piece *template, const mmn_view *view)
{
    const bool word = *template->start == '"';
    if (word)
        mmn_piece_take(template, "\"");
    const int width = (int)take_number(template);
    const bool fixed = *template->start == '.';
    if (fixed)
        mmn_piece_take(template, ".");
    const int decimals = (int)take_number(template);
    const bool digits = *template->start == 'g';
    mmn_piece_take(template, "{");
    mmn_piece terms = mmn_piece_take(template, "}");
    const mmn_value *value = look_up(view, take_name(&terms));
    if (word) {
        add_word(writer->text, text_of(writer, value));
    } else if (fixed) {
        double number = number_of(value);
        for (char sign; terms.size > 0;) {
            sign = *mmn_piece_take(&terms, "*/").start;
            const double other = isdigit((unsigned char)*terms.start)
                                     ? (double)take_number(&terms)
                                     : number_of(look_up(view, take_name(&terms)));
            number = sign == '*' ? number * other : number / other;
        }
        if (digits)
            mmn_text_add(writer->text, "%*.*g", width, decimals, number);
        else
            mmn_text_add(writer->text, "%*.*f", width, decimals, number);
    } else if (value->kind == MMN_VALUE_WHOLE) {
        mmn_text_add(writer->text, "%*" PRIu64, width, value->whole);
    } else if (value->kind == MMN_VALUE_TEXT) {
        mmn_text_add(writer->text, "%*s", width, text_of(writer, value));
    } else if (value->kind != MMN_VALUE_NOTHING) {
        add_json(writer, value);
    }
}

/* ---- Groups ---------------------------------------------------------------------------------- */

/* "<-8 column|...>" or "<+8 column|...>": `widths` is what stands before the bar. */
static void write_padded(const template_writer *writer, mmn_piece widths, mmn_piece body,
                         const mmn_view *view)
{
    const bool before = *widths.start == '+';
    mmn_piece_take(&widths, "+-");
    int width = (int)take_number(&widths), most = INT_MAX;
    if (widths.size > 0 && *widths.start == '-') {
        mmn_piece_take(&widths, "-");
        most = (int)take_number(&widths);
    }
    mmn_piece_take(&widths, " ");
    const mmn_piece name = mmn_piece_take(&widths, ".");
    const mmn_table *whole =
        widths.size > 0 ? mmn_result_find(writer->result, name.start, name.size) : NULL;
    for (size_t row = 0; row < (whole ? whole->rows : name.size > 0); row++) {
        const mmn_value *value =
            whole
                ? mmn_result_value(whole, row, mmn_result_column(whole, widths.start, widths.size))
                : look_up(view, name);
        const int columns = mmn_columns_of(text_of(writer, value));
        width = columns > width ? columns : width;
    }
    width = width < most ? width : most;
    mmn_text inside = {0};
    char *text;
    write_template(&(struct template_writer){&inside, writer->result, writer->quotes}, body, view);
    if (mmn_text_finish(&inside, &text, NULL) != MMN_OK) {
        writer->text->failed = true;
        return;
    }
    const int columns = mmn_columns_of(text);
    const size_t fill = columns < width ? (size_t)(width - columns) : 0;
    mmn_text_fill(writer->text, ' ', before ? fill : 0);
    mmn_text_add(writer->text, "%s", text);
    mmn_text_fill(writer->text, ' ', before ? 0 : fill);
    mmn_free(text);
}

/* The row behind a run of rows that begins with `row` and has one value in column `by`. */
static size_t end_of_run(const template_writer *writer, const mmn_table *table, mmn_piece by,
                         size_t row, size_t end)
{
    const size_t column = mmn_result_column(table, by.start, by.size);
    size_t next = row + 1;
    while (next < end && are_same(writer, mmn_result_value(table, next, column),
                                  mmn_result_value(table, row, column)))
        next++;
    return next;
}

static void write_rows(const template_writer *writer, mmn_piece template, const mmn_view *outer)
{
    const mmn_rows_group group = mmn_rows_group_of(writer->result, template);
    size_t first, end, written = 0;
    mmn_view_rows(outer, group.table, &first, &end);
    for (size_t row = first, next; row < end && !(group.first && written > 0); row = next) {
        mmn_view inside = {.outer = outer, .table = group.table, .row = row};
        next = row + 1;
        if (group.by.size > 0) {
            next = end_of_run(writer, group.table, group.by, row, end);
            inside.first = row;
            inside.end = next;
        }
        if (group.condition.size > 0 &&
            !mmn_condition_holds(writer->result, group.condition, &inside, outer))
            continue;
        const mmn_piece between = group.every > 0 && written % group.every == 0 ? group.longer
                                                                                : group.separator;
        if (written++ > 0)
            mmn_text_add_bytes(writer->text, between.start, between.size);
        write_template(writer, group.body, &inside);
    }
}

static void write_group(const template_writer *writer, mmn_piece group, const mmn_view *view)
{
    const char kind = *group.start;
    if (!strchr("-+?!", kind)) {
        write_rows(writer, group, view);
        return;
    }
    mmn_piece head = mmn_piece_take(&group, "|");
    if (kind == '-' || kind == '+') {
        write_padded(writer, head, group, view);
        return;
    }
    mmn_piece_take(&head, "?!");
    if (mmn_condition_holds(writer->result, head, view, view) == (kind == '?'))
        write_template(writer, group, view);
}

static void write_template(const template_writer *writer, mmn_piece template, const mmn_view *view)
{
    while (template.size > 0 && !writer->text->failed) {
        const char *start = template.start;
        const mmn_piece plain = mmn_piece_take(&template, writer->quotes ? "$<'" : "$<");
        mmn_text_add_bytes(writer->text, plain.start, plain.size);
        if (plain.start + plain.size == template.start)
            break; /* nothing special stood at its end */
        const char special = start[plain.size];
        if (special == '\'')
            mmn_text_add_bytes(writer->text, "\"", 1);
        else if (special == '<')
            write_group(writer, mmn_piece_take_group(&template), view);
        else if (isalpha((unsigned char)*template.start))
            add_json(writer, look_up(view, take_name(&template)));
        else
            add_for_people(writer, &template, view);
    }
}

void mmn_template_add(mmn_text *text, const mmn_result *result, const char *template, bool quotes)
{
    const template_writer writer = {.text = text, .result = result, .quotes = quotes};
    const mmn_view top = {.table = result->tables};
    write_template(&writer, (mmn_piece){template, strlen(template)}, &top);
}

/* ---- Texts and files ------------------------------------------------------------------------- */

static mmn_status fill_in(char **made, const mmn_result *result, const char *template, bool quotes,
                          mmn_error *error)
{
    mmn_text text = {0};
    mmn_template_add(&text, result, template, quotes);
    return mmn_text_finish(&text, made, error);
}

mmn_status mmn_result_json(const mmn_result *result, char **text, mmn_error *error)
{
    MMN_CLEAR(text);
    MMN_GIVEN(error, result, text);
    return fill_in(text, result, result->form->json, true, error);
}

mmn_status mmn_result_table(const mmn_result *result, char **text, mmn_error *error)
{
    MMN_CLEAR(text);
    MMN_GIVEN(error, result, text);
    if (result->was_read)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "a result that was read has no table");
    return fill_in(text, result, result->form->people, false, error);
}

/* What writing a result makes on the way. */
typedef struct written {
    char *json, *beside, *beside_file;
    mmn_writer *first, *second;
} written;

/* Writes all of a text, but for the name that it takes at the end. */
static mmn_status prepare(mmn_writer **writer, const char *file, const char *text, mmn_error *error)
{
    MMN_TRY(mmn_writer_open(writer, file, error));
    return mmn_writer_write(*writer, text, strlen(text), error);
}

static mmn_status finish(mmn_writer **writer, mmn_error *error)
{
    mmn_writer *finished = *writer;
    *writer = NULL;
    return mmn_writer_commit(finished, error);
}

/* Both are written before either takes its name, so that a full disk leaves the old ones. The file
 * itself comes last: where it is, what is beside it belongs to it. */
static mmn_status write_both(written *made, const mmn_result *result, const char *file,
                             mmn_error *error)
{
    const bool two = result->form->beside && !result->was_read;
    if (two)
        MMN_TRY(result->form->beside_file(&made->beside_file, file, error));
    MMN_TRY(mmn_result_json(result, &made->json, error));
    if (two) {
        MMN_TRY(fill_in(&made->beside, result, result->form->beside, false, error));
        MMN_TRY(prepare(&made->second, made->beside_file, made->beside, error));
    }
    MMN_TRY(prepare(&made->first, file, made->json, error));
    if (two)
        MMN_TRY(finish(&made->second, error));
    return finish(&made->first, error);
}

mmn_status mmn_result_write(const mmn_result *result, const char *file, mmn_error *error)
{
    written made = {0};
    MMN_GIVEN(error, result, file);
    const mmn_status status = write_both(&made, result, file, error);
    mmn_writer_abandon(made.second);
    mmn_writer_abandon(made.first);
    mmn_free(made.json);
    mmn_free(made.beside);
    mmn_free(made.beside_file);
    return status;
}
