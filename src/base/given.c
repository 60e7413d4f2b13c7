/* What a caller must give: functions of the public header refuse NULL where it is not allowed. */
#include "base/given.h"

#include <string.h>

bool mmn_is_missing(mmn_error *error, const char *names, size_t count, const void *const *pointers)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strcspn(names, ",");
        if (!pointers[i]) {
            mmn_fail(error, MMN_USAGE, NULL, NULL, "%.*s is NULL", (int)length, names);
            return true;
        }
        names += length;
        names += strspn(names, ", ");
    }
    return false;
}

bool mmn_text_is_missing(mmn_error *error, const char *name, size_t count,
                         const char *const *texts)
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
