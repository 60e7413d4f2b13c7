/* A list's digest: XXH3-128 of what its lines say, so that copies of a list which differ in line
 * ends, spaces, or the order of keys are one list. doc/formats.md states the layout. */
#include <string.h>

#include "base/json.h"
#include "base/text_buffer.h"
#include "format/list_internal.h"

/* A text as Python's json.dumps writes it with ensure_ascii=False. */
static void say_text(mmn_text *line, const char *string)
{
    static const char letters[] = "\"\\\b\f\n\r\t", written[] = "\"\\bfnrt";
    mmn_text_add_bytes(line, "\"", 1);
    for (; *string != '\0'; string++) {
        const char *found = strchr(letters, *string);
        if (found)
            mmn_text_add(line, "\\%c", written[found - letters]);
        else if ((unsigned char)*string < 0x20)
            mmn_text_add(line, "\\u%04x", (unsigned)*string);
        else
            mmn_text_add_bytes(line, string, 1);
    }
    mmn_text_add_bytes(line, "\"", 1);
}

static void say_value(mmn_text *line, const char *key, const json_t *value);

/* What an edit is tried on, with its keys in the order of a line's. */
static void say_asked(mmn_text *line, const json_t *asked)
{
    static const char *const keys[] = {"image", "question", "prompt"};
    const char *separator = "{";
    for (size_t k = 0; k < MMN_LENGTH(keys); k++) {
        const json_t *value = json_object_get(asked, keys[k]);
        if (!value || json_is_null(value))
            continue;
        mmn_text_add(line, "%s\"%s\": ", separator, keys[k]);
        say_value(line, keys[k], value);
        separator = ", ";
    }
    mmn_text_add(line, *separator == '{' ? "{}" : "}");
}

/* A value of a good line: a text, an integer (an id, which is a text that may be written so), or an
 * array of texts or of what an edit is tried on. */
static void say_value(mmn_text *line, const char *key, const json_t *value)
{
    bool images = strcmp(key, "image") == 0;
    const char *spelt = mmn_json_odd_number(value);
    if (spelt) {
        say_text(line, spelt);
    } else if (json_is_integer(value)) {
        mmn_text_add(line, "\"%" JSON_INTEGER_FORMAT "\"", json_integer_value(value));
    } else if (images && json_array_size(value) == 1) {
        say_text(line, json_string_value(json_array_get(value, 0)));
    } else if (json_is_array(value)) {
        mmn_text_add(line, "[");
        for (size_t i = 0; i < json_array_size(value); i++) {
            mmn_text_add(line, "%s", i > 0 ? ", " : "");
            const json_t *element = json_array_get(value, i);
            if (json_is_object(element))
                say_asked(line, element);
            else
                say_text(line, json_string_value(element));
        }
        mmn_text_add(line, "]");
    } else {
        say_text(line, json_string_value(value));
    }
}

/* Whether the line says something under this key. No image is what a line without the key has
 * too. */
static bool says(const char *key, const json_t *value)
{
    bool images = strcmp(key, "image") == 0;
    return value && !json_is_null(value) &&
           !(images && json_is_array(value) && json_array_size(value) == 0);
}

static void say_sample(mmn_text *line, const json_t *document)
{
    const char *separator = "{";
    for (size_t k = 0; k < MMN_LIST_KEYS; k++) {
        const json_t *value = json_object_get(document, mmn_list_keys[k]);
        if (!says(mmn_list_keys[k], value))
            continue;
        mmn_text_add(line, "%s\"%s\": ", separator, mmn_list_keys[k]);
        say_value(line, mmn_list_keys[k], value);
        separator = ", ";
    }
    mmn_text_add(line, "}\n");
}

/* A line that cannot be read: its bytes, without the white space at its ends. */
static void say_bytes(mmn_text *line, const char *text, size_t length)
{
    while (length > 0 && strchr(" \t\r", text[0]) && text[0] != '\0')
        text++, length--;
    while (length > 0 && strchr(" \t\r", text[length - 1]) && text[length - 1] != '\0')
        length--;
    mmn_text_add_bytes(line, text, length);
    mmn_text_add_bytes(line, "\n", 1);
}

static mmn_status digest_lines(mmn_digest *digest, mmn_list *list, mmn_error *error)
{
    mmn_text line = {0};
    mmn_status status = MMN_OK;
    mmn_list_rewind(list);
    for (bool found = true; found && status == MMN_OK;) {
        mmn_sample sample;
        mmn_error problem = {0};
        status = mmn_list_next(list, &sample, &found, &problem);
        if (!found)
            break;
        line.length = 0;
        if (status == MMN_OK)
            say_sample(&line, list->document);
        else if (status == MMN_INPUT)
            say_bytes(&line, list->line_text, list->line_length);
        else if (error)
            *error = problem;
        if (status == MMN_INPUT)
            status = MMN_OK;
        if (status == MMN_OK && line.failed)
            status = mmn_fail(error, MMN_SYSTEM, NULL, NULL, "out of memory for a line");
        if (status == MMN_OK)
            mmn_digest_add(digest, line.text, line.length);
    }
    mmn_text_free(&line);
    mmn_list_rewind(list);
    return status;
}

mmn_status mmn_list_digest(mmn_list *list, char text[MMN_DIGEST_SIZE], mmn_error *error)
{
    mmn_digest *digest = NULL;
    mmn_status status = mmn_digest_begin(&digest, error);
    if (status == MMN_OK)
        status = digest_lines(digest, list, error);
    if (status == MMN_OK)
        mmn_digest_finish(digest, text);
    mmn_digest_free(digest);
    return status;
}
