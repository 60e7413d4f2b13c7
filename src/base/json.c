/* JSON: parsing with Jansson, strictly, or as Python's json module reads it. */
#include "base/json.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "base/file_kind.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/text_buffer.h"

/* ---- Jansson's memory ------------------------------------------------------------------------ */

/* While a text is parsed, the first allocation that fails is made from a reserve, because Jansson's
 * lexer does not bear that failure; then the text ends, so that it asks for nothing more that
 * matters. What has been parsed is given up. */

/* The lexer at most doubles its buffer for a token; the first one has some bytes. */
enum { LEAST_RESERVE = 256 };

/* One text that a thread is parsing. */
typedef struct parsing {
    const char *text;
    size_t size, position;
    uint8_t *reserve;
    size_t reserve_size;
    bool failed;
} parsing;

static _Thread_local parsing *current;
static _Thread_local unsigned long failures;

static pthread_once_t hooked = PTHREAD_ONCE_INIT;
static json_malloc_t next_malloc;
static json_free_t next_free;

static void *take_reserve(parsing *run, size_t size)
{
    bool first = !run->failed;
    run->failed = true;
    return first && size <= run->reserve_size ? run->reserve : NULL;
}

static void *allocate(size_t size)
{
    void *pointer = next_malloc(size);
    if (pointer)
        return pointer;
    failures++;
    return current ? take_reserve(current, size) : NULL;
}

static void release(void *pointer)
{
    if (!current || pointer != current->reserve)
        next_free(pointer);
}

static void hook(void)
{
    json_get_alloc_funcs(&next_malloc, &next_free);
    json_set_alloc_funcs(allocate, release);
}

/* Jansson may outlive a library that was loaded by dlopen. */
__attribute__((destructor)) static void unhook(void)
{
    json_malloc_t present_malloc;
    json_free_t present_free;
    json_get_alloc_funcs(&present_malloc, &present_free);
    if (present_malloc == allocate && present_free == release)
        json_set_alloc_funcs(next_malloc, next_free);
}

unsigned long mmn_json_failures(void)
{
    pthread_once(&hooked, hook);
    return failures;
}

/* One byte at a time: what follows a failure is not even read. */
static size_t give_byte(void *buffer, size_t size, void *context)
{
    parsing *run = context;
    if (size == 0 || run->failed || run->position == run->size)
        return 0;
    *(char *)buffer = run->text[run->position++];
    return 1;
}

/* At least as many bytes as the longest token has. */
static size_t longest_token(const char *text, size_t size)
{
    size_t longest = 0, start = 0;
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool between = c == ',' || c == ':' || c == '[' || c == ']' || c == '{' || c == '}' ||
                       c == ' ' || c == '\n';
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (quoted || !between)
            continue;
        if (i - start > longest)
            longest = i - start;
        if (!quoted)
            start = i;
    }
    return size - start > longest ? size - start : longest;
}

/* As json_loadb, with one more promise: where an allocation of Jansson fails, NULL is returned and
 * mmn_json_failures is larger. Jansson 2.14 alone loses characters of texts then, or reads behind
 * them. */
static json_t *load_text(const char *text, size_t size, size_t flags, json_error_t *problem)
{
    pthread_once(&hooked, hook);
    parsing run = {
        .text = text, .size = size, .reserve_size = 2 * longest_token(text, size) + LEAST_RESERVE};
    run.reserve = mmn_allocate(run.reserve_size, 1, NULL);
    if (!run.reserve) {
        failures++;
        return NULL;
    }
    current = &run;
    json_t *value = json_load_callback(give_byte, &run, flags, problem);
    if (run.failed) {
        json_decref(value);
        value = NULL;
    }
    current = NULL;
    mmn_free(run.reserve);
    return value;
}

/* ---- JSON of Python -------------------------------------------------------------------------- */

/* From Python's JSON to Jansson's: one pass that tells texts from what stands between them. */

/* Begins the text that a number becomes: U+FDEE. */
static const char number_mark[] = "\xef\xb7\xae";

/* What is copied to `plain` so far: all before `copied`, with the replacements. */
typedef struct rewriting {
    const char *text;
    size_t size, copied;
    mmn_text plain;
} rewriting;

/* Copies up to `start`, and passes over what stands from there to `end`. */
static void replace(rewriting *run, size_t start, size_t end)
{
    mmn_text_add_bytes(&run->plain, run->text + run->copied, start - run->copied);
    run->copied = end;
}

/* Goes from the quotation mark at `at` to behind the one that closes the text. */
static size_t rewrite_text(rewriting *run, size_t at)
{
    static const char zero[] = "\\u0000";
    const size_t length = sizeof(zero) - 1;
    for (at++; at < run->size && run->text[at] != '"'; at++) {
        if (run->text[at] != '\\')
            continue;
        if (run->size - at >= length && memcmp(run->text + at, zero, length) == 0) {
            replace(run, at, at + length);
            mmn_text_add(&run->plain, MMN_JSON_ZERO);
        }
        at++;
    }
    return at < run->size ? at + 1 : run->size;
}

static bool belongs_to_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+' || c == '.';
}

/* Goes over the digits at `at`, of which there must be one. */
static bool pass_digits(const char *word, size_t length, size_t *at)
{
    size_t start = *at;
    while (*at < length && word[*at] >= '0' && word[*at] <= '9')
        ++*at;
    return *at > start;
}

static bool is_number(const char *word, size_t length)
{
    size_t at = word[0] == '-';
    if (!pass_digits(word, length, &at))
        return false;
    if (at < length && word[at] == '.') {
        at++;
        if (!pass_digits(word, length, &at))
            return false;
    }
    if (at < length && (word[at] == 'e' || word[at] == 'E')) {
        at++;
        at += at < length && (word[at] == '+' || word[at] == '-');
        if (!pass_digits(word, length, &at))
            return false;
    }
    return at == length;
}

/* Whether this is a number, and Jansson finds that it cannot hold it: it can hold 18 digits. */
static bool is_too_large(rewriting *run, const char *word, size_t length)
{
    json_error_t problem;
    unsigned long before = mmn_json_failures();
    if (length <= 18 && !memchr(word, 'e', length) && !memchr(word, 'E', length))
        return false;
    if (!is_number(word, length))
        return false;
    json_t *value = load_text(word, length, JSON_DECODE_ANY, &problem);
    run->plain.failed |= mmn_json_failures() != before;
    if (!value)
        return json_error_code(&problem) == json_error_numeric_overflow;
    json_decref(value);
    return false;
}

static bool is_odd_number(rewriting *run, const char *word, size_t length)
{
    const mmn_item item = {word, length};
    return mmn_item_is(&item, "NaN") || mmn_item_is(&item, "Infinity") ||
           mmn_item_is(&item, "-Infinity") || is_too_large(run, word, length);
}

/* A number that is a key is no JSON for Python either. */
static bool is_key(const rewriting *run, size_t end)
{
    while (end < run->size && memchr(" \t\r\n", run->text[end], 4))
        end++;
    return end < run->size && run->text[end] == ':';
}

/* Goes from the word (a number, NaN, null...) at `at` to behind it. */
static size_t rewrite_word(rewriting *run, size_t at)
{
    size_t end = at;
    while (end < run->size && belongs_to_word(run->text[end]))
        end++;
    if (is_odd_number(run, run->text + at, end - at) && !is_key(run, end)) {
        replace(run, at, end);
        mmn_text_add(&run->plain, "\"%s", number_mark);
        mmn_text_add_bytes(&run->plain, run->text + at, end - at);
        mmn_text_add(&run->plain, "\"");
    }
    return end;
}

/* What of JSON text Jansson refuses and Python reads becomes a text: NaN, Infinity, -Infinity,
 * integers beyond 64 bits and numbers beyond binary64 become their own spelling behind a mark, and
 * an escaped U+0000 becomes MMN_JSON_ZERO. *plain is the new text, freed with mmn_free, or NULL if
 * `text` holds nothing of the kind. What is not JSON for Python either stays as it is. */
static mmn_status from_python(char **plain, size_t *plain_size, const char *text, size_t size,
                              mmn_error *error)
{
    rewriting run = {.text = text, .size = size};
    *plain = NULL;
    for (size_t at = 0; at < size;) {
        if (text[at] == '"')
            at = rewrite_text(&run, at);
        else if (belongs_to_word(text[at]))
            at = rewrite_word(&run, at);
        else
            at++;
    }
    if (run.copied == 0 && !run.plain.failed)
        return MMN_OK;
    replace(&run, size, size);
    *plain_size = run.plain.length;
    return mmn_text_finish(&run.plain, plain, error);
}

size_t mmn_json_restore_zeros(char *copy, const char *text, size_t length)
{
    const size_t mark = sizeof(MMN_JSON_ZERO) - 1;
    size_t made = 0;
    for (size_t at = 0; at < length;) {
        bool is_zero = length - at >= mark && memcmp(text + at, MMN_JSON_ZERO, mark) == 0;
        copy[made++] = is_zero ? '\0' : text[at];
        at += is_zero ? mark : 1;
    }
    return made;
}

const char *mmn_json_odd_number(const json_t *value)
{
    const size_t length = sizeof(number_mark) - 1;
    const char *text = json_string_value(value);
    return text && strncmp(text, number_mark, length) == 0 ? text + length : NULL;
}

const char *mmn_json_type_name(const json_t *value)
{
    if (!value)
        return "null";
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return mmn_json_odd_number(value) ? "a number" : "a text";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number with a fraction or exponent";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a truth value";
    case JSON_NULL:
        break;
    }
    return "null";
}

/* ---- Parsing --------------------------------------------------------------------------------- */

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
    uint64_t lines = 1;
    const char *start = text;
    for (const char *at = text; at < zero; at++)
        if (*at == '\n') {
            lines++;
            start = at + 1;
        }
    return mmn_fail(error, MMN_INPUT, file,
                    MMN_PLACE("line %" PRIu64 ", column %zu", line != 0 ? line : lines,
                              (size_t)(zero - start) + 1),
                    "not valid JSON: a zero byte");
}

/* Marks that editors and shells of other systems write before a text; no JSON begins so. */
static mmn_status refuse_mark(const char *text, size_t size, const char *file, uint64_t line,
                              mmn_error *error)
{
    bool wide = size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
    bool marked = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
    if (!wide && !marked)
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, file,
                    MMN_PLACE("line %" PRIu64 ", column 1", line != 0 ? line : 1),
                    "not valid JSON: %s; expected UTF-8 without a byte order mark",
                    wide ? "the text is UTF-16" : "a byte order mark");
}

/* `line` is the line of the file that the text is, or 0 if it is the whole file. */
static mmn_status parse(json_t **value, const char *text, size_t size, const char *file,
                        uint64_t line, mmn_error *error)
{
    *value = NULL;
    const char *where = line != 0 ? MMN_PLACE("line %" PRIu64, line) : NULL;
    MMN_TRY(refuse_mark(text, size, file, line, error));
    const char *zero = memchr(text, '\0', size);
    if (zero)
        return refuse_zero(text, zero, file, line, error);
    if (count_values(text, size) > MMN_JSON_VALUE_LIMIT)
        return mmn_fail(error, MMN_INPUT, file, where, "JSON text with more than %d values",
                        MMN_JSON_VALUE_LIMIT);
    json_error_t problem;
    unsigned long before = mmn_json_failures();
    *value = load_text(text, size, JSON_REJECT_DUPLICATES, &problem);
    if (*value)
        return MMN_OK;
    if (mmn_json_failures() != before)
        return mmn_fail(error, MMN_SYSTEM, file, where, "out of memory while parsing JSON");
    if (problem.line <= 0)
        return mmn_fail(error, MMN_INPUT, file, where, "not valid JSON: %s", problem.text);
    return mmn_fail(error, MMN_INPUT, file,
                    MMN_PLACE("line %" PRIu64 ", column %d",
                              line != 0 ? line : (uint64_t)problem.line, problem.column),
                    "not valid JSON: %s", problem.text);
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
    mmn_status status = from_python(&plain, &plain_size, text, size, error);
    if (status == MMN_OK)
        status = parse(value, plain ? plain : text, plain ? plain_size : size, file, line, error);
    mmn_free(plain);
    return status;
}

mmn_status mmn_json_parse_published(json_t **value, const char *text, size_t size, const char *file,
                                    mmn_error *error)
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
    MMN_TRY(mmn_read_file(&text, &size, path, limit, error));
    mmn_status status = parse_text(value, text, size, path, error);
    mmn_free(text);
    return mmn_file_kind_explain(error, status, path, MMN_KIND_JSON);
}

mmn_status mmn_json_load(json_t **value, const char *path, size_t limit, mmn_error *error)
{
    return load(value, path, limit, mmn_json_parse, error);
}

mmn_status mmn_json_load_published(json_t **value, const char *path, size_t limit, mmn_error *error)
{
    return load(value, path, limit, mmn_json_parse_published, error);
}

mmn_status mmn_json_load_if_there(json_t **value, const char *path, size_t limit, mmn_error *error)
{
    bool found;
    *value = NULL;
    MMN_TRY(mmn_find_file(&found, path, error));
    return found ? mmn_json_load_published(value, path, limit, error) : MMN_OK;
}
