/* Names: items of lists that are written as texts, patterns of names, and how far one is from
 * another. */
#ifndef MMN_BASE_NAMES_H
#define MMN_BASE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

/* Which of `count` names `text` is, or `count`. The names stand `stride` bytes apart: in an array
 * of their own, or as the first member of structures. */
size_t mmn_name_index(const char *text, const void *names, size_t stride, size_t count);
#define MMN_NAME_INDEX(text, names)                                                                \
    mmn_name_index(text, names, sizeof((names)[0]), MMN_LENGTH(names))

bool mmn_begins_with(const char *text, const char *beginning);
bool mmn_ends_with(const char *text, const char *end);

/* For qsort and bsearch over such names: their bytewise order. */
int mmn_compare_names(const void *left, const void *right);

/* A part of a text. */
typedef struct mmn_item {
    const char *text;
    size_t length;
} mmn_item;

/* Takes the next item from *rest, which ends at `separator` or with the text; *rest is what
 * follows, NULL behind the last. "" is one item without characters, NULL none: false is returned
 * then. */
bool mmn_next_item(mmn_item *item, const char **rest, char separator);

bool mmn_item_is(const mmn_item *item, const char *text);

/* For "%.*s", where a stranger's item is cut to what a sentence bears. */
#define MMN_ITEM(item) (int)((item).length < 100 ? (item).length : 100), (item).text

/* Whether `name` as a whole matches one of `patterns`, which are separated by commas (spaces around
 * them do not count). '*' stands for any text, dots included, '?' for any one byte, and "{i}" for a
 * number, so that the names of doc/formats.md's table of stages are patterns too. NULL matches
 * every name, an empty pattern none. Takes at most pattern length x name length steps. */
bool mmn_glob_match(const char *patterns, const char *name);

/* Levenshtein's distance of two texts of characters: one more, one less or another one are a
 * change, and with `swaps` two neighbours that changed places. rows [3 * (count_b + 1)] is room to
 * work in. */
size_t mmn_edit_distance(const uint32_t *a, size_t count_a, const uint32_t *b, size_t count_b,
                         bool swaps, size_t *rows);

#endif
