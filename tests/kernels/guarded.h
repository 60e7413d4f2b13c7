/* Guarded memory: arrays beside an inaccessible page, so that whoever reaches outside is found. */
#ifndef MMN_TESTS_KERNELS_GUARDED_H
#define MMN_TESTS_KERNELS_GUARDED_H

#include <stddef.h>

typedef struct guarded {
    unsigned char *pages; /* inaccessible page, accessible pages, inaccessible page */
    size_t length;        /* of all of them */
    unsigned char *data;
    size_t size;
} guarded;

/* `size` bytes that end where an inaccessible page begins. Aborts without memory, as all here. */
guarded guarded_before_page(size_t size);

/* `size` bytes that begin `gap` bytes behind an inaccessible page. */
guarded guarded_behind_page(size_t size, size_t gap);

void guarded_free(guarded *memory);

/* Whether accessible bytes before or behind the array were written to. */
typedef struct guarded_damage {
    _Bool left, right;
} guarded_damage;

guarded_damage guarded_find_damage(const guarded *memory);

/* Whether the address lies in one of the inaccessible pages, and how far: the number of bytes from
 * the end of the array to it (0: the first one behind), or, less than 0, from its beginning. */
_Bool guarded_explains(const guarded *memory, const void *address, ptrdiff_t *distance);

#endif
