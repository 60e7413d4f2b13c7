/* The words that the lens reads: tokens as their vocabulary spells them. */
#include "study/lens_words.h"

#include <string.h>

#include "base/text_buffer.h"
#include "base/utf8.h"
#include "model/model.h"
#include "text/byte_level.h"

/* With which vocabularies of the LLaMA family write a space. */
static const char space_symbol[] = "\xe2\x96\x81";

static void add_with_spaces(mmn_text *text, const char *spelling)
{
    for (const char *at = spelling; at && *at != '\0';) {
        const char *symbol = strstr(at, space_symbol);
        mmn_text_add_bytes(text, at, symbol ? (size_t)(symbol - at) : strlen(at));
        if (symbol)
            mmn_text_add(text, " ");
        at = symbol ? symbol + strlen(space_symbol) : NULL;
    }
}

/* Adds characters as they are, and by its name each byte that is a control or part of no character:
 * so do vocabularies of the LLaMA family spell what is no character of theirs. */
static void add_bytes(mmn_text *text, const char *spelling)
{
    mmn_text bytes = {0};
    mmn_byte_level_read(spelling, strlen(spelling), &bytes);
    text->failed |= bytes.failed;
    for (size_t at = 0, size; at < bytes.length; at += size) {
        const char *here = bytes.text + at;
        unsigned char byte = (unsigned char)*here;
        size = mmn_utf8_size(here);
        if (byte < 0x20 || byte == 0x7f || size > bytes.length - at ||
            mmn_utf8_valid_prefix(here, size) < size) {
            mmn_text_add(text, "<0x%02X>", (unsigned)byte);
            size = 1;
        } else {
            mmn_text_add_bytes(text, here, size);
        }
    }
    mmn_text_free(&bytes);
}

mmn_status mmn_lens_word(char **word, const mmn_model *model, int32_t id, mmn_error *error)
{
    const char *spelling = mmn_tokenizer_id_to_token(model->tokenizer, id);
    mmn_text text = {0};

    if (spelling && mmn_tokenizer_spells_bytes(model->tokenizer, id))
        add_bytes(&text, spelling);
    else
        add_with_spaces(&text, spelling);
    return mmn_text_finish(&text, word, error);
}
