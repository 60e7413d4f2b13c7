/* Text of unknown origin inside HTML, SVG, Markdown and CSV, so that it stays text. */
#ifndef MMN_REPORT_MARKUP_H
#define MMN_REPORT_MARKUP_H

#include <stddef.h>

#include "base/text_buffer.h"

/* `utf8` as content or attribute value of HTML and XML: markup is escaped, and what XML cannot hold
 * or a reader cannot see (control characters, directions' overrides) is shown as U+FFFD. */
void mmn_markup_add(mmn_text *text, const char *utf8);
/* The same, cut to `columns` (at least 1) with an ellipsis; East Asian characters take two. */
void mmn_markup_add_cut(mmn_text *text, const char *utf8, size_t columns);

/* A field of CSV as RFC 4180 has it: quoted where it has a comma, quotation mark or line break. One that a
 * spreadsheet would take for a formula, since it begins with = + - @, a tab or a return, is quoted and
 * gets an apostrophe in front. */
void mmn_markup_add_csv(mmn_text *text, const char *utf8);
/* A cell of a Markdown table, or a word of its text: what would be markup is escaped. */
void mmn_markup_add_markdown(mmn_text *text, const char *utf8);

#endif
