/* Reading dumps: stages in the order of the forward pass, elements of any type as binary64. */
#ifndef MMN_MODEL_DUMP_READ_H
#define MMN_MODEL_DUMP_READ_H

#include <stdbool.h>

#include "format/safetensors.h"

/* Opens a dump, or a file of stages that others wrote. MMN_INPUT says of a file of another known
 * kind what it is; a file that cannot be read is as for mmn_safetensors_open. */
mmn_status mmn_dump_open(mmn_safetensors **file, const char *path, mmn_error *error);

/* The tensors of `file` that match `stages`, in the order of the forward pass: *list (freed with
 * mmn_free) of *count pointers. Tensors that no stage is called by come last. */
mmn_status mmn_dump_list(const mmn_tensor ***list, size_t *count, const mmn_safetensors *file,
                         const char *stages, mmn_error *error);

/* Whether the elements are whole numbers, truth values among them. */
bool mmn_dump_is_integer(const mmn_tensor *tensor);

/* Elements first .. first + count - 1 of any type as binary64: exact, except integers above
 * 2^53. */
void mmn_dump_load(double *values, const mmn_tensor *tensor, size_t first, size_t count);

/* Whether element number `index` is the same whole number in both, whatever their types. */
bool mmn_dump_same_integer(const mmn_tensor *a, const mmn_tensor *b, size_t index);

#endif
