/* Columns of a text table: UTF-8 text of a given width. */
#include "result/columns.h"

int mmn_columns_of(const char *text)
{
    int columns = 0;
    for (; *text != '\0'; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

void mmn_columns_left(mmn_text *table, const char *text, int width)
{
    int columns = mmn_columns_of(text);
    mmn_text_add(table, "%s", text);
    if (columns < width)
        mmn_text_fill(table, ' ', (size_t)(width - columns));
}
