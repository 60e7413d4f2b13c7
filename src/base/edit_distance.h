/* Edit distance: how many changes of single characters make one text of another. */
#ifndef MMN_BASE_EDIT_DISTANCE_H
#define MMN_BASE_EDIT_DISTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Levenshtein's distance of two texts of characters: one more, one less or another one are a change,
 * and with `swaps` two neighbours that changed places. rows [3 * (count_b + 1)] is room to work in. */
size_t mmn_edit_distance(const uint32_t *a, size_t count_a, const uint32_t *b, size_t count_b,
                         bool swaps, size_t *rows);

#endif
