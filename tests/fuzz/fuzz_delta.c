/* Fuzz target: deltas, read, written again and joined with themselves. Their checksum is put right
 * first, so that damage gets past it. */
#include "model/delta.h"
#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz_checksum.h"

/* The shape of the model that the corpus is of. */
static const mmn_language_config config = {
    .layers = 3, .hidden_size = 64, .intermediate_size = 116};

/* What was read can be written, and read again. */
static void write_again(mmn_delta *delta)
{
    mmn_error error = {0};
    mmn_delta copy = {0};
    if (mmn_delta_write(delta, mmn_fuzz_path("copy"), &config, &error) != MMN_OK ||
        mmn_delta_read(&copy, mmn_fuzz_path("copy"), &config, &error) != MMN_OK ||
        mmn_additions_join(&copy.additions, &delta->additions, &config, &error) != MMN_OK ||
        copy.additions.first[config.layers] != delta->additions.first[config.layers]) {
        fprintf(stderr, "%s: %s: %s\n", error.file, error.where, error.message);
        abort();
    }
    mmn_delta_free(&copy);
}

FUZZ_TARGET(delta, 200)
{
    mmn_fuzz_put_checked("delta", data, size, "checksum");
    mmn_error error = {0};
    mmn_delta delta = {0};
    const mmn_status status = mmn_delta_read(&delta, mmn_fuzz_path("delta"), &config, &error);
    if (status == MMN_OK)
        write_again(&delta);
    mmn_delta_free(&delta);
    return mmn_fuzz_result(status, &error);
}
