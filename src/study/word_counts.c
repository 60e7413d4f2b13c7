/* Word counts: how often each token id was the most probable one. */
#include "study/word_counts.h"

#include <string.h>

#include "base/memory.h"

mmn_status mmn_word_counts_add(mmn_word_counts *counts, int32_t id, mmn_error *error)
{
    size_t low = 0, high = counts->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (counts->list[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == counts->count || counts->list[low].id != id) {
        mmn_status status = mmn_reserve(&counts->list, &counts->capacity, counts->count + 1,
                                        sizeof(*counts->list), error);
        if (status != MMN_OK)
            return status;
        memmove(counts->list + low + 1, counts->list + low,
                (counts->count - low) * sizeof(*counts->list));
        counts->list[low] = (mmn_word_count){.id = id};
        counts->count++;
    }
    counts->list[low].count++;
    return MMN_OK;
}

void mmn_word_counts_free(mmn_word_counts *counts)
{
    mmn_free(counts->list);
    *counts = (mmn_word_counts){0};
}

size_t mmn_word_counts_most(const mmn_word_counts *counts, mmn_word_count *most, size_t limit)
{
    size_t found = 0;

    for (size_t i = 0; i < counts->count; i++) {
        size_t place = found < limit ? found++ : limit;
        for (; place > 0 && most[place - 1].count < counts->list[i].count; place--)
            if (place < limit)
                most[place] = most[place - 1];
        if (place < limit)
            most[place] = counts->list[i];
    }
    return found;
}
