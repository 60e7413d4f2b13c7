/* The words of a generated answer, and the tokens that begin them. */
#ifndef MMN_STUDY_ANSWER_WORDS_H
#define MMN_STUDY_ANSWER_WORDS_H

#include <stdbool.h>

#include "mmneuron.h"

typedef struct mmn_spoken_word {
    char *text;
    size_t token; /* of the answer: the first that has a part of it */
} mmn_spoken_word;

typedef struct mmn_spoken_words {
    char *answer; /* the text of all tokens, special ones left out */
    mmn_spoken_word *list;
    size_t count, capacity;
} mmn_spoken_words;

/* The words of the tokens ids [count], each where it first stands: letters, digits, what is not
 * ASCII, and apostrophes between them. Function words of English ("the", "of") are left out unless
 * `all`; `only` (or NULL) is the one word that is wanted, then whatever it is. Case is ignored.
 * Free with mmn_spoken_words_free, after a failure too. */
mmn_status mmn_spoken_words_of(mmn_spoken_words *words, const mmn_model *model,
                               const int32_t *ids, size_t count, const char *only, bool all,
                               mmn_error *error);
void mmn_spoken_words_free(mmn_spoken_words *words);

#endif
