/* safetensors: named tensors in one mapped file, or in the shards of a folder; and writing them. */
#ifndef MMN_FORMAT_SAFETENSORS_H
#define MMN_FORMAT_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

/* Types of elements, all little-endian, ascending in size. (Writing goes by this order.) */
typedef enum mmn_tensor_type {
    MMN_TYPE_BOOL,
    MMN_TYPE_U8,
    MMN_TYPE_I8,
    MMN_TYPE_F8_E5M2,
    MMN_TYPE_F8_E4M3,
    MMN_TYPE_I16,
    MMN_TYPE_U16,
    MMN_TYPE_F16,
    MMN_TYPE_BF16,
    MMN_TYPE_I32,
    MMN_TYPE_U32,
    MMN_TYPE_F32,
    MMN_TYPE_F64,
    MMN_TYPE_I64,
    MMN_TYPE_U64
} mmn_tensor_type;

#define MMN_TENSOR_DIMENSIONS 8 /* at most; the format knows no limit, checkpoints use up to 5 */

/* A tensor: `bytes` bytes at `data`, row-major. The format does not align data, and neither does
 * the reader: load elements with base/bytes.h or memcpy, never through a cast pointer. */
typedef struct mmn_tensor {
    const char *name;
    mmn_tensor_type type;
    size_t dimensions; /* 0: a single element */
    size_t shape[MMN_TENSOR_DIMENSIONS];
    const uint8_t *data;
    size_t bytes;
    const char *file; /* the path of the file that holds it, for messages */
} mmn_tensor;

/* "F32", as files spell it; bytes per element. */
const char *mmn_tensor_type_name(mmn_tensor_type type);
size_t mmn_tensor_type_size(mmn_tensor_type type);
/* The product of the shape, which fits since the data exists. */
size_t mmn_tensor_elements(const mmn_tensor *tensor);
/* "[32064, 4096]", cut to `size`; for messages. */
void mmn_tensor_shape_text(char *text, size_t size, const size_t *shape, size_t dimensions);

/* An open file, or the shards of a folder taken together. Read-only: any number of threads. */
typedef struct mmn_safetensors mmn_safetensors;

/* Maps the file `path` and checks every rule of the format: the header's length (at most 100 MB),
 * its JSON, names unique, types, shapes that give the byte length, data without holes or overlap up
 * to the last byte. MMN_INPUT names the tensor or byte at fault. */
mmn_status mmn_safetensors_open(mmn_safetensors **tensors, const char *path, mmn_error *error);

/* Opens a checkpoint's folder: model.safetensors, or else the shards that
 * model.safetensors.index.json lists; then every tensor of the map is in its shard, and no tensor
 * is in two. Shards may hold tensors that the map does not name, and the map may name computed
 * buffers that no shard holds, as transformers has it. */
mmn_status mmn_safetensors_open_folder(mmn_safetensors **tensors, const char *folder,
                                       mmn_error *error);

/* Makes one of two, in their order: all tensors of `tensors` and those of `other` whose names begin
 * with `prefix`. Takes both over, also on failure. MMN_INPUT where a name is in both. */
mmn_status mmn_safetensors_join(mmn_safetensors **joined, mmn_safetensors *tensors,
                                mmn_safetensors *other, const char *prefix, mmn_error *error);

/* The same as mmn_safetensors_open on bytes in memory, which must outlive *tensors; `file` is for
 * messages. */
mmn_status mmn_safetensors_parse(mmn_safetensors **tensors, const void *data, size_t size,
                                 const char *file, mmn_error *error);

/* Whether the files are still those that were opened (mmn_file_unchanged). */
mmn_status mmn_safetensors_unchanged(const mmn_safetensors *tensors, mmn_error *error);

/* NULL is allowed. */
void mmn_safetensors_close(mmn_safetensors *tensors);

/* Tensors in the order of their names (bytewise), valid until closed. */
size_t mmn_safetensors_count(const mmn_safetensors *tensors);
const mmn_tensor *mmn_safetensors_get(const mmn_safetensors *tensors, size_t index);
/* The tensor with this name, or NULL. */
const mmn_tensor *mmn_safetensors_find(const mmn_safetensors *tensors, const char *name);
/* The text that `__metadata__` has for `key`, or NULL; of a folder, the first shard's. */
const char *mmn_safetensors_metadata(const mmn_safetensors *tensors, const char *key);

/* A second name of a tensor: Python's safetensors stores tensors that share memory once, and says
 * in `__metadata__` which names it left out. */
typedef struct mmn_tensor_alias {
    const char *name;
    const mmn_tensor *tensor;
} mmn_tensor_alias;

/* The names that no tensor has and that a file's metadata gives to a tensor of it, in the order of
 * the names, each once; *count says how many. Valid until closed. */
const mmn_tensor_alias *mmn_safetensors_aliases(const mmn_safetensors *tensors, size_t *count);

/* Whether a tensor of this name is a buffer that the configuration determines (rotary_emb.inv_freq,
 * embeddings.position_ids, a mask of attention): old versions of transformers stored them, and
 * nobody reads them. */
bool mmn_tensor_is_computed(const char *name);

/* How many files are open. */
size_t mmn_safetensors_file_count(const mmn_safetensors *tensors);

/* The checksum of metadata (pairs as mmn_safetensors_write takes them) and tensors with their
 * bytes, in any order: doc/formats.md states the layout. A file that holds it in its own metadata
 * says by it that nothing of it has changed. */
mmn_status mmn_tensors_checksum(char checksum[MMN_DIGEST_SIZE], const mmn_tensor *tensors,
                                size_t count, const char *const *metadata, mmn_error *error);
/* That of an open file, without the metadata's key `left_out`. */
mmn_status mmn_safetensors_checksum(char checksum[MMN_DIGEST_SIZE], const mmn_safetensors *tensors,
                                    const char *left_out, mmn_error *error);

/* Writes `path` (atomically) with these tensors, whose data are little-endian bytes, and with
 * `metadata`: key, value, key, value, ..., NULL, or NULL for none. Data are ordered by descending
 * mmn_tensor_type, then by name, and the header is padded with spaces to a multiple of 8, so every
 * tensor is aligned to its elements, and the file's bytes do not depend on the order of `tensors`;
 * they are those that Python's safetensors library writes. MMN_USAGE for a duplicate name, a name
 * or metadata that is not UTF-8, or a shape that does not give `bytes`. */
mmn_status mmn_safetensors_write(const char *path, const mmn_tensor *tensors, size_t count,
                                 const char *const *metadata, mmn_error *error);

/* Lays such a file out in memory, *bytes, which mmn_free frees, and has zeros for data: each
 * tensor's `data` point to their place in it. `file` is for messages. */
mmn_status mmn_safetensors_lay_out(uint8_t **bytes, size_t *size, mmn_tensor *tensors, size_t count,
                                   const char *file, mmn_error *error);

#endif
