/* Reads the vocabulary of a tokenizer.json. */
#include "text/json_vocabulary.h"

#include <string.h>

#include "base/json_python.h"
#include "text/tokenizer_parts.h"

void mmn_json_read_vocabulary(mmn_vocabulary *vocabulary, const mmn_object *model)
{
    const char *text;
    json_t *id;
    char token[MMN_TOKEN_LENGTH_LIMIT];
    mmn_read_required(model, "vocab");
    mmn_object tokens = mmn_read_object(model, "vocab");
    json_object_foreach(tokens.value, text, id) {
        size_t length = strlen(text);
        if (!json_is_integer(id))
            mmn_read_wrong(&tokens, text, "must be an id");
        if (length > MMN_TOKEN_LENGTH_LIMIT)
            mmn_read_wrong(&tokens, "", "has a token of %zu bytes, beyond %d", length,
                           MMN_TOKEN_LENGTH_LIMIT);
        if (!mmn_read_fine(model))
            return;
        length = mmn_json_restore_zeros(token, text, length);
        mmn_read_failed(model, mmn_vocabulary_add(vocabulary, token, length,
                                                  json_integer_value(id), model->reader->error));
    }
}
