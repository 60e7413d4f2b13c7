/* Fuzz target: tokenizer.model. */
#include "fuzz_tokenizer.h"

const char mmn_fuzz_format[] = "tokenizer_model";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mmn_error error = {0};
    mmn_tokenizer *tokenizer;
    mmn_status status =
        mmn_tokenizer_from_model(&tokenizer, data, size, "tokenizer.model", &error);
    if (status == MMN_OK)
        mmn_fuzz_use_tokenizer(tokenizer);
    return mmn_fuzz_result(status, &error);
}
