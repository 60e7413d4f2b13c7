/* Words and columns as people read them: spaces that show, and UTF-8 text of a given width. */
#ifndef MMN_RESULT_WORDS_H
#define MMN_RESULT_WORDS_H

#include "base/text_buffer.h"

/* The word with each space as U+2581, so that " cat" and "cat" look different wherever they stand.
 * NULL when memory is short; free with mmn_free. `error` may be NULL. */
char *mmn_word_shown(const char *word, mmn_error *error);

/* How many columns UTF-8 text takes, at one for each character. */
int mmn_columns_of(const char *text);

/* Adds `text` and spaces up to `width` columns, or the text alone if it is wider. */
void mmn_columns_left(mmn_text *table, const char *text, int width);

#endif
