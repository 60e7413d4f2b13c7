/* Growing text: tables and files that are composed piece by piece. */
#include "base/text_buffer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

/* Room for `size` more bytes and the terminating zero. */
static bool make_room(mmn_text *text, size_t size)
{
    if (text->failed)
        return false;
    if (size < text->capacity - text->length)
        return true;
    if (size > SIZE_MAX - text->length - 1 ||
        mmn_reserve(&text->text, &text->capacity, text->length + size + 1, 1, NULL) != MMN_OK)
        text->failed = true;
    return !text->failed;
}

void mmn_text_add(mmn_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0)
        text->failed = true;
    if (size < 0 || !make_room(text, (size_t)size))
        return;
    va_start(arguments, format);
    vsnprintf(text->text + text->length, (size_t)size + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)size;
}

void mmn_text_add_bytes(mmn_text *text, const char *bytes, size_t size)
{
    if (!make_room(text, size))
        return;
    if (size > 0)
        memcpy(text->text + text->length, bytes, size);
    text->length += size;
    text->text[text->length] = '\0';
}

void mmn_text_add_character(mmn_text *text, uint32_t code)
{
    char bytes[4];
    mmn_text_add_bytes(text, bytes, mmn_utf8_encode(bytes, code));
}

void mmn_text_fill(mmn_text *text, char fill, size_t count)
{
    if (!make_room(text, count))
        return;
    memset(text->text + text->length, fill, count);
    text->length += count;
    text->text[text->length] = '\0';
}

void mmn_text_add_real(mmn_text *text, double value)
{
    char digits[40];
    if (!isfinite(value)) {
        mmn_text_add(text, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return;
    }
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    /* What is neither digit, sign nor exponent is the locale's decimal point. */
    size_t before = strspn(digits, "+-0123456789e");
    size_t point = strcspn(digits + before, "+-0123456789e");
    mmn_text_add(text, "%.*s%s%s", (int)before, digits, point > 0 ? "." : "",
                 digits + before + point);
}

void mmn_text_add_json(mmn_text *text, const char *string)
{
    mmn_text_add_bytes(text, "\"", 1);
    for (size_t size; *string != '\0'; string += size) {
        uint32_t code = mmn_character_at(string, &size);
        if (code == '"' || code == '\\')
            mmn_text_add(text, "\\%c", (int)code);
        else if (code < 0x10000 && mmn_is_hidden(code))
            mmn_text_add(text, "\\u%04x", (unsigned)code);
        else
            mmn_text_add_bytes(text, string, size);
    }
    mmn_text_add_bytes(text, "\"", 1);
}

mmn_status mmn_text_status(const mmn_text *text, mmn_error *error)
{
    return text->failed ? mmn_fail(error, MMN_SYSTEM, NULL, NULL, "out of memory for a text")
                        : MMN_OK;
}

mmn_status mmn_text_finish(mmn_text *text, char **result, mmn_error *error)
{
    mmn_text_add_bytes(text, "", 0); /* a text to which nothing was added is "" */
    mmn_status status = mmn_text_status(text, error);
    *result = NULL;
    if (status == MMN_OK) {
        *result = text->text;
        *text = (mmn_text){0};
    }
    mmn_text_free(text);
    return status;
}

void mmn_text_free(mmn_text *text)
{
    mmn_free(text->text);
    *text = (mmn_text){0};
}
