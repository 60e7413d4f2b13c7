/* The words that the lens reads: tokens as their vocabulary spells them. */
#include "neurons/lens_words.h"

#include <string.h>

#include "base/text_buffer.h"
#include "model/model.h"

/* With which vocabularies of the LLaMA family write a space. */
static const char space_symbol[] = "\xe2\x96\x81";

mmn_status mmn_lens_word(char **word, const mmn_model *model, int32_t id, mmn_error *error)
{
    const char *at = mmn_tokenizer_id_to_token(model->tokenizer, id);
    mmn_text text = {0};

    while (at && *at != '\0') {
        const char *symbol = strstr(at, space_symbol);
        mmn_text_add_bytes(&text, at, symbol ? (size_t)(symbol - at) : strlen(at));
        if (symbol)
            mmn_text_add(&text, " ");
        at = symbol ? symbol + strlen(space_symbol) : NULL;
    }
    return mmn_text_finish(&text, word, error);
}
