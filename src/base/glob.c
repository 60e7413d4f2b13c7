/* Glob patterns: choosing stages by name. */
#include "base/glob.h"

#include <stddef.h>
#include <string.h>

#include "base/items.h"

static const char number[] = "{i}";
enum { NUMBER_LENGTH = sizeof(number) - 1 };

static size_t count_digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* Matches pattern[0..length). Only the last '*' is ever tried again: what an earlier one could take
 * besides, the last one can take as well. */
static bool match_one(const char *pattern, size_t length, const char *name)
{
    const char *end = pattern + length;
    const char *star = NULL;  /* what follows the last '*' */
    const char *retry = NULL; /* where in `name` the text after that '*' was tried to begin */
    while (pattern < end || *name != '\0') {
        if (pattern < end && *pattern == '*') {
            star = ++pattern;
            retry = name;
            continue;
        }
        size_t consumed = 0, taken = 1;
        if ((size_t)(end - pattern) >= NUMBER_LENGTH &&
            memcmp(pattern, number, NUMBER_LENGTH) == 0) {
            consumed = count_digits(name);
            taken = NUMBER_LENGTH;
        } else if (pattern < end && *name != '\0' && (*pattern == '?' || *pattern == *name)) {
            consumed = 1;
        }
        if (consumed > 0) {
            pattern += taken;
            name += consumed;
        } else if (star && *retry != '\0') {
            pattern = star;
            name = ++retry;
        } else {
            return false;
        }
    }
    return true;
}

bool mmn_glob_match(const char *patterns, const char *name)
{
    if (!patterns)
        return true;
    mmn_item item;
    while (mmn_next_item(&item, &patterns, ',')) {
        for (; item.length > 0 && item.text[0] == ' '; item.length--)
            item.text++;
        while (item.length > 0 && item.text[item.length - 1] == ' ')
            item.length--;
        if (item.length > 0 && match_one(item.text, item.length, name))
            return true;
    }
    return false;
}
