/* Memory: the one way in which the library allocates. */
#ifndef MMN_BASE_MEMORY_H
#define MMN_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* The elements of an array. */
#define MMN_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Every allocation starts at a multiple of this many bytes: a cache line, and the widest vector. */
#define MMN_ALIGNMENT 64

/* Returns `count` elements of `size` bytes, all zero, aligned to MMN_ALIGNMENT; never NULL for a
 * zero product. Returns NULL and fills `error` (MMN_SYSTEM) when the product overflows or memory
 * is short. Free with mmn_free. */
void *mmn_allocate(size_t count, size_t size, mmn_error *error);

/* Grows or shrinks the array `*pointer` (or NULL) from `old_count` to `count` elements of `size`
 * bytes; new elements are zero. On failure `*pointer` is left as it was. */
mmn_status mmn_resize(void *pointer_to_pointer, size_t old_count, size_t count, size_t size,
                      mmn_error *error);

/* Makes room for at least `needed` elements in the array `*pointer` of `*capacity` elements,
 * doubling, so that appending one by one costs linear time. */
mmn_status mmn_reserve(void *pointer_to_pointer, size_t *capacity, size_t needed, size_t size,
                       mmn_error *error);
#define MMN_RESERVE(array, capacity, needed, error)                                                \
    mmn_reserve(&(array), &(capacity), (needed), sizeof(*(array)), (error))

/* A copy of `text`, or of its first `length` bytes, with a terminating zero. */
char *mmn_copy_text(const char *text, mmn_error *error);
char *mmn_copy_bytes(const char *text, size_t length, mmn_error *error);

/* For libraries that take functions for their memory: `size` bytes, not zeroed, or NULL. */
void *mmn_allocate_for_library(size_t size);

/* Frees what the functions above returned; NULL is allowed. */
void mmn_free(void *pointer);

/* Memory that is freed together. Zero-initialise; free with mmn_blocks_free. */
typedef struct mmn_blocks {
    void **list;
    size_t count, capacity;
} mmn_blocks;

/* Takes over what mmn_free frees, or NULL, and returns it; NULL, with the error, when memory for
 * that is short. */
void *mmn_blocks_keep(mmn_blocks *blocks, void *block, mmn_error *error);
/* Frees all; more may be kept afterwards. */
void mmn_blocks_free(mmn_blocks *blocks);

/* *product = a * b, or false when it does not fit. */
bool mmn_multiply_sizes(size_t a, size_t b, size_t *product);

static inline size_t mmn_smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t mmn_larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* How many pieces of `piece` each, but the last, `count` makes. */
static inline size_t mmn_pieces(size_t count, size_t piece)
{
    return (count + piece - 1) / piece;
}

#endif
