/* Error reporting inside the library: how a function that fails fills the caller's mmn_error. */
#ifndef MMN_BASE_ERROR_H
#define MMN_BASE_ERROR_H

#include "mmneuron.h"

#if defined(__GNUC__)
#define MMN_PRINTF(format_index, first_argument) \
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
mmn_status mmn_fail_system(mmn_error *error, int errno_value, const char *file,
                           const char *format, ...) MMN_PRINTF(4, 5);

/* Ends the function that it stands in, which returns a status, where `call` fails. For functions that have
 * nothing to free by then: what owns something calls one that uses this, and frees what that left. */
#define MMN_TRY(call)                    \
    do {                                 \
        const mmn_status tried_ = (call); \
        if (tried_ != MMN_OK)            \
            return tried_;               \
    } while (0)

/* Names the file in an error that was reported by code which did not know it (a decoder working
 * on memory). Leaves a file that is already named, and everything if `status` is MMN_OK; or
 * MMN_SYSTEM, which is lack of memory there and no fault of the file. Returns `status`. */
mmn_status mmn_error_in_file(mmn_error *error, mmn_status status, const char *file);

#endif
