/* Maps of neurons: enlarged to the picture, and the bar above which a mask shows it. */
#include "study/contribution.h"

#include <stdlib.h>

static int compare_values(const void *a, const void *b)
{
    float first = *(const float *)a, second = *(const float *)b;
    return (first > second) - (first < second);
}

double mmn_map_percentile(float *values, size_t count)
{
    size_t rank = 19 * (count - 1), low = rank / 20;
    qsort(values, count, sizeof(*values), compare_values);
    if (rank % 20 == 0)
        return values[low];
    return values[low] +
           ((double)values[low + 1] - (double)values[low]) * (double)(rank % 20) / 20.0;
}

/* Between which two patches a pixel lies, *first and the next, and how far from the first, which is
 * more than 1 behind the last of them. */
static double place(size_t *first, size_t pixel, size_t size, size_t side)
{
    const double at = (double)pixel * ((double)side / (double)size);
    *first = (size_t)at < side - 2 ? (size_t)at : side - 2;
    return at - (double)*first;
}

void mmn_map_enlarge(float *enlarged, size_t size, const float *map, size_t side)
{
    for (size_t i = 0; i < size * size; i++) {
        size_t x, y;
        if (side < 2) {
            enlarged[i] = map[0];
            continue;
        }
        const double u = place(&x, i % size, size, side), v = place(&y, i / size, size, side);
        const float *row = map + y * side + x, *next = row + side;
        enlarged[i] = (float)((1 - u) * (1 - v) * (double)row[0] + u * (1 - v) * (double)row[1] +
                              (1 - u) * v * (double)next[0] + u * v * (double)next[1]);
    }
}
