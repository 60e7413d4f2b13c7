/* Bars of characters, for charts in a terminal. */
#ifndef MMN_REPORT_BARS_H
#define MMN_REPORT_BARS_H

#include "base/text_buffer.h"

/* Adds a bar that fills `share` (0..1, nothing for NaN) of so many columns, to an eighth of a
 * column with block characters (UTF-8), else to a whole one with number signs. No spaces follow. */
void mmn_bar_add(mmn_text *text, double share, int columns, bool blocks);

#endif
