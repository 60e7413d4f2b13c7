/* The image's token, between what a prompt, the tokenizer and config.json call it. */
#include "model/image_token.h"

#include <string.h>

#include "base/text_buffer.h"

static const char usual[] = "<image>";

mmn_status mmn_image_token_check(const mmn_model *model, const char *prompt, size_t image_count,
                                 mmn_error *error)
{
    const char *token = mmn_tokenizer_image_token(model->tokenizer);
    int32_t id, wanted = model->config.image_token_id;
    if (!model->config.vision.form || (image_count == 0 && !strstr(prompt, token)))
        return MMN_OK;
    bool known = mmn_tokenizer_token_to_id(model->tokenizer, token, &id);
    /* An image that stands before the text needs no token of the tokenizer's. */
    if (known ? id == wanted : model->config.image_first)
        return MMN_OK;
    if (!known)
        return mmn_fail(error, MMN_INPUT, model->folder, "tokenizer",
                        "has no token \"%.60s\", which marks an image's place and has the id %d in "
                        "config.json",
                        token, (int)wanted);
    const char *other = mmn_tokenizer_id_to_token(model->tokenizer, wanted);
    return mmn_fail(error, MMN_INPUT, model->folder, "tokenizer",
                    "gives the token \"%.60s\", which marks an image's place, the id %d, and "
                    "config.json says %d, which is %s%.60s%s in the tokenizer",
                    token, (int)id, (int)wanted, other ? "\"" : "", other ? other : "no token",
                    other ? "\"" : "");
}

mmn_status mmn_image_token_spell(char **spelt, const mmn_model *model, const char *prompt,
                                 mmn_error *error)
{
    const char *token = mmn_tokenizer_image_token(model->tokenizer), *found;
    mmn_text text = {0};
    int32_t id;
    *spelt = NULL;
    if (!model->config.vision.form || model->config.image_first || strcmp(token, usual) == 0 ||
        mmn_tokenizer_token_to_id(model->tokenizer, usual, &id))
        return MMN_OK;
    while ((found = strstr(prompt, usual))) {
        mmn_text_add_bytes(&text, prompt, (size_t)(found - prompt));
        mmn_text_add(&text, "%s", token);
        prompt = found + strlen(usual);
    }
    mmn_text_add(&text, "%s", prompt);
    return mmn_text_finish(&text, spelt, error);
}
