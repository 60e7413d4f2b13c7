/* Items of a list that is written as a text. */
#include "base/items.h"

#include <string.h>

bool mmn_next_item(mmn_item *item, const char **rest, char separator)
{
    if (!*rest)
        return false;
    const char *end = strchr(*rest, separator);
    *item = (mmn_item){*rest, end ? (size_t)(end - *rest) : strlen(*rest)};
    *rest = end ? end + 1 : NULL;
    return true;
}

bool mmn_item_is(const mmn_item *item, const char *text)
{
    return strlen(text) == item->length && memcmp(text, item->text, item->length) == 0;
}
