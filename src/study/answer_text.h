/* Texts of answers: the forms in which accuracy measures compare them. */
#ifndef MMN_STUDY_ANSWER_TEXT_H
#define MMN_STUDY_ANSWER_TEXT_H

#include <stddef.h>

#include "base/error.h"

/* Each writes a new text to *result, freed with mmn_free; `text` is valid UTF-8. */

/* In lower case, and with `trim` without white space at its ends. */
mmn_status mmn_answer_lowercase(char **result, const char *text, int trim, mmn_error *error);
/* In lower case, with one space between words and none at the ends. */
mmn_status mmn_answer_words(char **result, const char *text, mmn_error *error);
/* As the official VQA evaluation normalises answers: punctuation and articles go, number words
 * become digits, and contractions get their apostrophes. Source: vqaEval.py of the VQA data set. */
mmn_status mmn_answer_vqa(char **result, const char *text, mmn_error *error);
/* As the official SQuAD evaluation does: words in lower case without ASCII punctuation and
 * articles. Source: evaluate-v2.0.py of SQuAD. */
mmn_status mmn_answer_squad(char **result, const char *text, mmn_error *error);

#endif
