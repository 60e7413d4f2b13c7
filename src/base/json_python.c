/* From Python's JSON to Jansson's: one pass that tells texts from what stands between them. */
#include "base/json_python.h"

#include <stdbool.h>
#include <string.h>

#include "base/json_memory.h"
#include "base/text_buffer.h"

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
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '-' || c == '+' || c == '.';
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
    unsigned long failures = mmn_json_failures();
    if (length <= 18 && !memchr(word, 'e', length) && !memchr(word, 'E', length))
        return false;
    if (!is_number(word, length))
        return false;
    json_t *value = mmn_json_load_text(word, length, JSON_DECODE_ANY, &problem);
    run->plain.failed |= mmn_json_failures() != failures;
    if (!value)
        return json_error_code(&problem) == json_error_numeric_overflow;
    json_decref(value);
    return false;
}

static bool is_odd_number(rewriting *run, const char *word, size_t length)
{
    static const char *const names[] = {"NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i]) == length && memcmp(names[i], word, length) == 0)
            return true;
    return is_too_large(run, word, length);
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

mmn_status mmn_json_from_python(char **plain, size_t *plain_size, const char *text, size_t size,
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
