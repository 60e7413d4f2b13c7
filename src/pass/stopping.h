/* Stop strings: ending an answer with the token that completes one of some texts. */
#ifndef MMN_PASS_STOPPING_H
#define MMN_PASS_STOPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "text/tokenizer.h"

#define MMN_STOP_STRINGS 64 /* at most this many */

/* Zero-initialise: none. */
typedef struct mmn_stopping {
    char **strings;
    size_t count, longest; /* the length of the longest, in bytes */
    char *opening;         /* a text that is decoded before a token, and its tokens */
    int32_t *opening_ids;
    size_t opening_count;
} mmn_stopping;

/* Copies `strings` [count], each with a byte or more, in the place of what it had. MMN_USAGE for an
 * empty one, too many, or any without a tokenizer (NULL). */
mmn_status mmn_stopping_set(mmn_stopping *stopping, const mmn_tokenizer *tokenizer,
                            const char *const *strings, size_t count, mmn_error *error);
void mmn_stopping_free(mmn_stopping *stopping);

/* reached: whether in the text of ids [count] one of the strings ends within the last token.
 * Source: transformers 5.23's StopStringCriteria, which joins what each token alone would be
 * behind other text. */
mmn_status mmn_stopping_reached(bool *reached, const mmn_stopping *stopping,
                                const mmn_tokenizer *tokenizer, const int32_t *ids, size_t count,
                                mmn_error *error);

#endif
