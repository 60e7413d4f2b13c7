/* Memory: zeroed, aligned, overflow-checked allocation, and its failure on request for tests. */
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static unsigned long fail_at;

void mmn_memory_fail_at(unsigned long number)
{
    fail_at = number;
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
    void *pointer = NULL;
    bool refused = fail_at != 0 && --fail_at == 0;
    if (refused || posix_memalign(&pointer, MMN_ALIGNMENT, size ? size : 1) != 0)
        return NULL;
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
    if (!grown)
        return MMN_SYSTEM;
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
    free(pointer);
}

void mmn_release(void *pointer)
{
    mmn_free(pointer);
}
