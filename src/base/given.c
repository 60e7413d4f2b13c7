/* What a caller must give: functions of the public header refuse NULL where it is not allowed. */
#include "base/given.h"

#include <string.h>

#include "base/items.h"

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
