/* What the processor's first-level cache can hold at a time. */
#ifndef MMN_SIMD_FIRST_LEVEL_CACHE_H
#define MMN_SIMD_FIRST_LEVEL_CACHE_H

#include <stddef.h>

/* Whether a cache line of each of `rows` rows, `stride` bytes apart, is too much for the sets of
 * the cache that they fall into, so that the lines push each other out. Never with twelve places in
 * a set or more. */
_Bool mmn_first_level_is_crowded(size_t rows, size_t stride);

#endif
