/* Characters as tokenizers see them: classes and lower case, from utf8proc's data and for BERT, and
 * the ones that stand for bytes. */
#include "text/characters.h"

#include <stddef.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "text/bert_ranges.h"

#ifdef HAVE_UTF8PROC

#include <utf8proc.h>

uint32_t mmn_to_lowercase(uint32_t code)
{
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)code);
}

static utf8proc_category_t category(uint32_t code)
{
    return utf8proc_category((utf8proc_int32_t)code);
}

bool mmn_is_mark(uint32_t code)
{
    utf8proc_category_t of = category(code);
    return of == UTF8PROC_CATEGORY_MN || of == UTF8PROC_CATEGORY_MC || of == UTF8PROC_CATEGORY_ME;
}

bool mmn_is_number(uint32_t code)
{
    utf8proc_category_t of = category(code);
    return of == UTF8PROC_CATEGORY_ND || of == UTF8PROC_CATEGORY_NL || of == UTF8PROC_CATEGORY_NO;
}

bool mmn_is_word_character(uint32_t code)
{
    if (code == 0x200c || code == 0x200d)
        return true;
    /* Circled and squared letters: the alphabetic characters outside the categories below. */
    if ((code >= 0x24b6 && code <= 0x24e9) || (code >= 0x1f130 && code <= 0x1f149) ||
        (code >= 0x1f150 && code <= 0x1f169) || (code >= 0x1f170 && code <= 0x1f189))
        return true;
    switch (category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
        return true;
    default:
        return mmn_is_mark(code);
    }
}

#else

uint32_t mmn_to_lowercase(uint32_t code)
{
    return code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : code;
}

bool mmn_is_mark(uint32_t code)
{
    (void)code;
    return false;
}

bool mmn_is_number(uint32_t code)
{
    (void)code;
    return false;
}

bool mmn_is_word_character(uint32_t code)
{
    (void)code;
    return false;
}

#endif

/* ---- BERT's classes -------------------------------------------------------------------------- */

static bool is_in(const character_range *ranges, size_t count, uint32_t code)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (code > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && code >= ranges[low].first;
}

#define IS_IN(ranges, code) is_in(ranges, MMN_LENGTH(ranges), code)

bool mmn_bert_is_dropped(uint32_t code)
{
    return IS_IN(dropped, code);
}

bool mmn_bert_is_mark(uint32_t code)
{
    return IS_IN(marks, code);
}

bool mmn_bert_is_ideograph(uint32_t code)
{
    return IS_IN(ideographs, code);
}

bool mmn_bert_is_punctuation(uint32_t code)
{
    return IS_IN(punctuation, code);
}

/* ---- Byte-level spellings -------------------------------------------------------------------- */

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
