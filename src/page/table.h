/* The numbers of a figure as a table with one observation a row, its forms as text, and the rows of
 * results' tables that go into it. */
#ifndef MMN_PAGE_TABLE_H
#define MMN_PAGE_TABLE_H

#include "base/text_buffer.h"
#include "result/result.h"

/* What a column holds, how many decimals of a real number people are shown, and what column of a
 * result's table it is taken from, if it is: of the one whose rows are added or of one that these
 * belong to. `"word` is a word, whose spaces people are shown by a mark, which CSV has not; # the
 * number of the row from 1 on among those that belong to the same one; and #table the domain that
 * the row of that table is for, as rows are in the order of the table "domains". */
typedef struct mmn_column {
    const char *name; /* with the unit: "entropy (nats)" */
    int decimals;
    const char *from;
} mmn_column;

/* Made by mmn_table_begin. Cells are added row by row. */
typedef struct mmn_report_table {
    const mmn_column *columns;
    size_t column_count;
    mmn_value *cells; /* their texts are given, and belong to someone who lives longer */
    size_t count, capacity;
    bool languages; /* which people are told domains are */
    bool failed;    /* memory was short: nothing more is added */
} mmn_report_table;

/* An empty table of the columns up to one without a name, which must live longer. */
mmn_report_table mmn_table_begin(const mmn_column *columns);
/* Adds cells; what is no number is an empty one. */
void mmn_table_add(mmn_report_table *table, const mmn_value *cells, size_t count);
#define MMN_CELLS(table, ...)                                                                      \
    mmn_table_add(table, (const mmn_value[]){__VA_ARGS__},                                         \
                  sizeof((const mmn_value[]){__VA_ARGS__}) / sizeof(mmn_value))
size_t mmn_table_rows(const mmn_report_table *table);
void mmn_table_free(mmn_report_table *table);

/* All rows, below a line of names; reals as the shortest decimal that reads back the same. */
void mmn_table_csv(mmn_text *text, const mmn_report_table *table);
/* At most `rows` of them, reals rounded; HTML keeps the exact number in <data value>. */
void mmn_table_markdown(mmn_text *text, const mmn_report_table *table, size_t rows);
void mmn_table_html(mmn_text *text, const mmn_report_table *table, const char *caption,
                    size_t rows);

/* Rows [first, end) of a result's table. */
typedef struct mmn_rows {
    size_t first, end;
} mmn_rows;

mmn_rows mmn_rows_all(const mmn_result *result, const char *table);
/* Those that belong to row `row` of the table `above`, which may be some tables above. */
mmn_rows mmn_rows_below(const mmn_result *result, const char *table, const char *above, size_t row);
/* Adds these rows of the result's table `name`: for each column what it is taken from. */
void mmn_rows_add(mmn_report_table *table, const mmn_result *result, const char *name,
                  mmn_rows rows);
/* The value of a column of the row's table, or of one that it belongs to, as a cell. */
mmn_value mmn_row_value(const mmn_result *result, const char *table, size_t row,
                        const char *column);
/* Whether the row has this text in the column; NULL: whether it has nothing there. */
bool mmn_row_is(const mmn_result *result, const char *table, size_t row, const char *column,
                const char *text);
/* Whether a row before this one has the same text there. */
bool mmn_row_repeats(const mmn_result *result, const char *table, size_t row, const char *column);

#endif
