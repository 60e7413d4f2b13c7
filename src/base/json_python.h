/* JSON as Python's json module writes and reads it, made into JSON that Jansson reads. */
#ifndef MMN_BASE_JSON_PYTHON_H
#define MMN_BASE_JSON_PYTHON_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

/* Unicode keeps the noncharacters U+FDD0 to U+FDEF for use inside programs; no text that is
 * interchanged holds them. */

/* Stands for the character U+0000, which no C string and no key of Jansson's can hold. */
#define MMN_JSON_ZERO "\xef\xb7\xaf"

/* Copies `length` bytes with each MMN_JSON_ZERO as the zero byte that it stands for, and returns
 * how many bytes that gives. */
size_t mmn_json_restore_zeros(char *copy, const char *text, size_t length);

/* What of JSON text Jansson refuses and Python reads becomes a text: NaN, Infinity, -Infinity,
 * integers beyond 64 bits and numbers beyond binary64 become their own spelling behind a mark, and
 * an escaped U+0000 becomes MMN_JSON_ZERO. *plain is the new text, freed with mmn_free, or NULL if
 * `text` holds nothing of the kind. What is not JSON for Python either stays as it is. */
mmn_status mmn_json_from_python(char **plain, size_t *plain_size, const char *text, size_t size,
                                mmn_error *error);

/* How the file spelt the number that `value` stands for if Jansson could not hold it; else NULL. */
const char *mmn_json_odd_number(const json_t *value);

/* What a value is, for sentences: "an object", "a truth value"; NULL too: "null". */
const char *mmn_json_type_name(const json_t *value);

#endif
