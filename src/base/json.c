/* JSON: reading with Jansson, strictly, and typed access whose errors name the file and the key. */
#include "base/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/file_kind.h"
#include "base/json_memory.h"
#include "base/json_python.h"
#include "base/memory.h"

/* At least as many as there are values and keys: all but the first follow one of these characters.
 * Those inside strings are counted too, which only makes the limit stricter. */
static size_t count_values(const char *text, size_t size)
{
    size_t count = 1;
    for (size_t i = 0; i < size; i++)
        if (text[i] == ',' || text[i] == ':' || text[i] == '[' || text[i] == '{')
            count++;
    return count;
}

/* A zero byte, which Jansson does not notice everywhere (JSONTestSuite has one behind a number). */
static mmn_status refuse_zero(const char *text, const char *zero, const char *file, uint64_t line,
                              mmn_error *error)
{
    char where[64];
    uint64_t lines = 1;
    const char *start = text;
    for (const char *at = text; at < zero; at++)
        if (*at == '\n') {
            lines++;
            start = at + 1;
        }
    snprintf(where, sizeof(where), "line %" PRIu64 ", column %zu", line != 0 ? line : lines,
             (size_t)(zero - start) + 1);
    return mmn_fail(error, MMN_INPUT, file, where, "not valid JSON: a zero byte");
}

/* Marks that editors and shells of other systems write before a text; no JSON begins so. */
static mmn_status refuse_mark(const char *text, size_t size, const char *file, uint64_t line,
                              mmn_error *error)
{
    char where[64];
    bool wide = size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
    bool marked = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
    if (!wide && !marked)
        return MMN_OK;
    snprintf(where, sizeof(where), "line %" PRIu64 ", column 1", line != 0 ? line : 1);
    return mmn_fail(error, MMN_INPUT, file, where,
                    "not valid JSON: %s; expected UTF-8 without a byte order mark",
                    wide ? "the text is UTF-16" : "a byte order mark");
}

/* `line` is the line of the file that the text is, or 0 if it is the whole file. */
static mmn_status parse(json_t **value, const char *text, size_t size, const char *file,
                        uint64_t line, mmn_error *error)
{
    *value = NULL;
    char where[64] = "";
    if (line != 0)
        snprintf(where, sizeof(where), "line %" PRIu64, line);
    mmn_status status = refuse_mark(text, size, file, line, error);
    if (status != MMN_OK)
        return status;
    const char *zero = memchr(text, '\0', size);
    if (zero)
        return refuse_zero(text, zero, file, line, error);
    if (count_values(text, size) > MMN_JSON_VALUE_LIMIT)
        return mmn_fail(error, MMN_INPUT, file, where, "JSON text with more than %d values",
                        MMN_JSON_VALUE_LIMIT);
    json_error_t problem;
    unsigned long failures = mmn_json_failures();
    *value = mmn_json_load_text(text, size, JSON_REJECT_DUPLICATES, &problem);
    if (*value)
        return MMN_OK;
    if (mmn_json_failures() != failures)
        return mmn_fail(error, MMN_SYSTEM, file, where, "out of memory while parsing JSON");
    if (problem.line > 0)
        snprintf(where, sizeof(where), "line %" PRIu64 ", column %d",
                 line != 0 ? line : (uint64_t)problem.line, problem.column);
    return mmn_fail(error, MMN_INPUT, file, where, "not valid JSON: %s", problem.text);
}

mmn_status mmn_json_parse(json_t **value, const char *text, size_t size, const char *file,
                          mmn_error *error)
{
    return parse(value, text, size, file, 0, error);
}

mmn_status mmn_json_parse_line(json_t **value, const char *text, size_t size, const char *file,
                               uint64_t line, mmn_error *error)
{
    char *plain = NULL;
    size_t plain_size = 0;
    *value = NULL;
    mmn_status status = mmn_json_from_python(&plain, &plain_size, text, size, error);
    if (status == MMN_OK)
        status = parse(value, plain ? plain : text, plain ? plain_size : size, file, line, error);
    mmn_free(plain);
    return status;
}

mmn_status mmn_json_parse_published(json_t **value, const char *text, size_t size,
                                    const char *file, mmn_error *error)
{
    return mmn_json_parse_line(value, text, size, file, 0, error);
}

/* Loads a file that `parse_text` parses. */
static mmn_status load(json_t **value, const char *path, size_t limit,
                       mmn_status (*parse_text)(json_t **, const char *, size_t, const char *,
                                                mmn_error *),
                       mmn_error *error)
{
    *value = NULL;
    char *text;
    size_t size;
    mmn_status status = mmn_read_file(&text, &size, path, limit, error);
    if (status != MMN_OK)
        return status;
    status = parse_text(value, text, size, path, error);
    mmn_free(text);
    return mmn_file_kind_explain(error, status, path, MMN_KIND_JSON);
}

mmn_status mmn_json_load(json_t **value, const char *path, size_t limit, mmn_error *error)
{
    return load(value, path, limit, mmn_json_parse, error);
}

mmn_status mmn_json_load_published(json_t **value, const char *path, size_t limit,
                                   mmn_error *error)
{
    return load(value, path, limit, mmn_json_parse_published, error);
}

mmn_status mmn_json_load_if_there(json_t **value, const char *path, size_t limit, mmn_error *error)
{
    bool found;
    *value = NULL;
    mmn_status status = mmn_find_file(&found, path, error);
    return status == MMN_OK && found ? mmn_json_load_published(value, path, limit, error) : status;
}

mmn_status mmn_json_as_object(mmn_json_object *object, json_t *value, const char *file,
                              mmn_error *error)
{
    *object = (mmn_json_object){.value = value, .file = file};
    if (!json_is_object(value))
        return mmn_fail(error, MMN_INPUT, file, NULL, "must be a JSON object and is %s",
                        mmn_json_type_name(value));
    return MMN_OK;
}

/* The value of `key`, or NULL where it is absent or null. */
static json_t *find(const mmn_json_object *object, const char *key)
{
    json_t *value = object->value ? json_object_get(object->value, key) : NULL;
    return json_is_null(value) ? NULL : value;
}

bool mmn_json_has(const mmn_json_object *object, const char *key)
{
    return object->value && json_object_get(object->value, key);
}

bool mmn_json_has_value(const mmn_json_object *object, const char *key)
{
    return find(object, key) != NULL;
}

static mmn_status fail_at_key(const mmn_json_object *object, const char *key, mmn_error *error,
                              const char *message)
{
    char where[256];
    snprintf(where, sizeof(where), "%s%s", object->prefix, key);
    return mmn_fail(error, MMN_INPUT, object->file, where, "%s", message);
}

mmn_status mmn_json_fail(const mmn_json_object *object, const char *key, mmn_error *error,
                         const char *format, ...)
{
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    return fail_at_key(object, key, error, message);
}

mmn_status mmn_json_require(const mmn_json_object *object, const char *key, mmn_error *error)
{
    if (!find(object, key))
        return mmn_json_fail(object, key, error, "is missing");
    return MMN_OK;
}

static mmn_status wrong_type(const mmn_json_object *object, const char *key, const json_t *value,
                             const char *expected, mmn_error *error)
{
    return mmn_json_fail(object, key, error, "must be %s and is %s", expected, mmn_json_type_name(value));
}

mmn_status mmn_json_get_object(mmn_json_object *child, const mmn_json_object *object,
                               const char *key, mmn_error *error)
{
    *child = (mmn_json_object){.file = object->file};
    snprintf(child->prefix, sizeof(child->prefix), "%.120s%.60s.", object->prefix, key);
    json_t *value = find(object, key);
    if (value && !json_is_object(value))
        return wrong_type(object, key, value, "an object", error);
    child->value = value;
    return MMN_OK;
}

static mmn_status integer_of(int64_t *number, const mmn_json_object *object, const char *key,
                             const json_t *value, int64_t minimum, int64_t maximum,
                             mmn_error *error)
{
    const char *odd = mmn_json_odd_number(value);
    if (odd)
        return mmn_json_fail(object, key, error,
                             "must be an integer between %" PRId64 " and %" PRId64 " and is %.60s",
                             minimum, maximum, odd);
    if (!json_is_integer(value))
        return wrong_type(object, key, value, "an integer", error);
    int64_t found = json_integer_value(value);
    if (found < minimum || found > maximum)
        return mmn_json_fail(object, key, error,
                             "must be between %" PRId64 " and %" PRId64 " and is %" PRId64, minimum,
                             maximum, found);
    *number = found;
    return MMN_OK;
}

mmn_status mmn_json_get_i64(int64_t *value, const mmn_json_object *object, const char *key,
                            int64_t minimum, int64_t maximum, mmn_error *error)
{
    const json_t *found = find(object, key);
    return found ? integer_of(value, object, key, found, minimum, maximum, error) : MMN_OK;
}

mmn_status mmn_json_get_u32(uint32_t *value, const mmn_json_object *object, const char *key,
                            uint32_t minimum, uint32_t maximum, mmn_error *error)
{
    int64_t number = *value;
    const json_t *found = find(object, key);
    mmn_status status =
        found ? integer_of(&number, object, key, found, minimum, maximum, error) : MMN_OK;
    *value = (uint32_t)number;
    return status;
}

mmn_status mmn_json_get_f64(double *value, const mmn_json_object *object, const char *key,
                            double minimum, double maximum, mmn_error *error)
{
    const json_t *found = find(object, key);
    if (!found)
        return MMN_OK;
    const char *odd = mmn_json_odd_number(found);
    if (odd)
        return mmn_json_fail(object, key, error, "must be between %g and %g and is %.60s", minimum,
                             maximum, odd);
    if (!json_is_number(found))
        return wrong_type(object, key, found, "a number", error);
    double number = json_number_value(found);
    if (!(number >= minimum && number <= maximum))
        return mmn_json_fail(object, key, error, "must be between %g and %g and is %g", minimum,
                             maximum, number);
    *value = number;
    return MMN_OK;
}

mmn_status mmn_json_get_bool(bool *value, const mmn_json_object *object, const char *key,
                             mmn_error *error)
{
    const json_t *found = find(object, key);
    if (!found)
        return MMN_OK;
    if (!json_is_boolean(found))
        return wrong_type(object, key, found, "true or false", error);
    *value = json_is_true(found);
    return MMN_OK;
}

mmn_status mmn_json_get_text(const char **value, const mmn_json_object *object, const char *key,
                             mmn_error *error)
{
    const json_t *found = find(object, key);
    if (!found)
        return MMN_OK;
    if (!json_is_string(found) || mmn_json_odd_number(found))
        return wrong_type(object, key, found, "a text", error);
    *value = json_string_value(found);
    return MMN_OK;
}

mmn_status mmn_json_get_array(json_t **array, const mmn_json_object *object, const char *key,
                              mmn_error *error)
{
    json_t *found = find(object, key);
    if (!found)
        return MMN_OK;
    if (!json_is_array(found))
        return wrong_type(object, key, found, "an array", error);
    *array = found;
    return MMN_OK;
}

mmn_status mmn_json_get_integers(int64_t *values, size_t *count, size_t capacity,
                                 const mmn_json_object *object, const char *key, int64_t minimum,
                                 int64_t maximum, mmn_error *error)
{
    const json_t *found = find(object, key);
    if (!found)
        return MMN_OK;
    bool many = json_is_array(found);
    if (!many && !json_is_integer(found) && !mmn_json_odd_number(found))
        return wrong_type(object, key, found, "an integer or an array of integers", error);
    size_t size = many ? json_array_size(found) : 1;
    if (size > capacity)
        return mmn_json_fail(object, key, error, "must not have more than %zu numbers and has %zu",
                             capacity, size);
    for (size_t i = 0; i < size; i++) {
        const json_t *one = many ? json_array_get(found, i) : found;
        mmn_status status = integer_of(&values[i], object, key, one, minimum, maximum, error);
        if (status != MMN_OK)
            return status;
    }
    *count = size;
    return MMN_OK;
}
