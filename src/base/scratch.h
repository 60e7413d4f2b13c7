/* Scratch: files under names of their own, in TMPDIR or else /tmp, for what is too much for memory
 * or has to be a file and is not kept. */
#ifndef MMN_BASE_SCRATCH_H
#define MMN_BASE_SCRATCH_H

#include <stddef.h>

#include "base/error.h"

/* Makes an empty file. *path is freed with mmn_free; whoever is done with the file removes it. */
mmn_status mmn_scratch_file(char **path, mmn_error *error);

/* `size` bytes, zero at first, that are a file's which has no name any more: the system writes them
 * out where memory is short. Free with mmn_scratch_unmap. */
mmn_status mmn_scratch_map(void **data, size_t size, mmn_error *error);
/* NULL is allowed. */
void mmn_scratch_unmap(void *data, size_t size);

#endif
