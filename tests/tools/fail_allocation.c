/* Fails one allocation of a process: loaded before the C library with LD_PRELOAD, it counts calls
 * of malloc and its kin, lets the one with number MMN_FAIL_AT fail, and writes how many there were
 * to the file MMN_FAIL_COUNT at the end. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *pointer, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static atomic_ulong calls;

static int refused(void)
{
    static unsigned long fail_at;
    static int known;
    if (!known) {
        const char *number = getenv("MMN_FAIL_AT");
        fail_at = number ? strtoul(number, NULL, 10) : 0;
        known = 1;
    }
    if (atomic_fetch_add(&calls, 1) + 1 != fail_at)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return refused() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *pointer, size_t size)
{
    return refused() ? NULL : __libc_realloc(pointer, size);
}

void *memalign(size_t alignment, size_t size)
{
    return refused() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **pointer, size_t alignment, size_t size)
{
    void *made = memalign(alignment, size);
    if (!made)
        return ENOMEM;
    *pointer = made;
    return 0;
}

__attribute__((destructor)) static void tell(void)
{
    const char *file = getenv("MMN_FAIL_COUNT");
    int descriptor = file ? open(file, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;
    char text[32];
    int length = snprintf(text, sizeof(text), "%lu\n", (unsigned long)calls);
    if (descriptor >= 0 && write(descriptor, text, (size_t)length) == length)
        close(descriptor);
}
