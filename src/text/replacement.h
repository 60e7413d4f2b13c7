/* Replacing every occurrence of a text or pattern, as normalisers and decoders do. */
#ifndef MMN_TEXT_REPLACEMENT_H
#define MMN_TEXT_REPLACEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/interrupt.h"
#include "base/text_buffer.h"
#include "text/pattern.h"

/* Start from {0}. */
typedef struct mmn_replacement {
    mmn_pattern *pattern; /* what is replaced, or NULL: the text `from` is */
    char *from, *to;      /* zero-terminated copies; `from` is not empty */
    size_t from_length, to_length;
    const mmn_interrupt *interrupt; /* asked while a pattern is looked for; NULL: nobody */
} mmn_replacement;

/* Makes a replacement of the text `from`, or of the regular expression `from` if is_pattern. */
mmn_status mmn_replacement_make(mmn_replacement *replacement, const char *from, bool is_pattern,
                                const char *to, mmn_error *error);
/* Appends `text` (valid UTF-8) with its replacements to `result`, whose own failure mmn_text_status
 * tells. Fails where looking for the pattern does. */
mmn_status mmn_replacement_apply(const mmn_replacement *replacement, const char *text,
                                 size_t length, mmn_text *result, mmn_error *error);
void mmn_replacement_free(mmn_replacement *replacement);

#endif
