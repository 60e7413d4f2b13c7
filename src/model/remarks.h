/* Remarks: what a user should know of a model's folder before trusting a result. */
#ifndef MMN_MODEL_REMARKS_H
#define MMN_MODEL_REMARKS_H

#include <stddef.h>

#include "base/error.h"

/* Sentences in the order they were added. Zero-initialise; free with mmn_remarks_free. */
typedef struct mmn_remarks {
    char **texts;
    size_t count, capacity;
} mmn_remarks;

/* Adds a sentence: what lies there, what is done with it. MMN_SYSTEM when memory is short. */
mmn_status mmn_remarks_add(mmn_remarks *remarks, mmn_error *error, const char *format, ...)
    MMN_PRINTF(3, 4);

/* Adds what lies beside the weights in `folder` and is not read: an index of other shards, an
 * adapter. */
mmn_status mmn_remarks_of_folder(mmn_remarks *remarks, const char *folder, mmn_error *error);

void mmn_remarks_free(mmn_remarks *remarks);

#endif
