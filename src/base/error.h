/* Error reporting inside the library: how a function that fails fills the caller's mmn_error, and
 * how one of the public header refuses what it was not given. */
#ifndef MMN_BASE_ERROR_H
#define MMN_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include "mmneuron.h"

#if defined(__GNUC__)
#define MMN_PRINTF(format_index, first_argument)                                                   \
    __attribute__((format(printf, format_index, first_argument)))
#else
#define MMN_PRINTF(format_index, first_argument)
#endif

/* Fills `error` (which may be NULL) and returns `status`, so that a failing function can end with
 * `return mmn_fail(...)`. `file` is the path at fault or NULL; `where` the place in it (a byte, a
 * line, a key, a tensor's name) or NULL; the formatted message says what is wrong and what was
 * expected, starting in lower case and without a full stop. Texts that do not fit are cut. */
mmn_status mmn_fail(mmn_error *error, mmn_status status, const char *file, const char *where,
                    const char *format, ...) MMN_PRINTF(5, 6);

/* As mmn_fail with MMN_SYSTEM, adding what the operating system says of `errno_value`. */
mmn_status mmn_fail_system(mmn_error *error, int errno_value, const char *file, const char *format,
                           ...) MMN_PRINTF(4, 5);

/* Ends the function that it stands in, which returns a status, where `call` fails. For functions
 * that have nothing to free by then: what owns something calls one that uses this, and frees what
 * that left. */
#define MMN_TRY(call)                                                                              \
    do {                                                                                           \
        const mmn_status tried_ = (call);                                                          \
        if (tried_ != MMN_OK)                                                                      \
            return tried_;                                                                         \
    } while (0)

/* Ends the function that it stands in, which returns a status, where an allocation that fills the
 * error has given NULL. */
#define MMN_NEED(pointer)                                                                          \
    do {                                                                                           \
        if (!(pointer))                                                                            \
            return MMN_SYSTEM;                                                                     \
    } while (0)

/* The text of a place for mmn_fail: MMN_PLACE("line %zu", line). It lives as long as the block
 * around it, and the one statement of an "if" is a block, too. */
#define MMN_PLACE(...) mmn_write_place(&(mmn_place){{0}}, __VA_ARGS__)
typedef struct mmn_place {
    char text[256];
} mmn_place;
const char *mmn_write_place(mmn_place *place, const char *format, ...) MMN_PRINTF(2, 3);

/* Names the file in an error that was reported by code which did not know it (a decoder working
 * on memory). Leaves a file that is already named, and everything if `status` is MMN_OK; or
 * MMN_SYSTEM, which is lack of memory there and no fault of the file. Returns `status`. */
mmn_status mmn_error_in_file(mmn_error *error, mmn_status status, const char *file);

/* ---- What a caller must give ----------------------------------------------------------------- */

/* Whether one of `count` pointers is NULL; fills `error` (MMN_USAGE) then. `names` are what they
 * are called, separated by ", ". */
bool mmn_is_missing(mmn_error *error, const char *names, size_t count, const void *const *pointers);

/* Whether one of the pointers is NULL: "model", "options->list". */
#define MMN_MISSING(error, ...)                                                                    \
    mmn_is_missing(error, #__VA_ARGS__,                                                            \
                   sizeof((const void *const[]){__VA_ARGS__}) / sizeof(void *),                    \
                   (const void *const[]){__VA_ARGS__})

/* Fills `own`, a struct of options of `size` bytes, with those that the caller gave, whose size is
 * their first member, or with zeros but for its size (NULL). `former` is the size that the struct
 * had before it grew, whose newer members are 0; 0: it has had one size. MMN_USAGE for a size that
 * no such struct has had, and for members that this library does not know and that are not 0. */
mmn_status mmn_take_options(void *own, size_t size, size_t former, const void *given,
                            mmn_error *error);

/* Goes on with `own`, a copy of the options that `options` points to. */
#define MMN_TAKE_OPTIONS(own, options, error)                                                      \
    do {                                                                                           \
        MMN_TRY(mmn_take_options(&(own), sizeof(own), 0, (options), (error)));                     \
        (options) = &(own);                                                                        \
    } while (0)

/* More texts than anybody gives: such a count is a mistake, whose array must not be read. */
enum { MMN_GIVEN_LIMIT = 1 << 20 };

/* Whether one of `count` texts, which are called `name`, is NULL, or there are too many of them. */
bool mmn_text_is_missing(mmn_error *error, const char *name, size_t count,
                         const char *const *texts);

/* End a function of the public header, which returns a status, where something is missing. */
#define MMN_GIVEN(error, ...)                                                                      \
    do {                                                                                           \
        if (MMN_MISSING(error, __VA_ARGS__))                                                       \
            return MMN_USAGE;                                                                      \
    } while (0)
#define MMN_GIVEN_TEXTS(error, name, count, texts)                                                 \
    do {                                                                                           \
        if (mmn_text_is_missing((error), (name), (count), (texts)))                                \
            return MMN_USAGE;                                                                      \
    } while (0)

/* What such a function makes is NULL until it is made. */
#define MMN_CLEAR(made)                                                                            \
    do {                                                                                           \
        if (made)                                                                                  \
            *(made) = NULL;                                                                        \
    } while (0)

#endif
