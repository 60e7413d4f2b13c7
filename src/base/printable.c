/* Characters of text from strangers: which are no text, so that what is printed drives no terminal. */
#include "base/printable.h"

#include <string.h>

#include "base/utf8.h"
#include "mmneuron.h"

bool mmn_is_hidden(uint32_t code)
{
    /* Of what has no width, joiners stay (U+200C, U+200D): words and emoji are written with them. */
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x061c || code == 0x180e ||
           code == 0x200b || (code >= 0x200e && code < 0x2010) ||
           (code >= 0x2028 && code < 0x202f) || (code >= 0x2060 && code < 0x2070) ||
           code == 0xfeff || (code >= 0xfff9 && code < 0xfffc) || (code & 0xfffe) == 0xfffe ||
           (code >= 0xfdd0 && code < 0xfdf0) || (code >= 0xe0000 && code < 0xe0080);
}

void mmn_make_printable(char *text, int lines)
{
    char *to = text;
    for (size_t size; *text != '\0'; text += size) {
        uint32_t code = mmn_character_at(text, &size);
        bool layout = lines && (code == '\n' || code == '\t');
        if (!layout && (mmn_is_hidden(code) || (code == 0xfffd && size == 1))) {
            *to++ = '?';
        } else {
            memmove(to, text, size);
            to += size;
        }
    }
    *to = '\0';
}
