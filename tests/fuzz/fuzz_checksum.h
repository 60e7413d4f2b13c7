/* Files that hold a checksum of themselves in their metadata. */
#ifndef TESTS_FUZZ_FUZZ_CHECKSUM_H
#define TESTS_FUZZ_FUZZ_CHECKSUM_H

#include <string.h>

#include "format/safetensors.h"
#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz.h"

/* Puts the bytes into a file; where they are a safetensors file whose metadata has the key, with
 * the checksum that the rest of it asks for, as long as the one that stands there. */
static inline void mmn_fuzz_put_checked(const char *name, const uint8_t *data, size_t size,
                                        const char *key)
{
    char *copy = malloc(size > 0 ? size : 1), wanted[64], checksum[MMN_DIGEST_SIZE];
    if (!copy)
        abort();
    memcpy(copy, data, size);
    mmn_error error = {0};
    mmn_safetensors *tensors;
    if (mmn_safetensors_parse(&tensors, copy, size, "file", &error) == MMN_OK) {
        snprintf(wanted, sizeof(wanted), "\"%s\":\"", key);
        char *at = memmem(copy, size, wanted, strlen(wanted));
        size_t length = MMN_DIGEST_SIZE - 1;
        if (at && (size_t)(copy + size - at) > strlen(wanted) + length &&
            at[strlen(wanted) + length] == '"' &&
            mmn_safetensors_checksum(checksum, tensors, key, &error) == MMN_OK)
            memcpy(at + strlen(wanted), checksum, length);
        mmn_safetensors_close(tensors);
    }
    mmn_fuzz_put(name, copy, size);
    free(copy);
}

#endif
