/* Memory: zeroed, aligned, overflow-checked allocation, from the C library or the caller's
 * allocator. */
#include "base/memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Large pages save the kernels' walks over large arrays most of their misses in the page tables'
 * cache. */
enum { LARGE_PAGE = 2 << 20 };

static void *allocate_from_system(void *context, size_t size, size_t alignment)
{
    (void)context;
    void *pointer = NULL;
    return posix_memalign(&pointer, alignment, size) == 0 ? pointer : NULL;
}

static void release_to_system(void *context, void *pointer)
{
    (void)context;
    free(pointer);
}

static const mmn_allocator system_allocator = {allocate_from_system, release_to_system, NULL};
static mmn_allocator allocator = {allocate_from_system, release_to_system, NULL};
static atomic_bool has_allocated;

mmn_status mmn_set_allocator(const mmn_allocator *wanted, mmn_error *error)
{
    if (atomic_load(&has_allocated))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "the allocator is chosen before the library first allocates");
    if (wanted && (!wanted->allocate || !wanted->release))
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "an allocator needs both functions");
    allocator = wanted ? *wanted : system_allocator;
    return MMN_OK;
}

bool mmn_multiply_sizes(size_t a, size_t b, size_t *product)
{
    if (a != 0 && b > SIZE_MAX / a)
        return false;
    *product = a * b;
    return true;
}

void *mmn_allocate_for_library(size_t size)
{
    atomic_store_explicit(&has_allocated, true, memory_order_relaxed);
    size_t alignment = size < LARGE_PAGE ? MMN_ALIGNMENT : LARGE_PAGE;
    void *pointer = allocator.allocate(allocator.context, size ? size : 1, alignment);
#ifdef MADV_HUGEPAGE
    if (pointer && size >= LARGE_PAGE)
        madvise(pointer, size - size % LARGE_PAGE, MADV_HUGEPAGE);
#endif
    return pointer;
}

void *mmn_allocate(size_t count, size_t size, mmn_error *error)
{
    size_t bytes;
    if (!mmn_multiply_sizes(count, size, &bytes) || bytes > PTRDIFF_MAX - MMN_ALIGNMENT) {
        mmn_fail(error, MMN_SYSTEM, NULL, NULL, "cannot allocate %zu elements of %zu bytes", count,
                 size);
        return NULL;
    }
    void *pointer = mmn_allocate_for_library(bytes);
    if (!pointer) {
        mmn_fail(error, MMN_SYSTEM, NULL, NULL, "out of memory: %zu bytes were asked for", bytes);
        return NULL;
    }
    memset(pointer, 0, bytes ? bytes : 1);
    return pointer;
}

mmn_status mmn_resize(void *pointer_to_pointer, size_t old_count, size_t count, size_t size,
                      mmn_error *error)
{
    void *old;
    memcpy(&old, pointer_to_pointer, sizeof(old));
    void *grown = mmn_allocate(count, size, error);
    MMN_NEED(grown);
    size_t kept = old_count < count ? old_count : count;
    if (old && kept)
        memcpy(grown, old, kept * size);
    mmn_free(old);
    memcpy(pointer_to_pointer, &grown, sizeof(grown));
    return MMN_OK;
}

mmn_status mmn_reserve(void *pointer_to_pointer, size_t *capacity, size_t needed, size_t size,
                       mmn_error *error)
{
    if (needed <= *capacity)
        return MMN_OK;
    size_t doubled = *capacity > SIZE_MAX / 2 ? SIZE_MAX : *capacity * 2;
    size_t wanted = doubled > needed ? doubled : needed;
    if (wanted < 8)
        wanted = 8;
    MMN_TRY(mmn_resize(pointer_to_pointer, *capacity, wanted, size, error));
    *capacity = wanted;
    return MMN_OK;
}

void *mmn_blocks_keep(mmn_blocks *blocks, void *block, mmn_error *error)
{
    if (!block || MMN_RESERVE(blocks->list, blocks->capacity, blocks->count + 1, error) != MMN_OK) {
        mmn_free(block);
        return NULL;
    }
    return blocks->list[blocks->count++] = block;
}

void mmn_blocks_free(mmn_blocks *blocks)
{
    for (size_t i = 0; i < blocks->count; i++)
        mmn_free(blocks->list[i]);
    mmn_free(blocks->list);
    *blocks = (mmn_blocks){0};
}

char *mmn_copy_bytes(const char *text, size_t length, mmn_error *error)
{
    if (length == SIZE_MAX) {
        mmn_fail(error, MMN_SYSTEM, NULL, NULL, "text too long");
        return NULL;
    }
    char *copy = mmn_allocate(length + 1, 1, error);
    if (copy && length)
        memcpy(copy, text, length);
    return copy;
}

char *mmn_copy_text(const char *text, mmn_error *error)
{
    return mmn_copy_bytes(text, strlen(text), error);
}

void mmn_free(void *pointer)
{
    if (pointer)
        allocator.release(allocator.context, pointer);
}

void mmn_release(void *pointer)
{
    mmn_free(pointer);
}
