/* Word counts: how often each token id was the most probable one. */
#ifndef MMN_STUDY_WORD_COUNTS_H
#define MMN_STUDY_WORD_COUNTS_H

#include <stdint.h>

#include "base/error.h"

typedef struct mmn_word_count {
    int32_t id;
    uint64_t count;
} mmn_word_count;

/* Takes memory for the ids that occur only. Zero-initialise; free with mmn_word_counts_free. */
typedef struct mmn_word_counts {
    mmn_word_count *list; /* ascending ids */
    size_t count, capacity;
} mmn_word_counts;

mmn_status mmn_word_counts_add(mmn_word_counts *counts, int32_t id, mmn_error *error);
void mmn_word_counts_free(mmn_word_counts *counts);

/* The `limit` most frequent ids, the lower id first among equals; returns how many there are. */
size_t mmn_word_counts_most(const mmn_word_counts *counts, mmn_word_count *most, size_t limit);

#endif
