/* JSON: reading with Jansson, strictly, and typed access whose errors name the file and the key. */
#ifndef MMN_BASE_JSON_H
#define MMN_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
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
/* The same for a whole file of at most `limit` bytes. */
mmn_status mmn_json_load(json_t **value, const char *path, size_t limit, mmn_error *error);
/* The same for what is published with a model, which Python's json module writes and reads: NaN,
 * Infinity and numbers of any size may stand where nobody asks for them (the getters below refuse
 * them, naming them), and texts and keys may hold an escaped U+0000, which is MMN_JSON_ZERO (in
 * json_python.h) then. Behind such a number the columns of errors count two or three characters
 * more. */
mmn_status mmn_json_parse_published(json_t **value, const char *text, size_t size,
                                    const char *file, mmn_error *error);
/* The same for one line of a file of many; MMN_INPUT names that line. */
mmn_status mmn_json_parse_line(json_t **value, const char *text, size_t size, const char *file,
                               uint64_t line, mmn_error *error);
mmn_status mmn_json_load_published(json_t **value, const char *path, size_t limit,
                                   mmn_error *error);
/* The same for a file that may be absent (mmn_find_file): then *value is NULL. */
mmn_status mmn_json_load_if_there(json_t **value, const char *path, size_t limit, mmn_error *error);

/* An object inside a document, with what is needed to name its keys: `prefix` is "" for the
 * document itself and "text_config." or "text_config.rope_parameters." inside. value is NULL when
 * the object is absent: then every getter below finds nothing. The document must outlive it. */
typedef struct mmn_json_object {
    json_t *value;
    const char *file;
    char prefix[192]; /* keys that do not fit are cut */
} mmn_json_object;

/* Views the document `value` as an object; MMN_INPUT if it is something else. */
mmn_status mmn_json_as_object(mmn_json_object *object, json_t *value, const char *file,
                              mmn_error *error);

/* Whether the object has this key, be it null. */
bool mmn_json_has(const mmn_json_object *object, const char *key);
/* Whether it has this key with a value other than null, which most files mean by absent. */
bool mmn_json_has_value(const mmn_json_object *object, const char *key);
/* MMN_INPUT "... is missing" unless the object has this key with a value other than null. */
mmn_status mmn_json_require(const mmn_json_object *object, const char *key, mmn_error *error);
/* Fills `error` (MMN_INPUT) for what is wrong with the value of `key`, naming file and key. */
mmn_status mmn_json_fail(const mmn_json_object *object, const char *key, mmn_error *error,
                         const char *format, ...) MMN_PRINTF(4, 5);

/* Getters: a key that is absent or null leaves the value as it was, so the caller puts the default
 * there first; a value of another type, or outside [minimum, maximum], is MMN_INPUT. */
mmn_status mmn_json_get_object(mmn_json_object *child, const mmn_json_object *object,
                               const char *key, mmn_error *error); /* absent: child->value NULL */
mmn_status mmn_json_get_u32(uint32_t *value, const mmn_json_object *object, const char *key,
                            uint32_t minimum, uint32_t maximum, mmn_error *error);
mmn_status mmn_json_get_i64(int64_t *value, const mmn_json_object *object, const char *key,
                            int64_t minimum, int64_t maximum, mmn_error *error);
/* Integers are numbers too. */
mmn_status mmn_json_get_f64(double *value, const mmn_json_object *object, const char *key,
                            double minimum, double maximum, mmn_error *error);
mmn_status mmn_json_get_bool(bool *value, const mmn_json_object *object, const char *key,
                             mmn_error *error);
/* The text belongs to the document. */
mmn_status mmn_json_get_text(const char **value, const mmn_json_object *object, const char *key,
                             mmn_error *error);
/* The array itself, absent or null: *array is left as it was. */
mmn_status mmn_json_get_array(json_t **array, const mmn_json_object *object, const char *key,
                              mmn_error *error);
/* One integer or an array of at most `capacity` of them: *count says how many. */
mmn_status mmn_json_get_integers(int64_t *values, size_t *count, size_t capacity,
                                 const mmn_json_object *object, const char *key, int64_t minimum,
                                 int64_t maximum, mmn_error *error);

#endif
