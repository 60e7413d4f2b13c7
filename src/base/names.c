/* Names: items of lists, patterns of names, and the name that a mistyped one was probably meant to
 * be. */
#include "base/names.h"

#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "mmneuron.h"

/* The name at `index` of those that stand `stride` bytes apart. */
static const char *name_at(const void *names, size_t stride, size_t index)
{
    const char *name;
    memcpy(&name, (const char *)names + index * stride, sizeof(name));
    return name;
}

size_t mmn_name_index(const char *text, const void *names, size_t stride, size_t count)
{
    size_t index = 0;
    while (index < count && strcmp(name_at(names, stride, index), text) != 0)
        index++;
    return index;
}

bool mmn_begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

bool mmn_ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

int mmn_compare_names(const void *left, const void *right)
{
    return strcmp(name_at(left, 0, 0), name_at(right, 0, 0));
}

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

/* ---- Patterns -------------------------------------------------------------------------------- */

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

/* ---- Edit distance --------------------------------------------------------------------------- */

size_t mmn_edit_distance(const uint32_t *a, size_t count_a, const uint32_t *b, size_t count_b,
                         bool swaps, size_t *rows)
{
    size_t *row = rows, *before = row + count_b + 1, *earlier = before + count_b + 1;
    for (size_t j = 0; j <= count_b; j++)
        row[j] = j;
    for (size_t i = 1; i <= count_a; i++) {
        size_t *next = earlier;
        earlier = before;
        before = row;
        row = next;
        row[0] = i;
        for (size_t j = 1; j <= count_b; j++) {
            row[j] = before[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = mmn_smaller(row[j], mmn_smaller(before[j], row[j - 1]) + 1);
            if (swaps && i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = mmn_smaller(row[j], earlier[j - 2] + 1);
        }
    }
    return row[count_b];
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* Longer names are not compared. */
enum { LONGEST = 32 };

/* The characters of an ASCII name, without their case; SIZE_MAX when there are too many. */
static size_t take_characters(uint32_t *characters, const char *name)
{
    size_t count = 0;
    for (; name[count] != '\0'; count++) {
        if (count == LONGEST)
            return SIZE_MAX;
        unsigned char byte = (unsigned char)name[count];
        characters[count] = byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte;
    }
    return count;
}

/* Whether b is a with characters left out, but for the first: "img" of "image". */
static bool abbreviates(const uint32_t *b, size_t count_b, const uint32_t *a, size_t count_a)
{
    size_t found = 0;
    if (count_b < 2 || count_a < 2 || a[0] != b[0])
        return false;
    for (size_t i = 0; i < count_a && found < count_b; i++)
        found += a[i] == b[found];
    return found == count_b;
}

/* Whether b is a and something that a "_" or "-" adds: "image_path" of "image". */
static bool extends(const uint32_t *b, size_t count_b, const uint32_t *a, size_t count_a)
{
    return count_b > count_a + 1 && (b[count_a] == '_' || b[count_a] == '-') &&
           memcmp(a, b, count_a * sizeof(*a)) == 0;
}

static size_t name_distance(const char *text, const char *name)
{
    uint32_t a[LONGEST] = {0}, b[LONGEST] = {0};
    size_t rows[3 * (LONGEST + 1)];
    size_t count_a = take_characters(a, name), count_b = take_characters(b, text);
    if (count_a == SIZE_MAX || count_b == SIZE_MAX)
        return SIZE_MAX;
    size_t distance = mmn_edit_distance(a, count_a, b, count_b, true, rows);
    bool short_form = abbreviates(b, count_b, a, count_a) || extends(b, count_b, a, count_a);
    return short_form ? mmn_smaller(distance, 1) : distance;
}

const char *mmn_nearest_name(const char *text, const void *names, size_t stride, size_t count)
{
    const char *nearest = NULL;
    if (!text || !names)
        return NULL;
    /* Up to a third of the characters may be wrong, at least one. */
    size_t allowed = strlen(text) / 3 > 1 ? strlen(text) / 3 : 1;
    for (size_t index = 0; index < count; index++) {
        const char *name = name_at(names, stride, index);
        size_t distance = name_distance(text, name);
        if (distance <= allowed) {
            nearest = name;
            allowed = distance - (distance > 0);
            if (distance == 0)
                break;
        }
    }
    return nearest;
}
