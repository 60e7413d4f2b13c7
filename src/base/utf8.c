/* Characters: UTF-8, white space, what shows nothing, and hexadecimal digits. */
#include "base/utf8.h"

#include <string.h>

#include "mmneuron.h"

size_t mmn_utf8_size(const char *text)
{
    unsigned char first = (unsigned char)*text;
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* How many bytes at `text` begin a character of several bytes: all of it, or less where it is cut
 * short or ends in a byte that cannot follow. */
static size_t begun(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t size = mmn_utf8_size(text), at = 1;
    if (bytes[0] < 0xc2 || bytes[0] > 0xf4)
        return 0;
    /* The second byte keeps out overlong forms, surrogates and what lies beyond U+10FFFF. */
    unsigned char low = bytes[0] == 0xe0 ? 0xa0 : bytes[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = bytes[0] == 0xed ? 0x9f : bytes[0] == 0xf4 ? 0x8f : 0xbf;
    for (; at < size && at < length && bytes[at] >= low && bytes[at] <= high; at++) {
        low = 0x80;
        high = 0xbf;
    }
    return at;
}

size_t mmn_utf8_invalid_size(const char *text, size_t length)
{
    size_t size = begun(text, length);
    return size > 0 ? size : 1;
}

size_t mmn_utf8_valid_prefix(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        size_t size = mmn_utf8_size(text + at);
        if (size > 1 && begun(text + at, length - at) < size)
            break;
        at += size;
    }
    return at;
}

uint32_t mmn_utf8_decode(const char *text)
{
    static const unsigned char first_bits[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t size = mmn_utf8_size(text);
    uint32_t code = (unsigned char)text[0] & first_bits[size];
    for (size_t i = 1; i < size; i++)
        code = code << 6 | ((unsigned char)text[i] & 0x3f);
    return code;
}

uint32_t mmn_character_at(const char *text, size_t *size)
{
    *size = mmn_utf8_size(text);
    if (mmn_utf8_valid_prefix(text, *size) == *size)
        return mmn_utf8_decode(text);
    *size = 1;
    return 0xfffd;
}

size_t mmn_utf8_encode(char text[4], uint32_t code)
{
    static const unsigned char marks[5] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        text[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    text[0] = (char)(marks[size] | code);
    return size;
}

size_t mmn_utf8_previous(const char *text, size_t end)
{
    do
        end--;
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80);
    return end;
}

bool mmn_is_whitespace(uint32_t code)
{
    return (code >= 0x09 && code <= 0x0d) || code == 0x20 || code == 0x85 || code == 0xa0 ||
           code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
           code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

/* ---- Text from strangers --------------------------------------------------------------------- */

bool mmn_is_hidden(uint32_t code)
{
    /* Of what has no width, joiners stay (U+200C, U+200D): words and emoji are written with
     * them. */
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

/* ---- Hexadecimal digits ---------------------------------------------------------------------- */

int mmn_hexadecimal_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

void mmn_hexadecimal_write(char *text, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * count] = '\0';
}

void mmn_hexadecimal_read(uint8_t *bytes, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(mmn_hexadecimal_value(text[2 * i]) << 4 |
                             mmn_hexadecimal_value(text[2 * i + 1]));
}
