/* Byte-level spellings: each byte of a text as one printable character, so that byte pair encoding
 * over characters merges bytes (GPT-2's scheme, which LLaMA-3, Qwen2 and BLOOM use). */
#ifndef MMN_TEXT_BYTE_LEVEL_H
#define MMN_TEXT_BYTE_LEVEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text_buffer.h"

/* GPT-2's expression for words, which a ByteLevel pre-tokeniser with use_regex cuts by. */
#define MMN_GPT2_PATTERN \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

/* Appends the characters that stand for the bytes of `text`. */
void mmn_byte_level_spell(const char *text, size_t length, mmn_text *result);

/* Appends the bytes that the characters of `spelling` (valid UTF-8) stand for; the spelling itself
 * if one of them stands for none, as added tokens have. */
void mmn_byte_level_read(const char *spelling, size_t length, mmn_text *result);

#endif
