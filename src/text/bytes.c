/* Growing arrays of bytes and of token ids. */
#include "text/bytes.h"

#include <string.h>

#include "base/memory.h"

mmn_status mmn_bytes_add(mmn_bytes *bytes, const char *text, size_t length, mmn_error *error)
{
    if (length == 0)
        return MMN_OK;
    if (length > SIZE_MAX - bytes->length)
        return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "text too long");
    mmn_status status =
        mmn_reserve(&bytes->data, &bytes->capacity, bytes->length + length, 1, error);
    if (status != MMN_OK)
        return status;
    memcpy(bytes->data + bytes->length, text, length);
    bytes->length += length;
    return MMN_OK;
}

void mmn_bytes_free(mmn_bytes *bytes)
{
    mmn_free(bytes->data);
    *bytes = (mmn_bytes){0};
}

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
