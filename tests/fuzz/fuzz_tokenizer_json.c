/* Fuzz target: tokenizer.json. */
#include "tests/fuzz/fuzz_tokenizer.h"

FUZZ_TARGET(tokenizer_json, 500)
{
    mmn_error error = {0};
    mmn_tokenizer *tokenizer;
    mmn_status status =
        mmn_tokenizer_from_json(&tokenizer, (const char *)data, size, "tokenizer.json", &error);
    if (status == MMN_OK)
        mmn_fuzz_use_tokenizer(tokenizer);
    return mmn_fuzz_result(status, &error);
}
