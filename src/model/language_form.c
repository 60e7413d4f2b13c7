/* What the readers of the kinds of language models share. */
#include "model/language_form.h"

#include <string.h>

void mmn_language_tied_head_read(mmn_language_config *language, const mmn_object *root,
                                 const mmn_object *object)
{
    bool whole = language->tied_head, part = false;
    mmn_read_bool(&whole, root, "tie_word_embeddings");
    mmn_read_bool(&part, object, "tie_word_embeddings");
    language->tied_head = whole || part;
}

void mmn_language_alone_check(const mmn_object *root, const mmn_object *object, const char *name)
{
    if (root->value != object->value)
        mmn_read_wrong(object, "model_type",
                       "%s is supported on its own, not in a vision-language model", name);
}

void mmn_language_flag_check(const mmn_object *object, const char *key, bool expected,
                             const char *why)
{
    bool flag = expected;
    mmn_read_bool(&flag, object, key);
    if (flag != expected)
        mmn_read_wrong(object, key, "%s is not supported%s", flag ? "true" : "false", why);
}

static bool same_matrix(const mmn_matrix *one, const mmn_matrix *other)
{
    return one->type == other->type &&
           memcmp(one->data, other->data, one->rows * one->columns * mmn_weight_size(one->type)) ==
               0;
}

void mmn_language_words_bind(mmn_binder *binder, mmn_language_weights *language,
                             const mmn_language_config *config)
{
    const size_t shape[2] = {config->vocab_size, config->hidden_size};
    bool has_head = mmn_binder_find(binder, "lm_head.weight") != NULL;
    mmn_binder_no_prefix(binder);
    mmn_binder_take_matrix(binder, &language->embedding, MMN_LANGUAGE_PREFIX "embed_tokens.weight",
                           shape, 2, config->tied_head && has_head);
    mmn_binder_take_matrix(binder, &language->head, "lm_head.weight", shape, 2, config->tied_head);
    if (binder->status != MMN_OK || binder->wanted)
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

void mmn_language_kv_heads_read(mmn_language_config *language, const mmn_object *object)
{
    /* An explicit null means "as many as heads" for all types. */
    if (language->kv_heads == 0 || mmn_object_has(object, "num_key_value_heads"))
        language->kv_heads = language->heads;
    mmn_read_u32(&language->kv_heads, object, "num_key_value_heads", 1, MMN_LIMIT_HEADS);
    if (language->heads % language->kv_heads != 0)
        mmn_read_wrong(object, "num_key_value_heads", "must divide num_attention_heads: %u for %u",
                       language->kv_heads, language->heads);
}
