/* Characters as tokenizers see them: their classes and lower case by Unicode and for BERT, and the
 * ones that stand for bytes. */
#ifndef MMN_TEXT_CHARACTERS_H
#define MMN_TEXT_CHARACTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text_buffer.h"

/* The lower-case letter of `code` by Unicode's simple mapping, or `code`. A build without utf8proc
 * knows A to Z only. */
uint32_t mmn_to_lowercase(uint32_t code);

/* Without utf8proc nothing asks for these: what needs them is refused when it is read. */

/* `\w` of Rust's regular expressions: alphabetic characters, marks, decimal digits, connectors and
 * joiners. */
bool mmn_is_word_character(uint32_t code);
/* Numbers of all kinds: digits, letters and others. */
bool mmn_is_number(uint32_t code);
/* Marks of all kinds. */
bool mmn_is_mark(uint32_t code);

/* ---- BERT's classes -------------------------------------------------------------------------- */

/* As its normaliser and pre-tokeniser have them: those of Unicode 8, whatever else this build knows
 * of Unicode. */

/* Control, format and private-use characters but tab and line ends, U+0000 and U+FFFD: what
 * clean_text drops. */
bool mmn_bert_is_dropped(uint32_t code);
/* Nonspacing marks: what strip_accents drops from decomposed text. */
bool mmn_bert_is_mark(uint32_t code);
/* Chinese characters, each a word of its own. */
bool mmn_bert_is_ideograph(uint32_t code);
/* Punctuation and ASCII's symbols, each a word of its own. */
bool mmn_bert_is_punctuation(uint32_t code);

/* ---- Byte-level spellings -------------------------------------------------------------------- */

/* Each byte of a text as one printable character, so that byte pair encoding over characters merges
 * bytes (GPT-2's scheme, which LLaMA-3, Qwen2 and BLOOM use). */

/* GPT-2's expression for words, which a ByteLevel pre-tokeniser with use_regex cuts by. */
#define MMN_GPT2_PATTERN                                                                           \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

/* Appends the characters that stand for the bytes of `text`. */
void mmn_byte_level_spell(const char *text, size_t length, mmn_text *result);

/* Appends the bytes that the characters of `spelling` (valid UTF-8) stand for; the spelling itself
 * if one of them stands for none, as added tokens have. */
void mmn_byte_level_read(const char *spelling, size_t length, mmn_text *result);

#endif
