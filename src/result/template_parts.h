/* Pieces of templates, as those that write by them and those that read by them take them apart. */
#ifndef MMN_RESULT_TEMPLATE_PARTS_H
#define MMN_RESULT_TEMPLATE_PARTS_H

#include "result/result.h"

/* A piece of a template. */
typedef struct mmn_span {
    const char *start;
    size_t size;
} mmn_span;

/* Takes off the front: what comes before one of the characters `ends`, with the first of these; a group
 * whose "<" is gone already, with the ">" that ends it; a name of letters, digits and "_"; a number. */
mmn_span mmn_span_take(mmn_span *text, const char *ends);
mmn_span mmn_span_take_group(mmn_span *text);
mmn_span mmn_span_take_name(mmn_span *text);
size_t mmn_span_take_number(mmn_span *text);

/* A row in view, and those that enclose it. */
typedef struct mmn_view {
    const struct mmn_view *outer;
    mmn_table *table;
    size_t row;
    size_t first, end; /* of a run of rows; end 0: it is none */
} mmn_view;

/* The value of the column in view, or NULL; and the kind that the column has. */
mmn_value *mmn_view_value(const mmn_view *view, mmn_span name);
mmn_value_kind mmn_view_kind(const mmn_view *view, mmn_span name);
/* The rows [*first, *end) of a table in view: those of a run, of the parent's row in view, or all. */
void mmn_view_rows(const mmn_view *view, const mmn_table *table, size_t *first, size_t *end);

/* A group of rows. */
typedef struct mmn_rows_group {
    mmn_table *table;
    mmn_span condition, by, number; /* size 0: none */
    bool first;
    size_t every; /* 0: all separators are alike */
    mmn_span separator, longer, body;
} mmn_rows_group;

mmn_rows_group mmn_rows_group_of(const mmn_result *result, mmn_span group);

/* Whether "x=y" or "x=$z" is true, x of `inside` and z of `outside`; "x" alone: whether x is something. */
bool mmn_condition_holds(const mmn_result *result, mmn_span condition, const mmn_view *inside,
                         const mmn_view *outside);

#endif
