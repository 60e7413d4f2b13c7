/* Regular expressions of tokenizer files, and replacing what they find: matched by PCRE2 within
 * limits that keep a hostile expression from hanging or taking the machine's memory. */
#ifndef MMN_TEXT_PATTERN_H
#define MMN_TEXT_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/interrupt.h"
#include "base/text_buffer.h"

typedef struct mmn_pattern mmn_pattern;

/* Compiles `expression` for UTF-8 text, with Unicode's classes and with ^ and $ at every line, as
 * the `tokenizers` library reads it: Oniguruma's classes in classes ("[^a[bc]]") are taken, \s is
 * Unicode's White_Space. MMN_INPUT if it is no expression, or if this build leaves PCRE2 out.
 * Patterns are read-only once compiled. */
mmn_status mmn_pattern_compile(mmn_pattern **pattern, const char *expression, mmn_error *error);
/* The same for a text that stands for itself. */
mmn_status mmn_pattern_compile_text(mmn_pattern **pattern, const char *text, mmn_error *error);

/* Finds the first match that begins at or after `from` in valid UTF-8. MMN_INPUT if the limits are
 * reached. Asks `interrupt` (NULL: nobody) every few hundred bytes whether to go on. */
mmn_status mmn_pattern_find(const mmn_pattern *pattern, const char *text, size_t length,
                            size_t from, bool *found, size_t *start, size_t *end,
                            const mmn_interrupt *interrupt, mmn_error *error);

/* A match among those of a text. Start from {0}, which is before the first. */
typedef struct mmn_match {
    bool found;
    size_t start, end;
} mmn_match;

/* Goes on from *match to the next one, as the `tokenizers` library does: a match may be empty
 * unless it follows another at once. */
mmn_status mmn_pattern_next(const mmn_pattern *pattern, const char *text, size_t length,
                            mmn_match *match, const mmn_interrupt *interrupt, mmn_error *error);

/* NULL is allowed. */
void mmn_pattern_free(mmn_pattern *pattern);

/* ---- Replacing every occurrence of a text or pattern ----------------------------------------- */

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
