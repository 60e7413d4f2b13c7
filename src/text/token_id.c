/* The id that a tokenizer gives to the text of a token. */
#include <string.h>

#include "text/tokenizer_parts.h"

bool mmn_tokenizer_token_to_id(const mmn_tokenizer *tokenizer, const char *token, int32_t *id)
{
    size_t length = strlen(token);
    int32_t found = mmn_vocabulary_find(&tokenizer->added.contents, token, length);
    if (found < 0)
        found = mmn_vocabulary_find(mmn_model_vocabulary(tokenizer), token, length);
    if (found < 0)
        return false;
    *id = found;
    return true;
}
