/* Heat tables: a grid of shaded cells with a text in each, and names of its rows and columns. */
#ifndef MMN_REPORT_HEAT_TABLE_H
#define MMN_REPORT_HEAT_TABLE_H

#include "page/svg.h"

/* Where the cells lie. Names of columns stand above them. */
typedef struct mmn_heat_table {
    size_t rows, columns;
    double left, top, cell_width, cell_height;
    bool slanted; /* names of columns are long, and rise from their columns to the right */
} mmn_heat_table;

/* Places a table of rows with names of so many columns of text into an empty graphic and sets the
 * graphic's size. `row_title` and `column_title` say what rows and columns are. */
void mmn_heat_table_begin(mmn_heat_table *table, mmn_svg *svg, const char *row_title,
                          const char *column_title, size_t name_columns);
void mmn_heat_table_row(const mmn_heat_table *table, mmn_svg *svg, size_t row, const char *name);
/* Names the rows by layers, the last one on top. */
void mmn_heat_table_layers(const mmn_heat_table *table, mmn_svg *svg);
void mmn_heat_table_column(const mmn_heat_table *table, mmn_svg *svg, size_t column,
                           const char *name);
/* Shades a cell and writes into it: a word, cut to its width, whose spaces a mark shows; or a
 * number unless that is NaN. */
void mmn_heat_table_word(const mmn_heat_table *table, mmn_svg *svg, size_t row, size_t column,
                         double share, const char *word);
void mmn_heat_table_number(const mmn_heat_table *table, mmn_svg *svg, size_t row, size_t column,
                           double share, double value, int decimals);

#endif
