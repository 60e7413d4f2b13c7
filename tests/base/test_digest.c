/* Digests: XXH3-128 as others compute it, however the bytes are cut. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/digest.h"

/* From Python's xxhash.xxh3_128_hexdigest of "", "abc" and bytes(i % 251 for i in range(1000)). */
static const char of_nothing[] = "99aa06d3014798d86001c324468d497f";
static const char of_abc[] = "06b05ab6733a618578af5f94892f3950";
static const char of_thousand[] = "18bf41bc8229e27733ef703fb2b20ed1";

static void fill(unsigned char *bytes)
{
    for (int i = 0; i < 1000; i++)
        bytes[i] = (unsigned char)(i % 251);
}

Test(digest, is_what_python_computes)
{
    char text[MMN_DIGEST_SIZE];
    unsigned char bytes[1000];
    fill(bytes);
    mmn_digest_of("", 0, text);
    cr_assert_str_eq(text, of_nothing);
    mmn_digest_of("abc", 3, text);
    cr_assert_str_eq(text, of_abc);
    mmn_digest_of(bytes, sizeof(bytes), text);
    cr_assert_str_eq(text, of_thousand);
}

Test(digest, does_not_depend_on_cuts)
{
    char text[MMN_DIGEST_SIZE];
    unsigned char bytes[1000];
    fill(bytes);
    for (size_t piece = 1; piece < 400; piece++) {
        mmn_digest *digest;
        cr_assert_eq(mmn_digest_begin(&digest, NULL), MMN_OK);
        for (size_t done = 0; done < sizeof(bytes); done += piece)
            mmn_digest_add(digest, bytes + done,
                           piece < sizeof(bytes) - done ? piece : sizeof(bytes) - done);
        mmn_digest_finish(digest, text);
        cr_assert_str_eq(text, of_thousand);
        mmn_digest_free(digest);
    }
    mmn_digest_free(NULL);
}

Test(digest, adds_numbers_and_texts_as_stated)
{
    static const unsigned char stream[] = {
        0x04, 0x03, 0x02, 0x01, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 0, 0,   0,
        0,    0,    0,    0x04, 0xc0, 2,    0,    0,    0,    0,    0,    0,    0, 'h', 'i'};
    char added[MMN_DIGEST_SIZE], whole[MMN_DIGEST_SIZE];
    mmn_digest *digest;
    cr_assert_eq(mmn_digest_begin(&digest, NULL), MMN_OK);
    mmn_digest_add_u32(digest, 0x01020304);
    mmn_digest_add_u64(digest, 0x0102030405060708);
    mmn_digest_add_f64(digest, -2.5);
    mmn_digest_add_text(digest, "hi");
    mmn_digest_finish(digest, added);
    mmn_digest_free(digest);
    mmn_digest_of(stream, sizeof(stream), whole);
    cr_assert_str_eq(added, whole);
}
