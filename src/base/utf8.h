/* Characters: UTF-8, checked, read and written; white space, what shows nothing, and hexadecimal
 * digits. */
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

/* The code point at `text`, which is not at its end, and its bytes; anything that is not whole
 * UTF-8 is U+FFFD of one byte. */
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

/* Whether the character shows nothing and may change how others are shown: C0 and C1 controls,
 * marks and overrides of direction, separators, non-characters. */
bool mmn_is_hidden(uint32_t code);

/* What a digit of either case stands for, or -1. */
int mmn_hexadecimal_value(char digit);

/* Writes 2 * count lower-case digits and a zero. */
void mmn_hexadecimal_write(char *text, const uint8_t *bytes, size_t count);

/* Reads 2 * count digits, which are there. */
void mmn_hexadecimal_read(uint8_t *bytes, const char *text, size_t count);

#endif
