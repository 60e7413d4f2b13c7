/* Classes of characters that pre-tokenisers and added tokens ask for, by Unicode's categories. */
#ifndef MMN_TEXT_WORD_CHARACTER_H
#define MMN_TEXT_WORD_CHARACTER_H

#include <stdbool.h>
#include <stdint.h>

/* Without utf8proc nothing asks: what needs these classes is refused when it is read. */

/* `\w` of Rust's regular expressions: alphabetic characters, marks, decimal digits, connectors and
 * joiners. */
bool mmn_is_word_character(uint32_t code);
/* Numbers of all kinds: digits, letters and others. */
bool mmn_is_number(uint32_t code);
/* Marks of all kinds. */
bool mmn_is_mark(uint32_t code);

#endif
