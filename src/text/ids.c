/* A growing array of token ids. */
#include "text/ids.h"

#include "base/memory.h"

mmn_status mmn_ids_add(mmn_ids *ids, int32_t id, mmn_error *error)
{
    MMN_TRY(mmn_reserve(&ids->data, &ids->capacity, ids->count + 1, sizeof(*ids->data), error));
    ids->data[ids->count++] = id;
    return MMN_OK;
}

mmn_status mmn_ids_add_all(mmn_ids *ids, const mmn_ids *more, mmn_error *error)
{
    for (size_t i = 0; i < more->count; i++)
        MMN_TRY(mmn_ids_add(ids, more->data[i], error));
    return MMN_OK;
}

void mmn_ids_free(mmn_ids *ids)
{
    mmn_free(ids->data);
    *ids = (mmn_ids){0};
}
