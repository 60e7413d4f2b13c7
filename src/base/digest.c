/* Digests: XXH3-128 over bytes, as 32 hex digits that are the same on every machine. */
#include "base/digest.h"

#include <string.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/utf8.h"

struct mmn_digest {
    XXH3_state_t *state;
};

mmn_status mmn_digest_begin(mmn_digest **digest, mmn_error *error)
{
    MMN_NEED(*digest = mmn_allocate(1, sizeof(**digest), error));
    (*digest)->state = XXH3_createState();
    if (!(*digest)->state) {
        mmn_free(*digest);
        *digest = NULL;
        return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "out of memory");
    }
    XXH3_128bits_reset((*digest)->state);
    return MMN_OK;
}

void mmn_digest_add(mmn_digest *digest, const void *data, size_t size)
{
    if (size > 0)
        XXH3_128bits_update(digest->state, data, size);
}

void mmn_digest_add_u32(mmn_digest *digest, uint32_t value)
{
    unsigned char bytes[4];
    mmn_store_u32(bytes, value);
    mmn_digest_add(digest, bytes, sizeof(bytes));
}

void mmn_digest_add_u64(mmn_digest *digest, uint64_t value)
{
    unsigned char bytes[8];
    mmn_store_u64(bytes, value);
    mmn_digest_add(digest, bytes, sizeof(bytes));
}

void mmn_digest_add_f64(mmn_digest *digest, double value)
{
    mmn_digest_add_u64(digest, mmn_bits_f64(value));
}

void mmn_digest_add_text(mmn_digest *digest, const char *text)
{
    size_t length = strlen(text);
    mmn_digest_add_u64(digest, length);
    mmn_digest_add(digest, text, length);
}

static void write_hex(XXH128_hash_t hash, char text[MMN_DIGEST_SIZE])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    mmn_hexadecimal_write(text, canonical.digest, sizeof(canonical.digest));
}

void mmn_digest_finish(const mmn_digest *digest, char text[MMN_DIGEST_SIZE])
{
    write_hex(XXH3_128bits_digest(digest->state), text);
}

void mmn_digest_free(mmn_digest *digest)
{
    if (!digest)
        return;
    XXH3_freeState(digest->state);
    mmn_free(digest);
}

void mmn_digest_of(const void *data, size_t size, char text[MMN_DIGEST_SIZE])
{
    write_hex(XXH3_128bits(data, size), text);
}

bool mmn_digest_is_whole(const char *text)
{
    return strlen(text) == MMN_DIGEST_SIZE - 1 && text[strspn(text, "0123456789abcdef")] == '\0';
}
