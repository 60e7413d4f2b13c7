/* A growing array of token ids, as encoding builds it. */
#ifndef MMN_TEXT_IDS_H
#define MMN_TEXT_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Start from {0}. */
typedef struct mmn_ids {
    int32_t *data;
    size_t count, capacity;
} mmn_ids;

mmn_status mmn_ids_add(mmn_ids *ids, int32_t id, mmn_error *error);
mmn_status mmn_ids_add_all(mmn_ids *ids, const mmn_ids *more, mmn_error *error);
void mmn_ids_free(mmn_ids *ids);

#endif
