/* What pages are written with: text of unknown origin that stays text, numbers for readers, bars of
 * characters, and bytes as text. */
#include "page/text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/utf8.h"

/* ---- Text of unknown origin ------------------------------------------------------------------ */

bool mmn_is_wide(uint32_t code)
{
    return (code >= 0x1100 && code < 0x1160) || (code >= 0x2e80 && code < 0xa4d0) ||
           (code >= 0xac00 && code < 0xd7a4) || (code >= 0xf900 && code < 0xfb00) ||
           (code >= 0xff00 && code < 0xff61) || (code >= 0x1f300 && code < 0x1fb00) ||
           (code >= 0x20000 && code < 0x40000);
}

static void add_character(mmn_text *text, const char *bytes, size_t size, uint32_t code)
{
    switch (code) {
    case '&':
        mmn_text_add(text, "&amp;");
        break;
    case '<':
        mmn_text_add(text, "&lt;");
        break;
    case '>':
        mmn_text_add(text, "&gt;");
        break;
    case '"':
        mmn_text_add(text, "&quot;");
        break;
    case '\'':
        mmn_text_add(text, "&#39;");
        break;
    default:
        if (mmn_is_hidden(code) || code == 0xfffd)
            mmn_text_add(text, "\xef\xbf\xbd");
        else
            mmn_text_add_bytes(text, bytes, size);
    }
}

void mmn_markup_add(mmn_text *text, const char *utf8)
{
    for (size_t size; *utf8 != '\0'; utf8 += size) {
        const uint32_t code = mmn_character_at(utf8, &size);
        add_character(text, utf8, size, code);
    }
}

void mmn_markup_add_first(mmn_text *text, const char *utf8, size_t bytes)
{
    const char *end = utf8 + bytes;
    for (size_t size; utf8 < end; utf8 += size) {
        const uint32_t code = mmn_character_at(utf8, &size);
        add_character(text, utf8, size, code);
    }
    if (*end != '\0')
        mmn_text_add(text, "\xe2\x80\xa6");
}

void mmn_markup_add_cut(mmn_text *text, const char *utf8, size_t columns)
{
    size_t taken = 0, size;
    const char *end = utf8, *last = utf8; /* `last`: what fits beside an ellipsis ends there */
    for (; *end != '\0'; end += size) {
        taken += mmn_is_wide(mmn_character_at(end, &size)) ? 2 : 1;
        if (taken > columns)
            break;
        if (taken < columns)
            last = end + size;
    }
    mmn_markup_add_first(text, utf8, (size_t)((*end == '\0' ? end : last) - utf8));
}

void mmn_markup_add_csv(mmn_text *text, const char *utf8)
{
    bool formula = *utf8 != '\0' && strchr("=+-@\t\r", *utf8);
    const char *mark = formula || utf8[strcspn(utf8, ",\"\r\n")] != '\0' ? "\"" : "";
    mmn_text_add(text, "%s%s", mark, formula ? "'" : "");
    for (; *utf8 != '\0'; utf8++) {
        if (*utf8 == '"')
            mmn_text_add(text, "\"");
        mmn_text_add_bytes(text, utf8, 1);
    }
    mmn_text_add(text, "%s", mark);
}

void mmn_markup_add_markdown(mmn_text *text, const char *utf8)
{
    for (size_t size; *utf8 != '\0'; utf8 += size) {
        const uint32_t code = mmn_character_at(utf8, &size);
        if (code < 0x80 && strchr("\\`*_{}[]#|~!", (int)code))
            mmn_text_add(text, "\\");
        add_character(text, utf8, size, code);
    }
}

/* ---- What results are of --------------------------------------------------------------------- */

void mmn_text_add_about(mmn_text *text, const char *words, bool languages)
{
    while (*words != '\0') {
        const bool is_domain = (*words == 'd' || *words == 'D') &&
                               strncmp(words + 1, "omain", 5) == 0;
        if (languages && is_domain)
            mmn_text_add(text, "%s", *words == 'D' ? "Language" : "language");
        else
            mmn_text_add_bytes(text, words, is_domain ? 6 : 1);
        words += is_domain ? 6 : 1;
    }
}

/* ---- Numbers --------------------------------------------------------------------------------- */

void mmn_number_fixed(mmn_text *text, double value, int decimals)
{
    double scale = 1;
    for (int i = 0; i < decimals; i++)
        scale *= 10;
    double scaled = floor(fabs(value) * scale + 0.5);
    if (!isfinite(value))
        return;
    if (scaled > 9e15) {
        mmn_text_add_real(text, value);
        return;
    }
    const uint64_t units = (uint64_t)scaled, whole = units / (uint64_t)scale;
    mmn_text_add(text, "%s%" PRIu64, value < 0 && units > 0 ? "-" : "", whole);
    if (decimals > 0)
        mmn_text_add(text, ".%0*" PRIu64, decimals, units % (uint64_t)scale);
}

double mmn_number_step(double maximum, int ticks)
{
    double step = 1;
    if (!(maximum > 0) || !isfinite(maximum))
        return step;
    while (maximum / step > ticks)
        step *= 10;
    while (maximum / (step / 10) <= ticks)
        step /= 10;
    if (maximum / (step / 5) <= ticks)
        return step / 5;
    return maximum / (step / 2) <= ticks ? step / 2 : step;
}

int mmn_number_step_decimals(double step)
{
    int decimals = 0;
    for (; decimals < 9 && step < 1 - 1e-9; decimals++)
        step *= 10;
    return decimals;
}

/* ---- Bars and bytes -------------------------------------------------------------------------- */

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

void mmn_level_add(mmn_text *text, double share, bool blocks)
{
    static const char dark[] = ".:-=+*#@";
    const int level = !(share > 0) ? 0 : share < 1 ? (int)(share * 8) : 7;
    if (isnan(share))
        mmn_text_add(text, " ");
    else if (blocks) /* U+2581 is the lowest block, U+2588 the full one */
        mmn_text_add(text, "\xe2\x96%c", 0x81 + level);
    else
        mmn_text_add(text, "%c", dark[level]);
}

void mmn_base64_add(mmn_text *text, const uint8_t *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        const size_t left = size - i;
        const uint32_t bits = (uint32_t)data[i] << 16 |
                              (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                              (left > 2 ? (uint32_t)data[i + 2] : 0);
        const char four[] = {digits[bits >> 18], digits[bits >> 12 & 63],
                             left > 1 ? digits[bits >> 6 & 63] : '=',
                             left > 2 ? digits[bits & 63] : '='};
        mmn_text_add_bytes(text, four, sizeof(four));
    }
}
