/* Classes of characters that pre-tokenisers and added tokens ask for, and lower case, by Unicode. */
#ifndef MMN_TEXT_CHARACTERS_H
#define MMN_TEXT_CHARACTERS_H

#include <stdbool.h>
#include <stdint.h>

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

#endif
