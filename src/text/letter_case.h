/* Letter case: lower case character by character. */
#ifndef MMN_TEXT_LETTER_CASE_H
#define MMN_TEXT_LETTER_CASE_H

#include <stdint.h>

/* The lower-case letter of `code` by Unicode's simple mapping, or `code`. A build without utf8proc
 * knows A to Z only. */
uint32_t mmn_to_lowercase(uint32_t code);

#endif
