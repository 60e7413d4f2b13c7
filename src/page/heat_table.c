/* Heat tables: a grid of shaded cells with a text in each, and names of its rows and columns. */
#include "page/heat_table.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "page/figure.h"
#include "result/words.h"

/* The width of a character of a small text, about. */
#define CHARACTER 6.6

void mmn_heat_table_begin(mmn_heat_table *table, mmn_svg *svg, const char *row_title,
                          const char *column_title, size_t name_columns)
{
    table->left = CHARACTER * (double)name_columns + 8;
    table->top = table->slanted ? 112 : 76;
    /* Slanted names end to the right of the last column. */
    const double beyond = table->slanted ? 58 : 0;
    const double fitting = (MMN_PANEL_WIDTH - table->left - beyond) / (double)table->columns;
    if (table->cell_width < fitting)
        table->cell_width = fitting < 64 ? fitting : 64;
    svg->width = table->left + table->cell_width * (double)table->columns + beyond;
    if (svg->width < MMN_PANEL_WIDTH)
        svg->width = MMN_PANEL_WIDTH;
    svg->height = table->top + table->cell_height * (double)table->rows + 4;
    mmn_svg_text(svg, "soft", table->left, 32, MMN_ANCHOR_START, 0, column_title);
    mmn_svg_text(svg, "soft", 0, table->top - 7, MMN_ANCHOR_START, 0, row_title);
}

void mmn_heat_table_row(const mmn_heat_table *table, mmn_svg *svg, size_t row, const char *name)
{
    mmn_svg_text(svg, "label", table->left - 8,
                 table->top + table->cell_height * ((double)row + 0.5) + 4, MMN_ANCHOR_END,
                 (size_t)((table->left - 8) / CHARACTER), name);
}

void mmn_heat_table_layers(const mmn_heat_table *table, mmn_svg *svg)
{
    char name[24];
    for (size_t layer = 0; layer < table->rows; layer++) {
        snprintf(name, sizeof(name), "%zu", layer);
        mmn_heat_table_row(table, svg, table->rows - 1 - layer, name);
    }
}

void mmn_heat_table_column(const mmn_heat_table *table, mmn_svg *svg, size_t column,
                           const char *name)
{
    const double middle = table->left + table->cell_width * ((double)column + 0.5);
    if (table->slanted)
        mmn_svg_slanted(svg, "label", middle - 2, table->top - 8, 14, name);
    else
        mmn_svg_text(svg, "label", middle, table->top - 7, MMN_ANCHOR_MIDDLE,
                     (size_t)(table->cell_width / CHARACTER), name);
}

static void shade(const mmn_heat_table *table, mmn_svg *svg, size_t row, size_t column,
                  double share)
{
    mmn_svg_heat(svg, "heat", table->left + table->cell_width * (double)column + 1,
                 table->top + table->cell_height * (double)row + 1, table->cell_width - 2,
                 table->cell_height - 2, share);
}

void mmn_heat_table_word(const mmn_heat_table *table, mmn_svg *svg, size_t row, size_t column,
                         double share, const char *word)
{
    char *shown = mmn_word_shown(word, NULL);
    shade(table, svg, row, column, share);
    if (!shown) {
        svg->body.failed = true;
        return;
    }
    mmn_svg_text(svg, "label", table->left + table->cell_width * ((double)column + 0.5),
                 table->top + table->cell_height * ((double)row + 0.5) + 4, MMN_ANCHOR_MIDDLE,
                 (size_t)((table->cell_width - 4) / CHARACTER), shown);
    mmn_free(shown);
}

void mmn_heat_table_number(const mmn_heat_table *table, mmn_svg *svg, size_t row, size_t column,
                           double share, double value, int decimals)
{
    shade(table, svg, row, column, share);
    if (isfinite(value))
        mmn_svg_number(svg, "label", table->left + table->cell_width * ((double)column + 0.5),
                       table->top + table->cell_height * ((double)row + 0.5) + 4,
                       MMN_ANCHOR_MIDDLE, value, decimals, "");
}
