/* A first-level cache that stands for the processor's where kernels are tried: rows a multiple of
 * 4 KiB apart push each other out of it, and no others do, so that every machine tries products in
 * both ways. */
#include "first_level_cache.h"

_Bool mmn_first_level_is_crowded(size_t rows, size_t stride)
{
    return rows > 1 && stride % 4096 == 0;
}
