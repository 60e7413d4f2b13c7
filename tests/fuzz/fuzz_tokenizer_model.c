/* Fuzz target: tokenizer.model. */
#include "tests/fuzz/fuzz_tokenizer.h"

FUZZ_TARGET(tokenizer_model, 500)
{
    mmn_error error = {0};
    mmn_tokenizer *tokenizer;
    mmn_status status = mmn_tokenizer_from_model(&tokenizer, data, size, "tokenizer.model", &error);
    if (status == MMN_OK)
        mmn_fuzz_use_tokenizer(tokenizer);
    return mmn_fuzz_result(status, &error);
}
