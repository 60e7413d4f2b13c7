/* Classes and lower case of characters, from utf8proc's data. */
#include "text/characters.h"

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
