/* UTF-8: checking, reading and writing code points, and the white space of Unicode. */
#ifndef MMN_BASE_UTF8_H
#define MMN_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many bytes at the start of `text` are whole, valid UTF-8 (no surrogates, no overlong forms,
 * nothing above U+10FFFF): `length` if all of it is. */
size_t mmn_utf8_valid_prefix(const char *text, size_t length);

/* The bytes of the character at `text`, which is valid UTF-8. */
size_t mmn_utf8_size(const char *text);

/* The code point at `text`, which is valid UTF-8. */
uint32_t mmn_utf8_decode(const char *text);

/* The code point at `text`, which is not at its end, and its bytes; anything that is not whole UTF-8
 * is U+FFFD of one byte. */
uint32_t mmn_character_at(const char *text, size_t *size);

/* Writes `code` and returns its 1 to 4 bytes. */
size_t mmn_utf8_encode(char text[4], uint32_t code);

/* How many bytes at `text`, which does not begin with valid UTF-8, become one U+FFFD where invalid
 * bytes are replaced: the longest beginning of a character that was cut short, at least one byte
 * (Unicode's "substitution of maximal subparts", as Rust's and Python's decoders do it). */
size_t mmn_utf8_invalid_size(const char *text, size_t length);

/* Where the character begins that ends before `end` (which is not 0) of valid UTF-8. */
size_t mmn_utf8_previous(const char *text, size_t end);

/* Unicode's property White_Space, which is `\s` of the patterns in tokenizer files. */
bool mmn_is_whitespace(uint32_t code);

#endif
