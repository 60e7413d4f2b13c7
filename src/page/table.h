/* The numbers of a figure as a table with one observation a row, and its forms as text. */
#ifndef MMN_REPORT_TABLE_H
#define MMN_REPORT_TABLE_H

#include <stdint.h>

#include "base/text_buffer.h"

/* What a column holds, and how many decimals of a real number people are shown. */
typedef struct mmn_column {
    const char *name; /* with the unit: "entropy (nats)" */
    int decimals;
} mmn_column;

typedef enum mmn_cell_kind {
    MMN_CELL_EMPTY,
    MMN_CELL_TEXT,
    MMN_CELL_WORD, /* a text whose spaces people are shown by a mark; in CSV as it is */
    MMN_CELL_INTEGER,
    MMN_CELL_REAL
} mmn_cell_kind;

typedef struct mmn_cell {
    mmn_cell_kind kind;
    const char *text; /* belongs to someone who lives longer */
    int64_t integer;
    double real;
} mmn_cell;

/* Zero-initialise but for the columns, which must live longer. Cells are added row by row. */
typedef struct mmn_report_table {
    const mmn_column *columns;
    size_t column_count;
    mmn_cell *cells;
    size_t count, capacity;
    bool failed; /* memory was short: nothing more is added */
} mmn_report_table;

void mmn_table_text(mmn_report_table *table, const char *value); /* NULL: an empty cell */
void mmn_table_word(mmn_report_table *table, const char *value);
void mmn_table_integer(mmn_report_table *table, int64_t value);
void mmn_table_real(mmn_report_table *table, double value); /* not finite: an empty cell */
size_t mmn_table_rows(const mmn_report_table *table);
void mmn_table_free(mmn_report_table *table);

/* All rows, below a line of names; reals as the shortest decimal that reads back the same. */
void mmn_table_csv(mmn_text *text, const mmn_report_table *table);
/* At most `rows` of them, reals rounded; HTML keeps the exact number in <data value>. The HTML's
 * caption must be escaped already. */
void mmn_table_markdown(mmn_text *text, const mmn_report_table *table, size_t rows);
void mmn_table_html(mmn_text *text, const mmn_report_table *table, const char *caption,
                    size_t rows);

#endif
