/* The name that a mistyped one was probably meant to be. */
#include "cli/nearest.h"

#include <stdint.h>
#include <string.h>

/* How many single changes (one character more, less or other; two neighbours swapped) make one
 * text of the other; more than 32 characters are not compared. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 32 };
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);
    if (a_length > LONGEST || b_length > LONGEST)
        return SIZE_MAX;
    size_t distance[LONGEST + 1][LONGEST + 1];
    for (size_t i = 0; i <= a_length; i++) {
        for (size_t j = 0; j <= b_length; j++) {
            if (i == 0 || j == 0) {
                distance[i][j] = i + j;
                continue;
            }
            size_t best = distance[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (distance[i - 1][j] + 1 < best)
                best = distance[i - 1][j] + 1;
            if (distance[i][j - 1] + 1 < best)
                best = distance[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                distance[i - 2][j - 2] + 1 < best)
                best = distance[i - 2][j - 2] + 1;
            distance[i][j] = best;
        }
    }
    return distance[a_length][b_length];
}

const char *mmn_cli_nearest(const char *text, const void *names, size_t stride, size_t count)
{
    const char *nearest = NULL;
    /* Up to a third of the characters may be wrong, at least one. */
    size_t allowed = strlen(text) / 3 > 1 ? strlen(text) / 3 : 1;
    for (size_t index = 0; index < count; index++) {
        const char *name;
        memcpy(&name, (const char *)names + index * stride, sizeof name);
        size_t distance = edit_distance(text, name);
        if (distance <= allowed) {
            nearest = name;
            allowed = distance - (distance > 0);
        }
    }
    return nearest;
}
