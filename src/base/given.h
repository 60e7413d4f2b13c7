/* What a caller must give: functions of the public header refuse NULL where it is not allowed. */
#ifndef MMN_BASE_GIVEN_H
#define MMN_BASE_GIVEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Whether one of `count` pointers is NULL; fills `error` (MMN_USAGE) then. `names` are what they are
 * called, separated by ", ". */
bool mmn_is_missing(mmn_error *error, const char *names, size_t count, const void *const *pointers);

/* Whether one of the pointers is NULL: "model", "options->list". */
#define MMN_MISSING(error, ...)                                                                  \
    mmn_is_missing(error, #__VA_ARGS__, sizeof((const void *const[]){__VA_ARGS__}) / sizeof(void *), \
                   (const void *const[]){__VA_ARGS__})

/* More texts than anybody gives: such a count is a mistake, whose array must not be read. */
enum { MMN_GIVEN_LIMIT = 1 << 20 };

/* Whether one of `count` texts, which are called `name`, is NULL, or there are too many of them. */
bool mmn_text_is_missing(mmn_error *error, const char *name, size_t count,
                         const char *const *texts);

#endif
