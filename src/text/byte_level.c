/* Byte-level spellings: bytes as printable characters, and back. */
#include "text/byte_level.h"

#include "text/utf8.h"

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

mmn_status mmn_byte_level_spell(const char *text, size_t length, mmn_bytes *result,
                                mmn_error *error)
{
    mmn_status status = MMN_OK;
    for (size_t at = 0; at < length && status == MMN_OK; at++) {
        char character[4];
        size_t size = mmn_utf8_encode(character, character_of((unsigned char)text[at]));
        status = mmn_bytes_add(result, character, size, error);
    }
    return status;
}

mmn_status mmn_byte_level_read(const char *spelling, size_t length, mmn_bytes *result,
                               mmn_error *error)
{
    size_t before = result->length;
    mmn_status status = MMN_OK;
    for (size_t at = 0; at < length && status == MMN_OK; at += mmn_utf8_size(spelling + at)) {
        int byte = byte_of(mmn_utf8_decode(spelling + at));
        char character = (char)byte;
        if (byte < 0) {
            result->length = before;
            return mmn_bytes_add(result, spelling, length, error);
        }
        status = mmn_bytes_add(result, &character, 1, error);
    }
    return status;
}
