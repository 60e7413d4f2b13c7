/* JSON: parsing with Jansson, strictly, or as Python's json module reads it. base/reader.h reads
 * the objects of what is parsed. */
#ifndef MMN_BASE_JSON_H
#define MMN_BASE_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A document may hold this many values (and as many keys), so that a hostile file cannot take
 * much more memory than its own size suggests. The largest published tokenizers hold a million. */
#define MMN_JSON_VALUE_LIMIT 4000000

/* Parses `size` bytes of JSON text (one value, UTF-8, no byte order mark, no zero bytes). Duplicate
 * keys are refused. MMN_INPUT names `file` (may be NULL), line and column. Free *value with
 * json_decref. */
mmn_status mmn_json_parse(json_t **value, const char *text, size_t size, const char *file,
                          mmn_error *error);
/* The same for one line of a file of many; MMN_INPUT names that line. */
mmn_status mmn_json_parse_line(json_t **value, const char *text, size_t size, const char *file,
                               uint64_t line, mmn_error *error);
/* The same for a whole file of at most `limit` bytes. */
mmn_status mmn_json_load(json_t **value, const char *path, size_t limit, mmn_error *error);
/* The same for what is published with a model, which Python's json module writes and reads: NaN,
 * Infinity and numbers of any size may stand where nobody asks for them (base/reader.h refuses
 * them, naming them), and texts and keys may hold an escaped U+0000, which is MMN_JSON_ZERO
 * then. Behind such a number the columns of errors count two or three characters more. */
mmn_status mmn_json_parse_published(json_t **value, const char *text, size_t size, const char *file,
                                    mmn_error *error);
mmn_status mmn_json_load_published(json_t **value, const char *path, size_t limit,
                                   mmn_error *error);
/* The same for a file that may be absent (mmn_find_file): then *value is NULL. */
mmn_status mmn_json_load_if_there(json_t **value, const char *path, size_t limit, mmn_error *error);

/* ---- Jansson's memory ------------------------------------------------------------------------ */

/* How many of Jansson's allocations have failed in this thread: where the number is larger behind a
 * call of Jansson than before it, memory was short, whatever the call says.
 *
 * * Jansson has one pair of allocation functions for the whole process. The first call of a
 * function of this file puts two in their place that call those which were there, and count; they
 * stay until the library is unloaded. */
unsigned long mmn_json_failures(void);

/* ---- JSON of Python -------------------------------------------------------------------------- */

/* Unicode keeps the noncharacters U+FDD0 to U+FDEF for use inside programs; no text that is
 * interchanged holds them. */

/* Stands for the character U+0000, which no C string and no key of Jansson's can hold. */
#define MMN_JSON_ZERO "\xef\xb7\xaf"

/* Copies `length` bytes with each MMN_JSON_ZERO as the zero byte that it stands for, and returns
 * how many bytes that gives. */
size_t mmn_json_restore_zeros(char *copy, const char *text, size_t length);

/* How the file spelt the number that `value` stands for if Jansson could not hold it; else NULL. */
const char *mmn_json_odd_number(const json_t *value);

/* What a value is, for sentences: "an object", "a truth value"; NULL too: "null". */
const char *mmn_json_type_name(const json_t *value);

#endif
