/* How many ways of running an input go side by side. */
#include "study/together.h"

#include "base/memory_left.h"

/* Beyond so many more gain nothing. */
enum { MOST = 64 };

uint64_t mmn_together_bytes(const mmn_model *model)
{
    const uint64_t left = mmn_memory_left(""), weights = model->weights->bytes;
    const uint64_t beside = left > weights ? (left - weights) / 2 : 0;
    return left == 0 ? UINT64_C(2) << 30 : beside > left / 8 ? beside : left / 8;
}

size_t mmn_together_count(uint64_t together, uint64_t bytes)
{
    const uint64_t fitting = bytes > 0 ? together / bytes : MOST;
    return fitting < 1 ? 1 : fitting < MOST ? (size_t)fitting : MOST;
}
