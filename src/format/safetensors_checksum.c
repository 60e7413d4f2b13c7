/* The checksum of what a safetensors file holds: metadata, tensors and their bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/safetensors_internal.h"

typedef struct pair {
    const char *key, *value;
} pair;

static int compare_pairs(const void *a, const void *b)
{
    return strcmp(((const pair *)a)->key, ((const pair *)b)->key);
}

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
    qsort(metadata, metadata_count, sizeof(*metadata), compare_pairs);
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

mmn_status mmn_safetensors_checksum(char checksum[MMN_DIGEST_SIZE],
                                    const mmn_safetensors *tensors, const char *left_out,
                                    mmn_error *error)
{
    json_t *metadata = tensors->files[0].metadata;
    const char **texts = mmn_allocate(2 * json_object_size(metadata) + 1, sizeof(*texts), error);
    if (!texts)
        return MMN_SYSTEM;
    const char *key;
    json_t *value;
    size_t used = 0;
    json_object_foreach(metadata, key, value) {
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
