/* The words that the lens reads: tokens as their vocabulary spells them. */
#ifndef MMN_STUDY_LENS_WORDS_H
#define MMN_STUDY_LENS_WORDS_H

#include "base/error.h"
#include "mmneuron.h"

/* The spelling of a token with its spaces, by which " cat" differs from "cat", and of a byte's its
 * name ("<0xE2>"); "" for an id that no token has. Byte-level vocabularies, which spell bytes as
 * characters, are shown the same way. Decoding would drop a leading space, and make U+FFFD of a
 * byte that is no character alone. Free with mmn_free. */
mmn_status mmn_lens_word(char **word, const mmn_model *model, int32_t id, mmn_error *error);

#endif
