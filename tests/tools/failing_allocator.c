/* An allocator that counts, and whose allocations fail when asked to, set before the tests of a
 * program begin. */
#include "tests/tools/failing_allocator.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "mmneuron.h"

static unsigned long fail_at;
static atomic_size_t asked_for;

void fail_allocation_at(unsigned long number)
{
    fail_at = number;
}

size_t bytes_asked_for(void)
{
    return asked_for;
}

static void *allocate(void *context, size_t size, size_t alignment)
{
    (void)context;
    void *pointer = NULL;
    asked_for += size;
    if (fail_at != 0 && --fail_at == 0)
        return NULL;
    return posix_memalign(&pointer, alignment, size) == 0 ? pointer : NULL;
}

static void release(void *context, void *pointer)
{
    (void)context;
    free(pointer);
}

/* Criterion starts a process for each test, and this runs in it before anything allocates. */
__attribute__((constructor)) static void set_allocator(void)
{
    const mmn_allocator allocator = {allocate, release, NULL};
    if (mmn_set_allocator(&allocator, NULL) != MMN_OK)
        abort();
}
