/* Growing text: tables and files that are composed piece by piece. */
#ifndef MMN_BASE_TEXT_BUFFER_H
#define MMN_BASE_TEXT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Bytes that a zero ends, UTF-8 as a rule. Start from {0}. After a failed addition nothing more is
 * added, and mmn_text_status and mmn_text_finish tell. Setting `length` to 0 begins anew in the
 * same memory. */
typedef struct mmn_text {
    char *text; /* terminated by a zero, or NULL */
    size_t length, capacity;
    bool failed;
} mmn_text;

void mmn_text_add(mmn_text *text, const char *format, ...) MMN_PRINTF(2, 3);
void mmn_text_add_bytes(mmn_text *text, const char *bytes, size_t size);
/* The UTF-8 of a code point. */
void mmn_text_add_character(mmn_text *text, uint32_t code);
/* `count` times the byte `fill`. */
void mmn_text_fill(mmn_text *text, char fill, size_t count);
/* The shortest decimal number that reads back as `value`, with a point whatever the locale: "0.95",
 * "1e-07", "3"; "inf", "-inf" and "nan" otherwise. */
void mmn_text_add_real(mmn_text *text, double value);
/* `string` as JSON, in quotation marks; UTF-8 is left as it is, but for hidden characters. */
void mmn_text_add_json(mmn_text *text, const char *string);

/* MMN_SYSTEM when an addition failed for want of memory. */
mmn_status mmn_text_status(const mmn_text *text, mmn_error *error);
/* Hands the text over in *result (freed with mmn_free or mmn_release) and empties the buffer.
 * MMN_SYSTEM when memory was short, with *result NULL. */
mmn_status mmn_text_finish(mmn_text *text, char **result, mmn_error *error);
void mmn_text_free(mmn_text *text);

#endif
