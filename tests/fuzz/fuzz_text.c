/* Fuzz target: a text for one of the golden models' tokenizers, which the first letter chooses. */
#include "base/memory.h"
#include "base/utf8.h"
#include "tests/fuzz/fuzz.h"
#include "text/tokenizer.h"

FUZZ_TARGET(text, 100)
{
    static const char *const folders[] = {"golden/checkpoints/llama-2",
                                          "golden/checkpoints/llama-3",
                                          "golden/checkpoints/qwen2",
                                          "golden/checkpoints/bloom",
                                          "golden/checkpoints/instructblip/qformer_tokenizer",
                                          "models/five-languages/model"};
    enum { TOKENIZERS = sizeof(folders) / sizeof(folders[0]) };
    static mmn_tokenizer *tokenizers[TOKENIZERS];
    mmn_error error = {0};
    size_t chosen = size > 0 ? (size_t)(data[0] - 'a') : TOKENIZERS;
    if (chosen >= TOKENIZERS)
        return MMN_FUZZ_REFUSED;
    if (!tokenizers[chosen]) {
        char path[1024];
        snprintf(path, sizeof(path), MMN_SOURCE_DIR "/%s", folders[chosen]);
        if (mmn_tokenizer_open(&tokenizers[chosen], path, &error) != MMN_OK)
            return MMN_FUZZ_REFUSED; /* a build without what it needs */
    }
    int32_t *ids;
    size_t count, length;
    char *text;
    mmn_status status = mmn_tokenizer_encode(tokenizers[chosen], (const char *)data + 1, size - 1,
                                             false, &ids, &count, &error);
    if (!mmn_fuzz_done(status, &error))
        return MMN_FUZZ_REFUSED;
    status = mmn_tokenizer_decode(tokenizers[chosen], ids, count, false, &text, &length, &error);
    if (status != MMN_OK || mmn_utf8_valid_prefix(text, length) != length)
        abort();
    mmn_free(text);
    mmn_free(ids);
    return MMN_FUZZ_ACCEPTED;
}
