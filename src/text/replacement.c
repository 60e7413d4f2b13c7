/* Replacing every occurrence of a text or pattern. */
#include "text/replacement.h"

#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

mmn_status mmn_replacement_make(mmn_replacement *replacement, const char *from, bool is_pattern,
                                const char *to, mmn_error *error)
{
    *replacement = (mmn_replacement){.from_length = strlen(from), .to_length = strlen(to)};
    if (replacement->from_length == 0)
        return mmn_fail(error, MMN_INPUT, NULL, NULL, "the text to be replaced is empty");
    replacement->from = mmn_copy_text(from, error);
    replacement->to = mmn_copy_text(to, error);
    mmn_status status = replacement->from && replacement->to ? MMN_OK : MMN_SYSTEM;
    if (status == MMN_OK && is_pattern)
        status = mmn_pattern_compile(&replacement->pattern, from, error);
    if (status != MMN_OK)
        mmn_replacement_free(replacement);
    return status;
}

void mmn_replacement_free(mmn_replacement *replacement)
{
    mmn_pattern_free(replacement->pattern);
    mmn_free(replacement->from);
    mmn_free(replacement->to);
    *replacement = (mmn_replacement){0};
}

static void replace_text(const mmn_replacement *replacement, const char *text, size_t length,
                         mmn_text *result)
{
    size_t copied = 0, size = replacement->from_length;
    for (size_t at = 0; at + size <= length;) {
        if (memcmp(text + at, replacement->from, size) != 0) {
            at++;
            continue;
        }
        mmn_text_add_bytes(result, text + copied, at - copied);
        mmn_text_add_bytes(result, replacement->to, replacement->to_length);
        at += size;
        copied = at;
    }
    mmn_text_add_bytes(result, text + copied, length - copied);
}

static mmn_status replace_pattern(const mmn_replacement *replacement, const char *text,
                                  size_t length, mmn_text *result, mmn_error *error)
{
    size_t copied = 0, from = 0, last_end = SIZE_MAX;
    while (from <= length) {
        size_t start, end;
        bool found;
        mmn_status status = mmn_pattern_find(replacement->pattern, text, length, from, &found,
                                             &start, &end, replacement->interrupt, error);
        if (status != MMN_OK)
            return status;
        if (!found)
            break;
        /* An empty match right behind the last one does not count. */
        if (start == end && start == last_end) {
            from = start + (start < length ? mmn_utf8_size(text + start) : 1);
            continue;
        }
        mmn_text_add_bytes(result, text + copied, start - copied);
        mmn_text_add_bytes(result, replacement->to, replacement->to_length);
        copied = from = last_end = end;
    }
    mmn_text_add_bytes(result, text + copied, length - copied);
    return MMN_OK;
}

mmn_status mmn_replacement_apply(const mmn_replacement *replacement, const char *text,
                                 size_t length, mmn_text *result, mmn_error *error)
{
    if (replacement->pattern)
        return replace_pattern(replacement, text, length, result, error);
    replace_text(replacement, text, length, result);
    return MMN_OK;
}
