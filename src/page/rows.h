/* Rows of results' tables, as figures take them. */
#ifndef MMN_REPORT_ROWS_H
#define MMN_REPORT_ROWS_H

#include "page/table.h"
#include "result/result.h"

/* Rows [first, end) of a table. */
typedef struct mmn_rows {
    size_t first, end;
} mmn_rows;

mmn_rows mmn_rows_all(const mmn_result *result, const char *table);
/* Those that belong to row `row` of the table `above`, which may be some tables above. */
mmn_rows mmn_rows_below(const mmn_result *result, const char *table, const char *above, size_t row);

/* Adds these rows to a figure's table: for each of its columns the value of the column `from` of
 * their table, or of the one they belong to. `"word` is a word, whose spaces people are shown, and #
 * the number of the row from 1 on among those that belong to the same one. */
void mmn_rows_add(mmn_report_table *table, const mmn_result *result, const char *name,
                  mmn_rows rows, const char *const *from);

/* Whether the row has this text in the column; NULL: whether it has nothing there. */
bool mmn_row_is(const mmn_result *result, const char *table, size_t row, const char *column,
                const char *text);

#endif
