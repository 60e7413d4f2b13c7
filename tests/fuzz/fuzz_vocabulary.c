/* Fuzz target: vocab.txt and, after zero bytes, tokenizer_config.json and added_tokens.json. */
#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz_tokenizer.h"

FUZZ_TARGET(vocabulary, 100)
{
    static const char *const names[] = {"vocab.txt", "tokenizer_config.json", "added_tokens.json"};
    const uint8_t *end = data + size;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const uint8_t *zero = data && data < end ? memchr(data, '\0', (size_t)(end - data)) : NULL;
        if (data)
            mmn_fuzz_put(names[i], data, (size_t)((zero ? zero : end) - data));
        else
            mmn_fuzz_take(names[i]);
        data = zero ? zero + 1 : NULL;
    }
    mmn_error error = {0};
    mmn_tokenizer *tokenizer;
    mmn_status status = mmn_tokenizer_open(&tokenizer, mmn_fuzz_path("."), &error);
    if (status == MMN_OK)
        mmn_fuzz_use_tokenizer(tokenizer);
    return mmn_fuzz_result(status, &error);
}
