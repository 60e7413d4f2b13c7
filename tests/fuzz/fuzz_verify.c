/* Fuzz target: a dump and the reference that it is compared with. The length of the first, of three
 * bytes, comes before them. */
#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz.h"

FUZZ_TARGET(verify, 50)
{
    enum { LENGTH_BYTES = 3 };
    if (size < LENGTH_BYTES)
        return MMN_FUZZ_REFUSED;
    size_t first = (size_t)data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16;
    data += LENGTH_BYTES;
    size -= LENGTH_BYTES;
    first = first < size ? first : size;
    mmn_fuzz_put("dump", data, first);
    mmn_fuzz_put("reference", data + first, size - first);
    mmn_error error = {0}, refused = {0};
    mmn_result *verification = NULL;
    mmn_status status =
        mmn_verify(&verification, mmn_fuzz_path("dump"), mmn_fuzz_path("reference"), NULL, &error);
    if (verification) {
        char *text;
        if (mmn_fuzz_done(mmn_result_table(verification, &text, &refused), &refused))
            mmn_release(text);
        if (mmn_fuzz_done(mmn_result_json(verification, &text, &refused), &refused))
            mmn_release(text);
        mmn_result_free(verification);
    }
    return mmn_fuzz_done(status, &error) || status == MMN_DIFFERENT ? MMN_FUZZ_ACCEPTED
                                                                    : MMN_FUZZ_REFUSED;
}
