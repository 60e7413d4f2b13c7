/* Writing safetensors files, and the checksum of what one holds: metadata, tensors and their
 * bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/names.h"
#include "format/safetensors_internal.h"

/* Descending type, then ascending name. */
static int compare(const void *a, const void *b)
{
    const mmn_tensor *left, *right;
    memcpy(&left, a, sizeof(left));
    memcpy(&right, b, sizeof(right));
    if (left->type != right->type)
        return left->type > right->type ? -1 : 1;
    return strcmp(left->name, right->name);
}

static mmn_status check(const char *path, const mmn_tensor *tensor, mmn_error *error)
{
    size_t bytes;
    if (tensor->dimensions > MMN_TENSOR_DIMENSIONS ||
        !mmn_tensor_bytes(&bytes, tensor->type, tensor->shape, tensor->dimensions) ||
        bytes != tensor->bytes)
        return mmn_fail(error, MMN_USAGE, path, tensor->name,
                        "cannot be written: its shape does not give its %zu bytes", tensor->bytes);
    return MMN_OK;
}

static json_t *describe_metadata(const char *const *metadata)
{
    json_t *object = json_object();
    for (; object && metadata[0]; metadata += 2) {
        if (json_object_set_new(object, metadata[0], json_string(metadata[1])) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *describe_tensor(const mmn_tensor *tensor, size_t offset)
{
    json_t *shape = json_array();
    for (size_t i = 0; shape && i < tensor->dimensions; i++) {
        if (json_array_append_new(shape, json_integer((json_int_t)tensor->shape[i])) != 0) {
            json_decref(shape);
            shape = NULL;
        }
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", mmn_tensor_type_name(tensor->type), "shape",
                     shape, "data_offsets", (json_int_t)offset,
                     (json_int_t)(offset + tensor->bytes));
}

/* The header's JSON text, to be freed with free. */
static mmn_status make_header(char **text, const char *path, const mmn_tensor *const *ordered,
                              size_t count, const char *const *metadata, mmn_error *error)
{
    *text = NULL;
    unsigned long failures = mmn_json_failures();
    json_t *header = json_object();
    mmn_status status = MMN_OK;
    if (!header)
        status = mmn_fail(error, MMN_SYSTEM, path, NULL, "out of memory");
    else if (metadata &&
             json_object_set_new(header, "__metadata__", describe_metadata(metadata)) != 0)
        status = mmn_fail(error, MMN_USAGE, path, "__metadata__", "cannot be written: not UTF-8");
    size_t offset = 0;
    for (size_t i = 0; status == MMN_OK && i < count; i++) {
        const char *name = ordered[i]->name;
        if (json_object_get(header, name) || strcmp(name, "__metadata__") == 0)
            status = mmn_fail(error, MMN_USAGE, path, name, "cannot be written: the name is taken");
        else if (json_object_set_new(header, name, describe_tensor(ordered[i], offset)) != 0)
            status = mmn_fail(error, MMN_USAGE, path, name, "cannot be written: not UTF-8");
        offset += ordered[i]->bytes;
    }
    if (status == MMN_OK)
        *text = json_dumps(header, JSON_COMPACT);
    if (mmn_json_failures() != failures)
        status = mmn_fail(error, MMN_SYSTEM, path, NULL, "out of memory");
    json_decref(header);
    return status;
}

/* A failure is kept by the writer, which tells it when it commits. */
static void write_all(mmn_writer *writer, const char *header, const mmn_tensor *const *ordered,
                      size_t count)
{
    static const char spaces[] = "        ";
    size_t length = strlen(header), padding = (8 - length % 8) % 8;
    uint8_t size[8];
    mmn_store_u64(size, length + padding);
    mmn_writer_write(writer, size, sizeof(size), NULL);
    mmn_writer_write(writer, header, length, NULL);
    mmn_writer_write(writer, spaces, padding, NULL);
    for (size_t i = 0; i < count; i++)
        mmn_writer_write(writer, ordered[i]->data, ordered[i]->bytes, NULL);
}

/* Checks the tensors, puts them into the file's order, and makes the header of it. *ordered is
 * freed with mmn_free, *header with free, after a failure too. */
static mmn_status arrange(const mmn_tensor ***ordered, char **header, const char *path,
                          const mmn_tensor *tensors, size_t count, const char *const *metadata,
                          mmn_error *error)
{
    *header = NULL;
    *ordered = NULL;
    for (size_t i = 0; i < count; i++)
        MMN_TRY(check(path, &tensors[i], error));
    MMN_NEED(*ordered = mmn_allocate(count, sizeof(**ordered), error));
    for (size_t i = 0; i < count; i++)
        (*ordered)[i] = &tensors[i];
    if (count > 0)
        qsort(*ordered, count, sizeof(**ordered), compare);
    return make_header(header, path, *ordered, count, metadata, error);
}

mmn_status mmn_safetensors_write(const char *path, const mmn_tensor *tensors, size_t count,
                                 const char *const *metadata, mmn_error *error)
{
    char *header;
    mmn_writer *writer;
    const mmn_tensor **ordered;
    mmn_status status = arrange(&ordered, &header, path, tensors, count, metadata, error);
    if (status == MMN_OK)
        status = mmn_writer_open(&writer, path, error);
    if (status == MMN_OK) {
        write_all(writer, header, ordered, count);
        status = mmn_writer_commit(writer, error);
    }
    free(header);
    mmn_free(ordered);
    return status;
}

mmn_status mmn_safetensors_lay_out(uint8_t **bytes, size_t *size, mmn_tensor *tensors, size_t count,
                                   const char *file, mmn_error *error)
{
    char *header;
    const mmn_tensor **ordered;
    *bytes = NULL;
    mmn_status status = arrange(&ordered, &header, file, tensors, count, NULL, error);
    const size_t length = status == MMN_OK ? strlen(header) : 0, padded = (length + 7) / 8 * 8;
    *size = 8 + padded;
    for (size_t i = 0; status == MMN_OK && i < count; i++)
        *size += tensors[i].bytes;
    if (status == MMN_OK && !(*bytes = mmn_allocate(*size, 1, error)))
        status = MMN_SYSTEM;
    if (status == MMN_OK) {
        mmn_store_u64(*bytes, padded);
        memset(*bytes + 8, ' ', padded);
        memcpy(*bytes + 8, header, length);
        const uint8_t *data = *bytes + 8 + padded;
        for (size_t i = 0; i < count; i++) {
            tensors[ordered[i] - tensors].data = data;
            data += ordered[i]->bytes;
        }
    }
    free(header);
    mmn_free(ordered);
    return status;
}

/* ---- Checksum -------------------------------------------------------------------------------- */

typedef struct pair {
    const char *key, *value;
} pair;

static int compare_names(const void *a, const void *b)
{
    const mmn_tensor *left, *right;
    memcpy(&left, a, sizeof(left));
    memcpy(&right, b, sizeof(right));
    return strcmp(left->name, right->name);
}

/* Sorts what it is given; doc/formats.md states the layout. */
static mmn_status make(char checksum[MMN_DIGEST_SIZE], pair *metadata, size_t metadata_count,
                       const mmn_tensor **tensors, size_t count, mmn_error *error)
{
    mmn_digest *digest;
    MMN_TRY(mmn_digest_begin(&digest, error));
    qsort(metadata, metadata_count, sizeof(*metadata), mmn_compare_names);
    qsort(tensors, count, sizeof(*tensors), compare_names);
    mmn_digest_add_u64(digest, metadata_count);
    for (size_t i = 0; i < metadata_count; i++) {
        mmn_digest_add_text(digest, metadata[i].key);
        mmn_digest_add_text(digest, metadata[i].value);
    }
    mmn_digest_add_u64(digest, count);
    for (size_t i = 0; i < count; i++) {
        mmn_digest_add_text(digest, tensors[i]->name);
        mmn_digest_add_text(digest, mmn_tensor_type_name(tensors[i]->type));
        mmn_digest_add_u64(digest, tensors[i]->dimensions);
        for (size_t d = 0; d < tensors[i]->dimensions; d++)
            mmn_digest_add_u64(digest, tensors[i]->shape[d]);
        mmn_digest_add_u64(digest, tensors[i]->bytes);
        mmn_digest_add(digest, tensors[i]->data, tensors[i]->bytes);
    }
    mmn_digest_finish(digest, checksum);
    mmn_digest_free(digest);
    return MMN_OK;
}

mmn_status mmn_tensors_checksum(char checksum[MMN_DIGEST_SIZE], const mmn_tensor *tensors,
                                size_t count, const char *const *metadata, mmn_error *error)
{
    size_t pairs = 0;
    while (metadata[2 * pairs])
        pairs++;
    pair *sorted = mmn_allocate(pairs, sizeof(*sorted), error);
    const mmn_tensor **pointers = mmn_allocate(count, sizeof(*pointers), error);
    mmn_status status = MMN_SYSTEM;
    if (sorted && pointers) {
        for (size_t i = 0; i < pairs; i++)
            sorted[i] = (pair){metadata[2 * i], metadata[2 * i + 1]};
        for (size_t i = 0; i < count; i++)
            pointers[i] = &tensors[i];
        status = make(checksum, sorted, pairs, pointers, count, error);
    }
    mmn_free(sorted);
    mmn_free(pointers);
    return status;
}

mmn_status mmn_safetensors_checksum(char checksum[MMN_DIGEST_SIZE], const mmn_safetensors *tensors,
                                    const char *left_out, mmn_error *error)
{
    json_t *metadata = tensors->files[0].metadata;
    const char **texts = mmn_allocate(2 * json_object_size(metadata) + 1, sizeof(*texts), error);
    MMN_NEED(texts);
    const char *key;
    json_t *value;
    size_t used = 0;
    json_object_foreach(metadata, key, value)
    {
        if (strcmp(key, left_out) == 0)
            continue;
        texts[used++] = key;
        texts[used++] = json_string_value(value);
    }
    mmn_status status =
        mmn_tensors_checksum(checksum, tensors->tensors, tensors->count, texts, error);
    mmn_free(texts);
    return status;
}
