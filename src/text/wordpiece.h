/* WordPiece: from a word to the ids of its pieces. */
#ifndef MMN_TEXT_WORDPIECE_H
#define MMN_TEXT_WORDPIECE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "text/ids.h"
#include "text/vocabulary.h"

/* The time for a word grows with the square of its characters, so no file may allow more. */
#define MMN_WORDPIECE_CHARACTER_LIMIT 1000
#define MMN_WORDPIECE_PREFIX_LIMIT 64

/* Start from {0}. */
typedef struct mmn_wordpiece {
    mmn_vocabulary vocabulary; /* the model's own tokens, without added ones */
    int32_t unknown;           /* what a word becomes that is no sequence of pieces */
    char prefix[MMN_WORDPIECE_PREFIX_LIMIT + 1]; /* how pieces are spelt that begin no word: "##" */
    size_t longest_word;       /* in characters; longer ones are unknown */
} mmn_wordpiece;

/* Appends the ids of a word of `length` bytes of valid UTF-8: at each place the longest piece that
 * fits, or the unknown token alone if there is none. */
mmn_status mmn_wordpiece_encode(const mmn_wordpiece *wordpiece, const char *word, size_t length,
                                mmn_ids *ids, mmn_error *error);
void mmn_wordpiece_free(mmn_wordpiece *wordpiece);

#endif
