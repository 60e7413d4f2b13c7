/* What the files that implement safetensors.h share. */
#ifndef MMN_FORMAT_SAFETENSORS_INTERNAL_H
#define MMN_FORMAT_SAFETENSORS_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/file.h"
#include "format/safetensors.h"

/* The format's own limit, in bytes. */
#define MMN_SAFETENSORS_HEADER_LIMIT 100000000

/* One file, with its tensors in the order of their names. */
typedef struct mmn_safetensors_file {
    mmn_mapping mapping; /* empty where the bytes belong to the caller */
    size_t size;
    char *path;
    char *names;      /* the tensors' names, one after the other */
    json_t *metadata; /* or NULL */
    mmn_tensor *tensors;
    size_t count;
} mmn_safetensors_file;

struct mmn_safetensors {
    mmn_safetensors_file *files;
    size_t file_count;
    mmn_tensor *tensors; /* of all files, in the order of their names */
    size_t count;
    mmn_tensor_alias *aliases; /* in the order of their names */
    size_t alias_count;
};

/* Parses the bytes of a whole file into `file`, whose path is set; the header's rules are all
 * checked here. */
mmn_status mmn_safetensors_parse_file(mmn_safetensors_file *file, const uint8_t *data, size_t size,
                                      mmn_error *error);

/* The tensor called `name` among `count` that are in the order of their names, or NULL. */
const mmn_tensor *mmn_tensor_find(const mmn_tensor *tensors, size_t count, const char *name);

/* *bytes = size of `shape` in elements of `type`, or false when it does not fit. */
bool mmn_tensor_bytes(size_t *bytes, mmn_tensor_type type, const size_t *shape, size_t dimensions);

#endif
