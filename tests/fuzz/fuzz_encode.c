/* Fuzz target: responses, and the features that two models have, one of which is multimodal. The
 * length of the responses, of three bytes, comes before them. */
#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz.h"

FUZZ_TARGET(encode, 100)
{
    enum { LENGTH_BYTES = 3 };
    if (size < LENGTH_BYTES)
        return MMN_FUZZ_REFUSED;
    size_t first = (size_t)data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16;
    data += LENGTH_BYTES;
    size -= LENGTH_BYTES;
    first = first < size ? first : size;
    mmn_fuzz_put("responses", data, first);
    mmn_fuzz_put("features", data + first, size - first);
    char named[2][512];
    for (size_t i = 0; i < 2; i++)
        snprintf(named[i], sizeof(named[i]), "%c=%s", "ab"[i], mmn_fuzz_path("features"));
    const mmn_encode_options options = {
        .size = sizeof(options),
        .responses = mmn_fuzz_path("responses"),
        .features = (const char *const[]){named[0], named[1]},
        .feature_count = 2,
        .roles = (const char *const[]){"a=multimodal", "b=vision", "b=control:a"},
        .role_count = 3,
        .joins = (const char *const[]){"joined=a+b"},
        .join_count = 1,
        .draws = 2,
        .epsilon = 0.9,
        .threads = 1};
    mmn_error error = {0}, refused = {0};
    mmn_result *result;
    const mmn_status status = mmn_encode(&result, &options, &error);
    char *text;
    if (status == MMN_OK && mmn_fuzz_done(mmn_result_json(result, &text, &refused), &refused))
        mmn_release(text);
    mmn_result_free(result);
    return mmn_fuzz_result(status, &error);
}
