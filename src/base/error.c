/* Error reporting: filling mmn_error and making one sentence of it; and the library's version. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/names.h"

/* strerror is not safe between threads; strerror_r has two incompatible forms. Both are told apart
 * by their return type. */
static const char *text_of_int(int result, const char *buffer)
{
    return result == 0 ? buffer : "unknown error";
}

static const char *text_of_pointer(const char *result, const char *buffer)
{
    (void)buffer;
    return result;
}

#define SYSTEM_TEXT(errno_value, buffer)                                                           \
    _Generic(strerror_r((errno_value), (buffer), sizeof(buffer)),           \
        int: text_of_int, char *: text_of_pointer)(                         \
        strerror_r((errno_value), (buffer), sizeof(buffer)), (buffer))

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

static MMN_PRINTF(5, 0) void fill(mmn_error *error, mmn_status status, const char *file,
                                  const char *where, const char *format, va_list arguments)
{
    error->status = status;
    error->cause = 0;
    copy_text(error->file, sizeof(error->file), file);
    copy_text(error->where, sizeof(error->where), where);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
}

mmn_status mmn_fail(mmn_error *error, mmn_status status, const char *file, const char *where,
                    const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        fill(error, status, file, where, format, arguments);
        va_end(arguments);
    }
    return status;
}

mmn_status mmn_fail_system(mmn_error *error, int errno_value, const char *file, const char *format,
                           ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        fill(error, MMN_SYSTEM, file, NULL, format, arguments);
        va_end(arguments);
        error->cause = errno_value;
        char buffer[128] = "";
        size_t used = strlen(error->message);
        snprintf(error->message + used, sizeof(error->message) - used, ": %s",
                 SYSTEM_TEXT(errno_value, buffer));
    }
    return MMN_SYSTEM;
}

const char *mmn_write_place(mmn_place *place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(place->text, sizeof(place->text), format, arguments);
    va_end(arguments);
    return place->text;
}

mmn_status mmn_error_in_file(mmn_error *error, mmn_status status, const char *file)
{
    if (status == MMN_OK || status == MMN_SYSTEM || !error)
        return status;
    if (!error->file[0])
        copy_text(error->file, sizeof(error->file), file);
    return status;
}

void mmn_error_sentence(const mmn_error *error, char *text, size_t size)
{
    static const mmn_error none;
    if (!text || size == 0)
        return;
    if (!error)
        error = &none;
    const char *file = error->file, *where = error->where;
    snprintf(text, size, "%s%s%s%s%s", file, file[0] ? ": " : "", where, where[0] ? ": " : "",
             error->message);
    if (size > 0)
        mmn_make_printable(text, 0);
}

/* ---- What a caller must give ----------------------------------------------------------------- */

bool mmn_is_missing(mmn_error *error, const char *names, size_t count, const void *const *pointers)
{
    mmn_item name;
    for (size_t i = 0; i < count && mmn_next_item(&name, &names, ','); i++) {
        if (!pointers[i]) {
            mmn_fail(error, MMN_USAGE, NULL, NULL, "%.*s is NULL", MMN_ITEM(name));
            return true;
        }
        names += names ? strspn(names, " ") : 0;
    }
    return false;
}

bool mmn_text_is_missing(mmn_error *error, const char *name, size_t count, const char *const *texts)
{
    if (count > MMN_GIVEN_LIMIT) {
        mmn_fail(error, MMN_USAGE, NULL, NULL, "%zu %ss are too many; at most %d", count, name,
                 MMN_GIVEN_LIMIT);
        return true;
    }
    for (size_t i = 0; i < count; i++)
        if (!texts || !texts[i]) {
            mmn_fail(error, MMN_USAGE, NULL, NULL, "%s %zu is NULL", name, i);
            return true;
        }
    return false;
}

mmn_status mmn_take_options(void *own, size_t size, size_t former, const void *given,
                            mmn_error *error)
{
    size_t given_size = size;
    if (given)
        memcpy(&given_size, given, sizeof(given_size));
    if (given_size < size && (former == 0 || given_size != former))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "the options' size is %zu; expected what sizeof says, %zu", given_size,
                        size);
    if (given_size > MMN_GIVEN_LIMIT)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "the options' size is %zu", given_size);
    for (size_t i = size; i < given_size; i++)
        if (((const unsigned char *)given)[i] != 0)
            return mmn_fail(error, MMN_USAGE, NULL, NULL,
                            "the options ask for what this version of the library does not know");
    memset(own, 0, size);
    if (given)
        memcpy(own, given, given_size < size ? given_size : size);
    memcpy(own, &size, sizeof(size));
    return MMN_OK;
}

/* ---- Version --------------------------------------------------------------------------------- */

const char *mmn_version(void)
{
    return PACKAGE_VERSION;
}
