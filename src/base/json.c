/* JSON: parsing with Jansson, strictly. */
#include "base/json.h"

#include <inttypes.h>
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
    MMN_TRY(refuse_mark(text, size, file, line, error));
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
