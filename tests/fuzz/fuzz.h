/* What a fuzz target is: one file per format, run by libFuzzer or by replay_main.c. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "mmneuron.h"

/* The format's name: its corpus is tests/fuzz/corpus/NAME, of files called good-*, bad-* or
 * unsupported-*. */
extern const char mmn_fuzz_format[];

/* Reads `size` bytes as the format and uses what was read. Returns MMN_FUZZ_ACCEPTED or
 * MMN_FUZZ_REFUSED; aborts when the library breaks its contract. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MMN_FUZZ_ACCEPTED = 0 };

/* libFuzzer reserves other values than 0 (and, in newer versions, -1). */
#ifdef MMN_LIBFUZZER
enum { MMN_FUZZ_REFUSED = 0 };
#else
enum { MMN_FUZZ_REFUSED = -1 };
#endif

/* What bad bytes may come to: MMN_INPUT and a message. Anything else is a failure of the library. */
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

#endif
