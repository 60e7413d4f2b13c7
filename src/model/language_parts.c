/* What the forms of language models share: ends of the model that all have. */
#include "model/language_parts.h"

#include <string.h>

void mmn_language_read_tied_head(mmn_language_config *language, const mmn_object *root,
                                 const mmn_object *object)
{
    bool whole = language->tied_head, part = false;
    mmn_read_bool(&whole, root, "tie_word_embeddings");
    mmn_read_bool(&part, object, "tie_word_embeddings");
    language->tied_head = whole || part;
}

static bool same_matrix(const mmn_matrix *one, const mmn_matrix *other)
{
    return one->type == other->type &&
           memcmp(one->data, other->data,
                  one->rows * one->columns * mmn_weight_size(one->type)) == 0;
}

/* Where head and embedding are tied, one of them is enough, under either name; a head that is stored
 * and differs is the head, as in transformers 5.23 (PreTrainedModel.tie_weights). */
void mmn_language_bind_words(mmn_binder *binder, mmn_language_weights *language,
                             const mmn_language_config *config)
{
    const size_t shape[2] = {config->vocab_size, config->hidden_size};
    bool has_head = mmn_binder_find(binder, "lm_head.weight") != NULL;
    mmn_binder_take_matrix(binder, &language->embedding, "language_model.", "embed_tokens.weight",
                           shape, 2, config->tied_head && has_head);
    mmn_binder_take_matrix(binder, &language->head, "", "lm_head.weight", shape, 2,
                           config->tied_head);
    if (binder->status != MMN_OK)
        return;
    if (!language->embedding.data)
        language->embedding = language->head;
    if (!language->head.data)
        language->head = language->embedding;
    if (!config->tied_head)
        return;
    language->head_overrules_tie = !same_matrix(&language->head, &language->embedding);
    if (!language->head_overrules_tie)
        language->head = language->embedding;
}
