/* Added tokens ("<image>", "</s>"): finding them in a text before it is taken apart. */
#ifndef MMN_TEXT_ADDED_TOKENS_H
#define MMN_TEXT_ADDED_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "text/normalizer.h"
#include "text/vocabulary.h"

typedef struct mmn_added_token {
    int32_t id;
    bool single_word;    /* only where no word character stands beside it */
    bool lstrip, rstrip; /* takes the white space before or after it */
    bool normalized;     /* found in the normalised text, in its normalised form */
    bool special;        /* left out by decoding with skip_special */
    size_t spelled, spelled_length; /* how decoding spells it, in mmn_added_tokens.spellings */
} mmn_added_token;

/* A text to be found, and its token's index. */
typedef struct mmn_searched_text {
    const char *text;
    size_t length, token;
} mmn_searched_text;

/* The texts of some tokens, sorted, for searching. */
typedef struct mmn_token_search {
    mmn_searched_text *texts;
    size_t count, capacity;
    bool first_bytes[256]; /* which bytes a text can begin with */
} mmn_token_search;

/* Start from {0}. */
typedef struct mmn_added_tokens {
    mmn_added_token *tokens; /* special ones first, otherwise in the order of the file */
    size_t count, capacity;
    mmn_vocabulary contents; /* their texts as the file has them */
    mmn_text spellings;      /* their texts, normalised where they are normalized */
    int32_t *by_id;          /* index + 1 of the token with an id below contents.size, or 0 */
    size_t by_id_capacity;
    mmn_token_search before, after; /* normalisation */
} mmn_added_tokens;

typedef struct mmn_token_match {
    const mmn_added_token *token;
    size_t start, end; /* with the white space it takes; may begin before an earlier one's end */
} mmn_token_match;

/* Adds a token (its spelling is filled in later) with its content. MMN_INPUT if content or id are
 * there already, the content is empty, or this build cannot find such a token. */
mmn_status mmn_added_tokens_add(mmn_added_tokens *added, const mmn_added_token *token,
                                const char *content, size_t length, mmn_error *error);
/* The same as the `tokenizers` library adds one: the id is that of the content in the model's
 * vocabulary, or the next one beyond both; a content that is there keeps its id and gets the
 * options of `token`. */
mmn_status mmn_added_tokens_put(mmn_added_tokens *added, const mmn_vocabulary *model,
                                mmn_added_token *token, const char *content, size_t length,
                                mmn_error *error);
/* The id that the library gives a content that is no added token yet. */
int64_t mmn_added_tokens_next_id(const mmn_added_tokens *added, const mmn_vocabulary *model,
                                 const char *content, size_t length);
/* Prepares the searches, after the last token was added. */
mmn_status mmn_added_tokens_finish(mmn_added_tokens *added, const mmn_normalizer *normalizer,
                                   mmn_error *error);

/* Finds the leftmost token at or after *from, of several there the longest, in valid UTF-8, and
 * moves *from to where the next search begins. `covered` is where the last match ended. */
bool mmn_added_tokens_find(const mmn_added_tokens *added, const mmn_token_search *search,
                           const char *text, size_t length, size_t covered, size_t *from,
                           mmn_token_match *match);

/* How decoding spells the added token `id`, and whether skip_special leaves it out; NULL if `id` is
 * no added token. */
const char *mmn_added_tokens_spelling(const mmn_added_tokens *added, int32_t id, size_t *length,
                                      bool *special);
void mmn_added_tokens_free(mmn_added_tokens *added);

#endif
