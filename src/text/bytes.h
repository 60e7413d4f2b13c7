/* Growing arrays of bytes and of token ids, as encoding and decoding build them. */
#ifndef MMN_TEXT_BYTES_H
#define MMN_TEXT_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Bytes (UTF-8, without a terminating zero). Start from {0}. */
typedef struct mmn_bytes {
    char *data;
    size_t length, capacity;
} mmn_bytes;

mmn_status mmn_bytes_add(mmn_bytes *bytes, const char *text, size_t length, mmn_error *error);
void mmn_bytes_free(mmn_bytes *bytes);

/* Token ids. Start from {0}. */
typedef struct mmn_ids {
    int32_t *data;
    size_t count, capacity;
} mmn_ids;

mmn_status mmn_ids_add(mmn_ids *ids, int32_t id, mmn_error *error);
mmn_status mmn_ids_add_all(mmn_ids *ids, const mmn_ids *more, mmn_error *error);
void mmn_ids_free(mmn_ids *ids);

#endif
