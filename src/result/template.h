/* Templates: how the tables of a result become a text.
 *
 * What stands in a template is written as it is, but for:
 *     $name              the value of a column, as JSON; nothing is null
 *     $8.4{name}         for people: a number in 8 columns with 4 decimals, or a text; both may be
 * left out; $8.2g{name}: with 2 significant digits; {a*100/b} computes
 *     $"{name}           a word in quotation marks, its spaces shown
 *     <table|S|T>        T for each row of the table, with S between them: rows that belong to the
 * row in view of its parent, or all <table 8|S|L|T>    the same with L in place of every eighth S
 *     <table x=y|S|T>    only rows whose text in column x is y; x=$z: is that of column z in view
 *     <table by x|S|T>   T for each run of rows with the same value in column x; inside, the
 * table's rows are those of the run <table first|S|T>  the first row only <table #x|S|T>     the
 * same as without; column x numbers the rows from 0, which readers go by
 *     <?x|T> <!x|T>      T if column x is neither nothing, false nor 0, or the table x has rows;
 * and if not. <?x=y|T> as above
 *     <-8 c|T> <+8 c|T>  T with spaces after or before it up to 8 columns, or as many as the widest
 * text of c takes if that is more: `c` is a column in view, or a whole one, "table.x";
 *                        <-8-31 c|T>: up to 31 columns at most
 *
 * A name means the innermost table in view that has such a column. */
#ifndef MMN_RESULT_TEMPLATE_H
#define MMN_RESULT_TEMPLATE_H

#include "result/result.h"

/* Adds what a template makes of the result; with `quotes`, ' in it stands for ". */
void mmn_template_add(mmn_text *text, const mmn_result *result, const char *template, bool quotes);

/* ---- Pieces, as those that write by templates and those that read by them take them apart ---- */

/* A piece of a template. */
typedef struct mmn_piece {
    const char *start;
    size_t size;
} mmn_piece;

/* Takes off the front: what comes before one of the characters `ends`, with the first of these; a
 * group whose "<" is gone already, with the ">" that ends it. */
mmn_piece mmn_piece_take(mmn_piece *text, const char *ends);
mmn_piece mmn_piece_take_group(mmn_piece *text);

/* A row in view, and those that enclose it. */
typedef struct mmn_view {
    const struct mmn_view *outer;
    mmn_table *table;
    size_t row;
    size_t first, end; /* of a run of rows; end 0: it is none */
} mmn_view;

/* The value of the column in view, or NULL; and the kind that the column has. */
mmn_value *mmn_view_value(const mmn_view *view, mmn_piece name);
mmn_value_kind mmn_view_kind(const mmn_view *view, mmn_piece name);
/* The rows [*first, *end) of a table in view: of a run, of the parent's row in view, or all. */
void mmn_view_rows(const mmn_view *view, const mmn_table *table, size_t *first, size_t *end);

/* A group of rows. */
typedef struct mmn_rows_group {
    mmn_table *table;
    mmn_piece condition, by, number; /* size 0: none */
    bool first;
    size_t every; /* 0: all separators are alike */
    mmn_piece separator, longer, body;
} mmn_rows_group;

mmn_rows_group mmn_rows_group_of(const mmn_result *result, mmn_piece group);

/* Whether "x=y" or "x=$z" is true, x of `inside` and z of `outside`; "x" alone: whether x is
 * something. */
bool mmn_condition_holds(const mmn_result *result, mmn_piece condition, const mmn_view *inside,
                         const mmn_view *outside);

#endif
