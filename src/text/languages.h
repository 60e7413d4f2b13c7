/* Languages: which of several a text is in, as models of bytes say that are learned from texts of
 * each. No list of languages is built in: they are those of the texts. */
#ifndef MMN_TEXT_LANGUAGES_H
#define MMN_TEXT_LANGUAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

/* So many bytes a byte is predicted from with itself; so much of each language's texts is learned
 * from, the beginning; and so many languages there are at most. */
enum { MMN_LANGUAGE_ORDER = 4, MMN_LANGUAGE_BYTES = 1 << 18, MMN_LANGUAGE_LIMIT = 64 };

/* The sequences of so many bytes that occur in a language's texts, ascending. */
typedef struct mmn_grams {
    uint32_t *keys;   /* [count]: the bytes, the first in the highest place */
    uint32_t *before; /* [count + 1]: how often those before it occur, all together */
    size_t count;
} mmn_grams;

typedef struct mmn_language {
    char *name;
    char *text; /* [size]; NULL once it is learned */
    size_t size;
    mmn_grams grams[MMN_LANGUAGE_ORDER]; /* of 1 byte, 2, ... */
} mmn_language;

/* Zero-initialise; free with mmn_languages_free, after a failure too. */
typedef struct mmn_languages {
    mmn_language list[MMN_LANGUAGE_LIMIT]; /* once learned, in the bytewise order of their names */
    size_t count;
    char digest[MMN_DIGEST_SIZE]; /* once learned: of the names, and of what was learned from */
} mmn_languages;

/* Adds a text of a language. MMN_INPUT for too many languages. */
mmn_status mmn_languages_add(mmn_languages *languages, const char *name, const char *text,
                             size_t size, mmn_error *error);
/* Learns from the texts. MMN_INPUT for fewer than two languages. */
mmn_status mmn_languages_learn(mmn_languages *languages, mmn_error *error);
/* The number of the language in which a text is likeliest, the first of several; SIZE_MAX for one
 * without letters. */
size_t mmn_languages_find(const mmn_languages *languages, const char *text, size_t size);
void mmn_languages_free(mmn_languages *languages);

#endif
