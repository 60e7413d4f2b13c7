/* What the forms of language models share: ends of the model that all have. */
#include "model/language_parts.h"

#include <string.h>

mmn_status mmn_language_read_tied_head(mmn_language_config *language, const mmn_json_object *root,
                                       const mmn_json_object *object, mmn_error *error)
{
    bool whole = language->tied_head, part = false;
    mmn_status status = mmn_json_get_bool(&whole, root, "tie_word_embeddings", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&part, object, "tie_word_embeddings", error);
    language->tied_head = whole || part;
    return status;
}

static void tie_head(mmn_binder *binder, mmn_language_weights *language)
{
    const mmn_tensor *head = mmn_binder_find(binder, "lm_head.weight");
    const mmn_tensor *embedding = mmn_binder_find(binder, "language_model.embed_tokens.weight");
    if (binder->status != MMN_OK)
        return;
    if (head && (head->type != embedding->type ||
                 memcmp(head->data, embedding->data, head->bytes) != 0))
        binder->status = mmn_fail(binder->error, MMN_INPUT, head->file, head->name,
                                  "differs from the embedding, although tie_word_embeddings says "
                                  "that they are the same");
    language->head = language->embedding;
}

void mmn_language_bind_words(mmn_binder *binder, mmn_language_weights *language,
                             const mmn_language_config *config)
{
    const size_t shape[2] = {config->vocab_size, config->hidden_size};
    mmn_binder_take_matrix(binder, &language->embedding, "language_model.", "embed_tokens.weight",
                           shape, 2, false);
    mmn_binder_take_matrix(binder, &language->head, "", "lm_head.weight", shape, 2,
                           config->tied_head);
    if (config->tied_head)
        tie_head(binder, language);
}
