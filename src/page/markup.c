/* Text of unknown origin inside HTML, SVG, Markdown and CSV, so that it stays text. */
#include "page/markup.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

static bool is_wide(uint32_t code)
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

void mmn_markup_add_cut(mmn_text *text, const char *utf8, size_t columns)
{
    size_t taken = 0, size;
    const char *end = utf8, *last = utf8; /* `last`: what fits beside an ellipsis ends there */
    for (; *end != '\0'; end += size) {
        taken += is_wide(mmn_character_at(end, &size)) ? 2 : 1;
        if (taken > columns)
            break;
        if (taken < columns)
            last = end + size;
    }
    if (*end == '\0') {
        mmn_markup_add(text, utf8);
        return;
    }
    for (const char *at = utf8; at < last; at += size) {
        const uint32_t code = mmn_character_at(at, &size);
        add_character(text, at, size, code);
    }
    mmn_text_add(text, "\xe2\x80\xa6");
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
