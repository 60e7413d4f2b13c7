/* A growing array of token ids. */
#include "text/ids.h"

#include "base/memory.h"

mmn_status mmn_ids_add(mmn_ids *ids, int32_t id, mmn_error *error)
{
    mmn_status status =
        mmn_reserve(&ids->data, &ids->capacity, ids->count + 1, sizeof(*ids->data), error);
    if (status == MMN_OK)
        ids->data[ids->count++] = id;
    return status;
}

mmn_status mmn_ids_add_all(mmn_ids *ids, const mmn_ids *more, mmn_error *error)
{
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < more->count && status == MMN_OK; i++)
        status = mmn_ids_add(ids, more->data[i], error);
    return status;
}

void mmn_ids_free(mmn_ids *ids)
{
    mmn_free(ids->data);
    *ids = (mmn_ids){0};
}
