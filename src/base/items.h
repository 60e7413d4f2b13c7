/* Items of a list that is written as a text, as in "vision,language". */
#ifndef MMN_BASE_ITEMS_H
#define MMN_BASE_ITEMS_H

#include <stdbool.h>
#include <stddef.h>

/* A part of a text. */
typedef struct mmn_item {
    const char *text;
    size_t length;
} mmn_item;

/* Takes the next item from *rest, which ends at `separator` or with the text; *rest is what follows,
 * NULL behind the last. "" is one item without characters, NULL none: false is returned then. */
bool mmn_next_item(mmn_item *item, const char **rest, char separator);

bool mmn_item_is(const mmn_item *item, const char *text);

/* For "%.*s", where a stranger's item is cut to what a sentence bears. */
#define MMN_ITEM(item) (int)((item).length < 100 ? (item).length : 100), (item).text

#endif
