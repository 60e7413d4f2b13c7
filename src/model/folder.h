/* A model's folder: whether it is one, whether all of it can be read, and what a user should know
 * of it before trusting a result. */
#ifndef MMN_MODEL_FOLDER_H
#define MMN_MODEL_FOLDER_H

#include <stddef.h>

#include "base/error.h"

/* MMN_INPUT for a `folder` that is none: it is a file of a known kind, or looks like a model's name
 * or page on the hub and the message has the command that downloads it, or is not there. */
mmn_status mmn_folder_exists(const char *folder, mmn_error *error);

/* Every file that transformers may read beside the weights is absent or can be read, whether or not
 * we need it here: a folder of which a part was not fetched is not another model. The same goes for
 * the folder within that the tokenizer of a Q-Former has. */
mmn_status mmn_folder_readable(const char *folder, mmn_error *error);

/* *path is the folder `tower` inside `folder`, or `folder` itself where that is "": where a model's
 * vision tower and image processor are. Freed with mmn_free. */
mmn_status mmn_folder_of_tower(char **path, const char *folder, const char *tower,
                               mmn_error *error);

/* Remarks: sentences in the order they were added. Zero-initialise; free with mmn_remarks_free. */
typedef struct mmn_remarks {
    char **texts;
    size_t count, capacity;
} mmn_remarks;

/* Adds a sentence: what lies there, what is done with it. MMN_SYSTEM when memory is short. */
mmn_status mmn_remarks_add(mmn_remarks *remarks, mmn_error *error, const char *format, ...)
    MMN_PRINTF(3, 4);

/* Adds what lies beside the weights in `folder` and is not read: an index of other shards, an
 * adapter. */
mmn_status mmn_folder_remarks(mmn_remarks *remarks, const char *folder, mmn_error *error);

void mmn_remarks_free(mmn_remarks *remarks);

#endif
