/* Bars of characters, for charts in a terminal. */
#include "page/bars.h"

void mmn_bar_add(mmn_text *text, double share, int columns, bool blocks)
{
    if (!(share > 0))
        return;
    const double filled = (share < 1 ? share : 1) * columns;
    if (!blocks) {
        mmn_text_fill(text, '#', (size_t)(filled + 0.5));
        return;
    }
    /* U+2588 is the full block, U+2589 has seven eighths, ... U+258F one. */
    const int eighths = (int)(filled * 8 + 0.5);
    for (int i = 0; i < eighths / 8; i++)
        mmn_text_add(text, "\xe2\x96\x88");
    if (eighths % 8 > 0)
        mmn_text_add(text, "\xe2\x96%c", 0x88 + 8 - eighths % 8);
}
