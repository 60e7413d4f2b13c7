/* Digests: XXH3-128 over bytes, as 32 hex digits that are the same on every machine. */
#ifndef MMN_BASE_DIGEST_H
#define MMN_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* 32 hex digits and the terminating zero. */
#define MMN_DIGEST_SIZE 33

/* A digest being computed. What is added is one stream of bytes: cuts between calls do not matter,
 * so whoever adds texts or arrays adds their lengths too. */
typedef struct mmn_digest mmn_digest;

/* MMN_SYSTEM when memory is short; the others cannot fail. */
mmn_status mmn_digest_begin(mmn_digest **digest, mmn_error *error);
void mmn_digest_add(mmn_digest *digest, const void *data, size_t size);
/* 4 and 8 bytes, little-endian. */
void mmn_digest_add_u32(mmn_digest *digest, uint32_t value);
void mmn_digest_add_u64(mmn_digest *digest, uint64_t value);
/* The bits of a binary64 number, 8 bytes, little-endian. */
void mmn_digest_add_f64(mmn_digest *digest, double value);
/* The text's length in bytes as add_u64, then its bytes. */
void mmn_digest_add_text(mmn_digest *digest, const char *text);
/* The digest of all that was added, in XXH3's canonical (big-endian) order as lower-case hex. More
 * may be added afterwards. */
void mmn_digest_finish(const mmn_digest *digest, char text[MMN_DIGEST_SIZE]);
/* NULL is allowed. */
void mmn_digest_free(mmn_digest *digest);

/* The digest of one block of bytes. */
void mmn_digest_of(const void *data, size_t size, char text[MMN_DIGEST_SIZE]);

/* Whether `text` is 32 lower-case hex digits. */
bool mmn_digest_is_whole(const char *text);

#endif
