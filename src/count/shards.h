/* Shards: which part of a run's samples is done, and whether the parts that are put together are
 * all of them. */
#ifndef MMN_COUNT_SHARDS_H
#define MMN_COUNT_SHARDS_H

#include <stdint.h>

#include "base/error.h"

/* Whether there can be a shard `shard` of `shards`, from 1 on; 0, 0: all. */
mmn_status mmn_shard_check(uint32_t shard, uint32_t shards, mmn_error *error);

/* The files of one run's shards. Zero-initialise; free with mmn_shards_free. */
typedef struct mmn_shards {
    const char *first; /* file */
    uint32_t count;
    const char **taken; /* [count]: the file of shard i + 1, or NULL */
} mmn_shards;

/* Gets ready for as many shards as the first file says that there are. */
mmn_status mmn_shards_begin(mmn_shards *shards, const char *file, uint32_t count, mmn_error *error);
/* Takes a file, which has this shard of so many. MMN_INPUT when it cannot belong there. */
mmn_status mmn_shards_take(mmn_shards *shards, const char *file, uint32_t shard, uint32_t count,
                           mmn_error *error);
/* MMN_INPUT, naming them, when shards are missing. */
mmn_status mmn_shards_check(const mmn_shards *shards, mmn_error *error);
void mmn_shards_free(mmn_shards *shards);

#endif
