/* What the processor's first-level cache can hold at a time. */
#include "first_level_cache.h"

#include <unistd.h>

enum { LINE_BYTES = 64 };

/* Of processors whose system does not say. */
enum { USUAL_SETS = 64, USUAL_PLACES = 8 };

/* With so many places in a set, sixteen lines of one set were read in quarters as fast as memory
 * brings them (doc/benchmarks.md: Emerald Rapids), and staging them has not been measured. */
enum { ENOUGH_PLACES = 12 };

/* The sets of the cache, and the places in each. */
typedef struct cache_shape {
    size_t sets, places;
} cache_shape;

static cache_shape first_level(void)
{
#ifdef _SC_LEVEL1_DCACHE_ASSOC
    const long bytes = sysconf(_SC_LEVEL1_DCACHE_SIZE), places = sysconf(_SC_LEVEL1_DCACHE_ASSOC);

    if (places > 0 && bytes >= places * LINE_BYTES)
        return (cache_shape){(size_t)(bytes / places) / LINE_BYTES, (size_t)places};
#endif
    return (cache_shape){USUAL_SETS, USUAL_PLACES};
}

_Bool mmn_first_level_is_crowded(size_t rows, size_t stride)
{
    const cache_shape cache = first_level();
    size_t together = 0; /* with the first row */

    for (size_t row = 0; row < rows; row++)
        together += row * stride / LINE_BYTES % cache.sets == 0;
    return cache.places < ENOUGH_PLACES && together >= cache.places;
}
