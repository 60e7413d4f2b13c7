/* Byte-level spellings: bytes as printable characters, and back. */
#include "text/byte_level.h"

#include "base/utf8.h"

/* Bytes that are printable characters of Latin-1 stand for themselves; the others, in ascending
 * order, for the characters from U+0100 on. */
static bool is_printable(unsigned byte)
{
    return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

/* The bytes below 0x21, from 0x7f to 0xa0, and 0xad. */
static uint32_t character_of(unsigned byte)
{
    if (is_printable(byte))
        return byte;
    if (byte < 0x21)
        return 0x100 + byte;
    return byte == 0xad ? 0x143 : 0x121 + (byte - 0x7f);
}

/* The byte that a character stands for, or -1. */
static int byte_of(uint32_t code)
{
    if (code < 0x100)
        return is_printable(code) ? (int)code : -1;
    if (code < 0x121)
        return (int)(code - 0x100);
    if (code < 0x143)
        return (int)(code - 0x121 + 0x7f);
    return code == 0x143 ? 0xad : -1;
}

void mmn_byte_level_spell(const char *text, size_t length, mmn_text *result)
{
    for (size_t at = 0; at < length; at++)
        mmn_text_add_character(result, character_of((unsigned char)text[at]));
}

void mmn_byte_level_read(const char *spelling, size_t length, mmn_text *result)
{
    size_t before = result->length;
    for (size_t at = 0; at < length; at += mmn_utf8_size(spelling + at)) {
        int byte = byte_of(mmn_utf8_decode(spelling + at));
        char character = (char)byte;
        if (byte < 0) {
            result->length = before;
            mmn_text_add_bytes(result, spelling, length);
            return;
        }
        mmn_text_add_bytes(result, &character, 1);
    }
}
