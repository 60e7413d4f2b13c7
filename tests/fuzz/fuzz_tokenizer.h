/* What the two fuzz targets for tokenizers do with a tokenizer that was read. */
#ifndef TESTS_FUZZ_FUZZ_TOKENIZER_H
#define TESTS_FUZZ_FUZZ_TOKENIZER_H

#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "tests/fuzz/fuzz.h"
#include "text/tokenizer_parts.h"

/* Encodes a text, and decodes what it gives and some other ids. Closes the tokenizer. */
static inline void mmn_fuzz_use_tokenizer(mmn_tokenizer *tokenizer)
{
    static const char text[] =
        " USER: <image>\nWhat  is \xc3\xa9\xe2\x96\x81? \xf0\x9f\x99\x82 </s>aaaaaabab\t0foo";
    static const int32_t others[] = {0, 1, 2, 200, 3, 130, 7, -1, INT32_MAX, 259, 260};
    mmn_error error = {0};
    int32_t *ids;
    size_t count, length, size = mmn_tokenizer_vocabulary_size(tokenizer);
    char *decoded;
    if (size > MMN_VOCABULARY_LIMIT)
        abort();
    mmn_status status =
        mmn_tokenizer_encode(tokenizer, text, strlen(text), true, &ids, &count, &error);
    if (mmn_fuzz_result(status, &error) == MMN_FUZZ_ACCEPTED && status == MMN_OK) {
        status = mmn_tokenizer_decode(tokenizer, ids, count, false, &decoded, &length, &error);
        mmn_fuzz_result(status, &error);
        if (status == MMN_OK && mmn_utf8_valid_prefix(decoded, length) != length)
            abort();
        if (status == MMN_OK)
            mmn_free(decoded);
        mmn_free(ids);
    }
    status = mmn_tokenizer_decode(tokenizer, others, sizeof(others) / sizeof(others[0]), true,
                                  &decoded, &length, &error);
    mmn_fuzz_result(status, &error);
    if (status == MMN_OK && mmn_utf8_valid_prefix(decoded, length) != length)
        abort();
    if (status == MMN_OK)
        mmn_free(decoded);
    mmn_tokenizer_close(tokenizer);
}

#endif
