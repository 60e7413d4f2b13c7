/* Templates: how the tables of a result become a text. */
#include "result/template.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "result/columns.h"
#include "result/words.h"

/* A piece of a template. */
typedef struct span {
    const char *start;
    size_t size;
} span;

/* A row in view, and those that enclose it. */
typedef struct row_view {
    const struct row_view *outer;
    const mmn_table *table;
    size_t row;
    size_t first, end; /* of a run of rows; end 0: it is none */
} row_view;

typedef struct template_writer {
    mmn_text *text;
    const mmn_result *result;
    bool quotes;
} template_writer;

static void write_span(const template_writer *writer, span template, const row_view *view);

/* ---- Reading a template ---------------------------------------------------------------------- */

static bool is(span text, const char *other)
{
    return text.size == strlen(other) && memcmp(text.start, other, text.size) == 0;
}

/* Takes what comes before one of the characters `ends`, and the first of these, off the front. */
static span take(span *text, const char *ends)
{
    span taken = {.start = text->start};
    while (taken.size < text->size && !strchr(ends, text->start[taken.size]))
        taken.size++;
    const size_t gone = taken.size + (taken.size < text->size);
    text->start += gone;
    text->size -= gone;
    return taken;
}

/* Takes a group, whose "<" is gone already, with the ">" that ends it. */
static span take_group(span *text)
{
    span group = {.start = text->start};
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

/* Takes a name of letters, digits and "_" off the front. */
static span take_name(span *text)
{
    span name = {.start = text->start};
    while (name.size < text->size &&
           (isalnum((unsigned char)text->start[name.size]) || text->start[name.size] == '_'))
        name.size++;
    text->start += name.size;
    text->size -= name.size;
    return name;
}

static size_t take_number(span *text)
{
    size_t number = 0;
    for (; text->size > 0 && isdigit((unsigned char)*text->start); text->start++, text->size--)
        number = number * 10 + (size_t)(*text->start - '0');
    return number;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* The value of the column in view; nothing if there is none. */
static const mmn_value *look_up(const row_view *view, span name)
{
    static const mmn_value nothing;
    for (; view; view = view->outer) {
        const size_t column = mmn_result_column(view->table, name.start, name.size);
        if (column != SIZE_MAX)
            return mmn_result_value(view->table, view->row, column);
    }
    return &nothing;
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
static void add_for_people(const template_writer *writer, span *template, const row_view *view)
{
    const bool word = *template->start == '"';
    if (word)
        take(template, "\"");
    const int width = (int)take_number(template);
    const bool fixed = *template->start == '.';
    if (fixed)
        take(template, ".");
    const int decimals = (int)take_number(template);
    const bool digits = *template->start == 'g';
    take(template, "{");
    span terms = take(template, "}");
    const mmn_value *value = look_up(view, take_name(&terms));
    if (word) {
        add_word(writer->text, text_of(writer, value));
    } else if (fixed) {
        double number = number_of(value);
        for (char sign; terms.size > 0;) {
            sign = *take(&terms, "*/").start;
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

/* Whether "x=y" or "x=$z" is true; "x" alone: whether x is something. */
static bool holds(const template_writer *writer, span condition, const row_view *inside, const row_view *outside)
{
    const span name = take_name(&condition);
    const mmn_value *value = look_up(inside, name);
    if (condition.size > 0) {
        take(&condition, "=");
        const char *text = text_of(writer, value);
        if (condition.size > 0 && *condition.start == '$') {
            take(&condition, "$");
            return strcmp(text, text_of(writer, look_up(outside, condition))) == 0;
        }
        return is(condition, text);
    }
    if (value->kind == MMN_VALUE_TRUTH)
        return value->truth;
    if (value->kind == MMN_VALUE_WHOLE)
        return value->whole > 0;
    const mmn_table *table = mmn_result_find(writer->result, name.start, name.size);
    return value->kind != MMN_VALUE_NOTHING || (table && table->rows > 0);
}

/* ---- Groups ---------------------------------------------------------------------------------- */

/* "<-8 column|...>" or "<+8 column|...>": `widths` is what stands before the bar. */
static void write_padded(const template_writer *writer, span widths, span body, const row_view *view)
{
    const bool before = *widths.start == '+';
    take(&widths, "+-");
    int width = (int)take_number(&widths);
    take(&widths, " ");
    const span name = take(&widths, ".");
    const mmn_table *whole =
        widths.size > 0 ? mmn_result_find(writer->result, name.start, name.size) : NULL;
    for (size_t row = 0; row < (whole ? whole->rows : name.size > 0); row++) {
        const mmn_value *value =
            whole ? mmn_result_value(whole, row,
                                     mmn_result_column(whole, widths.start, widths.size))
                  : look_up(view, name);
        const int columns = mmn_columns_of(text_of(writer, value));
        width = columns > width ? columns : width;
    }
    mmn_text inside = {0};
    char *text;
    write_span(&(struct template_writer){&inside, writer->result, writer->quotes}, body, view);
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

/* The rows of a table that are in view: those of a run, those of a parent's row in view, or all. */
static void rows_in_view(const mmn_table *table, const row_view *view, size_t *first,
                         size_t *end)
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

/* "<table ...|separator|...>": `head` is what stands before the first bar. */
static void write_rows(const template_writer *writer, span head, span body, const row_view *outer)
{
    span name = take_name(&head), condition = {0}, by = {0};
    size_t every = 0, written = 0, first, end;
    const mmn_table *table = mmn_result_find(writer->result, name.start, name.size);
    bool only_first = false;
    take(&head, " ");
    while (head.size > 0) {
        const span word = take(&head, " ");
        span rest = word;
        if (isdigit((unsigned char)*word.start))
            every = take_number(&rest);
        else if (is(word, "by"))
            by = take(&head, " ");
        else if (is(word, "first"))
            only_first = true;
        else
            condition = word;
    }
    const span separator = take(&body, "|");
    const span longer = every > 0 ? take(&body, "|") : separator;
    rows_in_view(table, outer, &first, &end);
    for (size_t row = first, next; row < end && !(only_first && written > 0); row = next) {
        row_view inside = {.outer = outer, .table = table, .row = row};
        next = row + 1;
        if (by.size > 0) {
            const size_t column = mmn_result_column(table, by.start, by.size);
            while (next < end && are_same(writer, mmn_result_value(table, next, column),
                                          mmn_result_value(table, row, column)))
                next++;
            inside.first = row;
            inside.end = next;
        }
        if (condition.size > 0 && !holds(writer, condition, &inside, outer))
            continue;
        const span between = every > 0 && written % every == 0 ? longer : separator;
        if (written++ > 0)
            mmn_text_add_bytes(writer->text, between.start, between.size);
        write_span(writer, body, &inside);
    }
}

static void write_group(const template_writer *writer, span group, const row_view *view)
{
    span head = take(&group, "|");
    const char kind = *head.start;
    if (kind == '-' || kind == '+') {
        write_padded(writer, head, group, view);
    } else if (kind == '?' || kind == '!') {
        take(&head, "?!");
        if (holds(writer, head, view, view) == (kind == '?'))
            write_span(writer, group, view);
    } else {
        write_rows(writer, head, group, view);
    }
}

static void write_span(const template_writer *writer, span template, const row_view *view)
{
    while (template.size > 0 && !writer->text->failed) {
        const char *start = template.start;
        const span plain = take(&template, writer->quotes ? "$<'" : "$<");
        mmn_text_add_bytes(writer->text, plain.start, plain.size);
        if (plain.start + plain.size == template.start)
            break; /* nothing special stood at its end */
        const char special = start[plain.size];
        if (special == '\'')
            mmn_text_add_bytes(writer->text, "\"", 1);
        else if (special == '<')
            write_group(writer, take_group(&template), view);
        else if (isalpha((unsigned char)*template.start))
            add_json(writer, look_up(view, take_name(&template)));
        else
            add_for_people(writer, &template, view);
    }
}

void mmn_template_add(mmn_text *text, const mmn_result *result, const char *template, bool quotes)
{
    const template_writer writer = {.text = text, .result = result, .quotes = quotes};
    const row_view top = {.table = &result->tables[0]};
    write_span(&writer, (span){template, strlen(template)}, &top);
}
