/* Letter case: lower case character by character. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "text/letter_case.h"

#ifdef HAVE_UTF8PROC
#include <utf8proc.h>
#endif

uint32_t mmn_to_lowercase(uint32_t code)
{
#ifdef HAVE_UTF8PROC
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)code);
#else
    return code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : code;
#endif
}
