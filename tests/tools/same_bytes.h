/* Whether two files have the same bytes. */
#ifndef MMN_TESTS_TOOLS_SAME_BYTES_H
#define MMN_TESTS_TOOLS_SAME_BYTES_H

#include <criterion/criterion.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

static inline void check_same_bytes(const char *a, const char *b)
{
    char *text_a, *text_b;
    size_t size_a, size_b;
    cr_assert_eq(mmn_read_file(&text_a, &size_a, a, 1 << 26, NULL), MMN_OK);
    cr_assert_eq(mmn_read_file(&text_b, &size_b, b, 1 << 26, NULL), MMN_OK);
    cr_assert_eq(size_a, size_b);
    cr_assert_eq(memcmp(text_a, text_b, size_a), 0);
    mmn_free(text_a);
    mmn_free(text_b);
}

#endif
