/* What pages are written with: text of unknown origin that stays text, numbers for readers, bars of
 * characters, and bytes as text. */
#ifndef MMN_PAGE_TEXT_H
#define MMN_PAGE_TEXT_H

#include "base/text_buffer.h"

/* `utf8` as content or attribute value of HTML and XML: markup is escaped, and what XML cannot hold
 * or a reader cannot see (control characters, directions' overrides) is shown as U+FFFD. */
void mmn_markup_add(mmn_text *text, const char *utf8);
/* The same, cut to `columns` (at least 1) with an ellipsis; East Asian characters take two. */
void mmn_markup_add_cut(mmn_text *text, const char *utf8, size_t columns);
/* The first bytes of a text, whole characters, with an ellipsis unless they are all. */
void mmn_markup_add_first(mmn_text *text, const char *utf8, size_t bytes);
/* A field of CSV as RFC 4180 has it: quoted where it has a comma, quotation mark or line break. One
 * that a spreadsheet would take for a formula, since it begins with = + - @, a tab or a return, is
 * quoted and gets an apostrophe in front. */
void mmn_markup_add_csv(mmn_text *text, const char *utf8);
/* A cell of a Markdown table, or a word of its text: what would be markup is escaped. */
void mmn_markup_add_markdown(mmn_text *text, const char *utf8);

/* Whether a character is an East Asian one, as wide as high. */
bool mmn_is_wide(uint32_t code);

/* Adds the library's own words, with "language" for each "domain" of results about languages. */
void mmn_text_add_about(mmn_text *text, const char *words, bool languages);

/* Adds `value` rounded to 0..9 decimals, halves away from zero, whatever the locale; nothing if it
 * is not finite. */
void mmn_number_fixed(mmn_text *text, double value, int decimals);
/* The smallest of 1, 2, 5, 10, ... times a power of ten by which 0..maximum has at most `ticks`
 * steps; 1 unless maximum is above 0 and finite. */
double mmn_number_step(double maximum, int ticks);
/* The decimals that multiples of a step need: 0 for 5, 2 for 0.02. */
int mmn_number_step_decimals(double step);

/* Adds a bar that fills `share` (0..1, nothing for NaN) of so many columns, to an eighth of a
 * column with block characters (UTF-8), else to a whole one with number signs. No spaces follow. */
void mmn_bar_add(mmn_text *text, double share, int columns, bool blocks);

/* Adds one character for `share` (0..1, a space for NaN) of a line over layers: of eight blocks as
 * high, or of ASCII characters as dark. */
void mmn_level_add(mmn_text *text, double share, bool blocks);

/* RFC 4648's base64, with padding, on one line. */
void mmn_base64_add(mmn_text *text, const uint8_t *data, size_t size);

#endif
