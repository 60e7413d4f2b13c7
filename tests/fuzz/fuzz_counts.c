/* Fuzz target: counts files, read, written again, ranked and merged. Their checksum is put right
 * first, so that damage gets past it. */
#include <string.h>

#include "format/safetensors.h"
#include "count/counts.h"
#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz_checksum.h"

/* What was read can be written, and read again. */
static void write_again(const mmn_counts *counts)
{
    mmn_error error = {0};
    mmn_counts *copy;
    if (mmn_counts_write(counts, mmn_fuzz_path("copy"), &error) != MMN_OK ||
        mmn_counts_read(&copy, mmn_fuzz_path("copy"), &error) != MMN_OK) {
        fprintf(stderr, "%s: %s: %s\n", error.file, error.where, error.message);
        abort();
    }
    mmn_counts_free(copy);
}

FUZZ_TARGET(counts, 50)
{
    mmn_fuzz_put_checked("counts", data, size, MMN_COUNTS_CHECKSUM);
    const char *file = mmn_fuzz_path("counts");
    mmn_error error = {0}, refused = {0};
    mmn_counts *counts;
    mmn_status status = mmn_counts_read(&counts, file, &error);
    if (status == MMN_OK) {
        write_again(counts);
        mmn_counts_free(counts);
    }
    mmn_result *ranking;
    if (mmn_fuzz_done(mmn_rank(&ranking, file, NULL, &refused), &refused)) {
        char *text;
        if (mmn_fuzz_done(mmn_result_table(ranking, &text, &refused), &refused))
            mmn_release(text);
        if (mmn_fuzz_done(mmn_result_json(ranking, &text, &refused), &refused))
            mmn_release(text);
        mmn_result_free(ranking);
    }
    mmn_fuzz_take("merged");
    mmn_fuzz_done(mmn_counts_merge(&file, 1, mmn_fuzz_path("merged"), &refused), &refused);
    return mmn_fuzz_result(status, &error);
}
