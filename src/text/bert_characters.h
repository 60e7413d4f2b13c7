/* Classes of characters as BERT's normaliser and pre-tokeniser have them. They are those of
 * Unicode 8, whatever else this build knows of Unicode. */
#ifndef MMN_TEXT_BERT_CHARACTERS_H
#define MMN_TEXT_BERT_CHARACTERS_H

#include <stdbool.h>
#include <stdint.h>

/* Control, format and private-use characters but tab and line ends, U+0000 and U+FFFD: what
 * clean_text drops. */
bool mmn_bert_is_dropped(uint32_t code);
/* Nonspacing marks: what strip_accents drops from decomposed text. */
bool mmn_bert_is_mark(uint32_t code);
/* Chinese characters, each a word of its own. */
bool mmn_bert_is_ideograph(uint32_t code);
/* Punctuation and ASCII's symbols, each a word of its own. */
bool mmn_bert_is_punctuation(uint32_t code);

#endif
