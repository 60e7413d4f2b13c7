/* Fuzz target: a pre-tokenizer's regular expression and, after a zero byte, a text. */
#include <string.h>

#include "base/utf8.h"
#include "tests/fuzz/fuzz.h"
#include "text/pattern.h"

enum { MATCHES = 2000 };

FUZZ_TARGET(pattern, 200)
{
    const char *expression = (const char *)data;
    const char *zero = size > 0 ? memchr(expression, '\0', size) : NULL;
    if (!zero)
        return MMN_FUZZ_REFUSED;
    const char *text = zero + 1;
    size_t expression_length = (size_t)(zero - expression), length = size - expression_length - 1;
    if (mmn_utf8_valid_prefix(expression, expression_length) != expression_length ||
        mmn_utf8_valid_prefix(text, length) != length)
        return MMN_FUZZ_REFUSED;

    mmn_error error = {0};
    mmn_pattern *pattern;
    mmn_status status = mmn_pattern_compile(&pattern, expression, &error);
    if (status != MMN_OK)
        return mmn_fuzz_result(status, &error);
    bool found = true;
    for (size_t from = 0, i = 0; found && from <= length && i < MATCHES; i++) {
        size_t start, end;
        if (!mmn_fuzz_done(
                mmn_pattern_find(pattern, text, length, from, &found, &start, &end, NULL, &error),
                &error))
            break;
        if (found && (start < from || start > end || end > length))
            abort();
        from = found && end > start ? end : from + 1;
        while (from < length && ((unsigned char)text[from] & 0xc0) == 0x80)
            from++;
    }
    mmn_pattern_free(pattern);
    return MMN_FUZZ_ACCEPTED;
}
