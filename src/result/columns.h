/* Columns of a text table: UTF-8 text of a given width. */
#ifndef MMN_RESULT_COLUMNS_H
#define MMN_RESULT_COLUMNS_H

#include "base/text_buffer.h"

/* How many columns UTF-8 text takes, at one for each character. */
int mmn_columns_of(const char *text);

/* Adds `text` and spaces up to `width` columns, or the text alone if it is wider. */
void mmn_columns_left(mmn_text *table, const char *text, int width);

#endif
