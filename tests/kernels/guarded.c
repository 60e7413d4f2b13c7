/* Guarded memory: arrays beside an inaccessible page, so that whoever reaches outside is found. */
#include "guarded.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CANARY = 0xc5 };

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* The accessible pages hold `needed` bytes and canaries. */
static guarded map_pages(size_t needed)
{
    size_t page = page_size(), inside = (needed / page + 1) * page;
    guarded memory = {.length = inside + 2 * page};
    void *pages = mmap(NULL, memory.length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED ||
        mprotect((unsigned char *)pages + page, inside, PROT_READ | PROT_WRITE) != 0)
        abort();
    memory.pages = pages;
    memset(memory.pages + page, CANARY, inside);
    return memory;
}

guarded guarded_before_page(size_t size)
{
    guarded memory = map_pages(size);

    memory.data = memory.pages + memory.length - page_size() - size;
    memory.size = size;
    return memory;
}

guarded guarded_behind_page(size_t size, size_t gap)
{
    guarded memory = map_pages(gap + size);

    memory.data = memory.pages + page_size() + gap;
    memory.size = size;
    return memory;
}

void guarded_free(guarded *memory)
{
    munmap(memory->pages, memory->length);
}

static _Bool is_canary(const unsigned char *begin, const unsigned char *end)
{
    for (; begin < end; begin++)
        if (*begin != CANARY)
            return 0;
    return 1;
}

guarded_damage guarded_find_damage(const guarded *memory)
{
    size_t page = page_size();

    return (guarded_damage){
        .left = !is_canary(memory->pages + page, memory->data),
        .right = !is_canary(memory->data + memory->size, memory->pages + memory->length - page),
    };
}

_Bool guarded_explains(const guarded *memory, const void *address, ptrdiff_t *distance)
{
    uintptr_t at = (uintptr_t)address, pages = (uintptr_t)memory->pages;
    uintptr_t data = (uintptr_t)memory->data;

    if (at < pages || at >= pages + memory->length)
        return 0;
    *distance = at < data ? (ptrdiff_t)(at - data) : (ptrdiff_t)(at - data - memory->size);
    return 1;
}
