/* Shards: which part of a run's samples is done, and whether the parts that are put together are
 * all of them. */
#include "count/shards.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"

mmn_status mmn_shard_check(uint32_t shard, uint32_t shards, mmn_error *error)
{
    if (shard > shards || (shard == 0 && shards > 0))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "shard %" PRIu32 " of %" PRIu32 " does not exist; they count from 1", shard,
                        shards);
    return MMN_OK;
}

mmn_status mmn_shards_begin(mmn_shards *shards, const char *file, uint32_t count, mmn_error *error)
{
    /* More than this many shards nobody has; it bounds what a hostile file can make us allocate. */
    enum { SHARD_LIMIT = 1000000 };
    if (count > SHARD_LIMIT)
        return mmn_fail(error, MMN_INPUT, file, "shard", "more than %d shards", SHARD_LIMIT);
    *shards = (mmn_shards){.first = file, .count = count};
    shards->taken = mmn_allocate(count, sizeof(*shards->taken), error);
    return shards->taken ? MMN_OK : MMN_SYSTEM;
}

mmn_status mmn_shards_take(mmn_shards *shards, const char *file, uint32_t shard, uint32_t count,
                           mmn_error *error)
{
    if (count != shards->count)
        return mmn_fail(error, MMN_INPUT, file, "shard",
                        "one of %" PRIu32 " shards, but %s is one of %" PRIu32, count,
                        shards->first, shards->count);
    if (shards->taken[shard - 1])
        return mmn_fail(error, MMN_INPUT, file, "shard",
                        "shard %" PRIu32 "/%" PRIu32 " is also in %s", shard, count,
                        shards->taken[shard - 1]);
    shards->taken[shard - 1] = file;
    return MMN_OK;
}

/* The shards that no file has, "2, 5, 6, ...". */
mmn_status mmn_shards_check(const mmn_shards *shards, mmn_error *error)
{
    char missing[256] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < shards->count && used + 24 < sizeof(missing); i++)
        if (!shards->taken[i])
            used += (size_t)snprintf(missing + used, sizeof(missing) - used, "%s%" PRIu32,
                                     used > 0 ? ", " : "", i + 1);
    if (used == 0)
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, NULL, NULL, "of %" PRIu32 " shards these are missing: %s%s",
                    shards->count, missing, used + 24 < sizeof(missing) ? "" : ", ...");
}

void mmn_shards_free(mmn_shards *shards)
{
    mmn_free(shards->taken);
    *shards = (mmn_shards){0};
}
