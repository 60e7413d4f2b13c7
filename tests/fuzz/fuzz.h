/* What a fuzz target is: one file per format, run by libFuzzer (`make fuzz`) and, in the unit
 * tests, over its corpus (replay.c).
 *
 *     FUZZ_TARGET(list, 500)
 *     {
 *         reads `size` bytes at `data` as the format and uses what was read; returns
 *         MMN_FUZZ_ACCEPTED or MMN_FUZZ_REFUSED; aborts when the library breaks its contract
 *     }
 *
 * The corpus of tests/fuzz/fuzz_list.c is tests/fuzz/corpus/list, of files called good-*, bad-*,
 * unsupported-* (refused as well), or found-* (either). The number says how many damaged copies of
 * each are tried in the unit tests. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "mmneuron.h"

typedef int mmn_fuzz_target(const uint8_t *data, size_t size);

/* A test that runs the target over its corpus and over damaged copies of each file. */
void mmn_fuzz_replay(const char *format, int copies, mmn_fuzz_target *target);

enum { MMN_FUZZ_ACCEPTED = 0 };

/* libFuzzer reserves other values than 0 (and, in newer versions, -1). */
#ifdef MMN_LIBFUZZER
enum { MMN_FUZZ_REFUSED = 0 };
#define FUZZ_TARGET(format, copies)                                                                \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);                                  \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
#else
#include <criterion/criterion.h>
enum { MMN_FUZZ_REFUSED = -1 };
#define FUZZ_TARGET(format, copies)                                                                \
    static int fuzz_##format(const uint8_t *data, size_t size);                                    \
    Test(fuzz_##format, corpus)                                                                    \
    {                                                                                              \
        mmn_fuzz_replay(#format, copies, fuzz_##format);                                           \
    }                                                                                              \
    static int fuzz_##format(const uint8_t *data, size_t size)
#endif

/* What reading bad bytes may come to: MMN_INPUT and a message. Anything else is a failure of the
 * library. */
static inline int mmn_fuzz_result(mmn_status status, const mmn_error *error)
{
    if (status == MMN_OK)
        return MMN_FUZZ_ACCEPTED;
    if (status != MMN_INPUT || error->status != status || error->message[0] == '\0') {
        fprintf(stderr, "status %d, message \"%s\"\n", (int)status, error->message);
        abort();
    }
    return MMN_FUZZ_REFUSED;
}

/* Using what was read may also be refused as not to be done with it. Returns whether it was
 * done. */
static inline int mmn_fuzz_done(mmn_status status, const mmn_error *error)
{
    if ((status == MMN_USAGE || status == MMN_DIFFERENT) && error->status == status &&
        error->message[0] != '\0')
        return 0;
    return mmn_fuzz_result(status, error) == MMN_FUZZ_ACCEPTED && status == MMN_OK;
}

#endif
