/* Reads the vocabulary of a tokenizer.json. */
#include "text/json_vocabulary.h"

#include <string.h>

#include "base/json_python.h"
#include "text/tokenizer_parts.h"

mmn_status mmn_json_read_vocabulary(mmn_vocabulary *vocabulary, const mmn_json_object *model,
                                    mmn_error *error)
{
    mmn_json_object tokens;
    mmn_status status = mmn_json_require(model, "vocab", error);
    if (status == MMN_OK)
        status = mmn_json_get_object(&tokens, model, "vocab", error);
    if (status != MMN_OK)
        return status;
    const char *text;
    json_t *id;
    char token[MMN_TOKEN_LENGTH_LIMIT];
    json_object_foreach(tokens.value, text, id) {
        size_t length = strlen(text);
        if (!json_is_integer(id))
            return mmn_json_fail(&tokens, text, error, "must be an id");
        if (length > MMN_TOKEN_LENGTH_LIMIT)
            return mmn_json_fail(&tokens, "", error, "has a token of %zu bytes, beyond %d",
                                 length, MMN_TOKEN_LENGTH_LIMIT);
        length = mmn_json_restore_zeros(token, text, length);
        status = mmn_vocabulary_add(vocabulary, token, length, json_integer_value(id), error);
        if (status != MMN_OK)
            return status;
    }
    return MMN_OK;
}
