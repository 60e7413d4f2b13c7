/* Words of a vocabulary as people can tell them apart. */
#ifndef MMN_RESULT_WORDS_H
#define MMN_RESULT_WORDS_H

#include "base/error.h"

/* The word with each space as U+2581, so that " cat" and "cat" look different wherever they stand.
 * NULL when memory is short; free with mmn_free. `error` may be NULL. */
char *mmn_word_shown(const char *word, mmn_error *error);

#endif
