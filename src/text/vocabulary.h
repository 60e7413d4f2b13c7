/* A vocabulary: token texts by id, and ids by text, in an open-addressing hash table; and lists of
 * its ids. */
#ifndef MMN_TEXT_VOCABULARY_H
#define MMN_TEXT_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text_buffer.h"

/* Ids lie below this: eight times the largest published vocabulary, and few enough that a hostile
 * id cannot ask for much memory. */
#define MMN_VOCABULARY_LIMIT (1 << 21)

typedef struct mmn_token_text {
    size_t offset, length; /* in the vocabulary's texts */
    bool used;
} mmn_token_text;

/* Start from {0}. */
typedef struct mmn_vocabulary {
    mmn_text texts;         /* all texts, each with a terminating zero */
    mmn_token_text *tokens; /* by id */
    size_t size, capacity;  /* largest id + 1 */
    size_t count;           /* ids in use */
    int32_t *slots;         /* hash table: id + 1, or 0 */
    size_t slot_count;      /* a power of two, or 0 */
    size_t longest;         /* bytes of the longest text */
} mmn_vocabulary;

/* Adds a token. MMN_INPUT, naming text and id, when either is there already or the id is negative
 * or beyond the limit. */
mmn_status mmn_vocabulary_add(mmn_vocabulary *vocabulary, const char *text, size_t length,
                              int64_t id, mmn_error *error);
/* The id of a text, or -1. */
int32_t mmn_vocabulary_find(const mmn_vocabulary *vocabulary, const char *text, size_t length);
/* The zero-terminated text of an id, valid until the next token is added, or NULL; `length` may be
 * NULL. */
const char *mmn_vocabulary_text(const mmn_vocabulary *vocabulary, int32_t id, size_t *length);
void mmn_vocabulary_free(mmn_vocabulary *vocabulary);

/* Start from {0}. */
typedef struct mmn_ids {
    int32_t *data;
    size_t count, capacity;
} mmn_ids;

mmn_status mmn_ids_add(mmn_ids *ids, int32_t id, mmn_error *error);
mmn_status mmn_ids_add_all(mmn_ids *ids, const mmn_ids *more, mmn_error *error);
void mmn_ids_free(mmn_ids *ids);

#endif
