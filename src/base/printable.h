/* Characters of text from strangers: which are no text, so that what is printed drives no terminal. */
#ifndef MMN_BASE_PRINTABLE_H
#define MMN_BASE_PRINTABLE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the character shows nothing and may change how others are shown: C0 and C1 controls, marks
 * and overrides of direction, separators, non-characters. */
bool mmn_is_hidden(uint32_t code);

#endif
