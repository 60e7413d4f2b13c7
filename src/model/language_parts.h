/* What the forms of language models share: ends of the model that all have. */
#ifndef MMN_MODEL_LANGUAGE_PARTS_H
#define MMN_MODEL_LANGUAGE_PARTS_H

#include "model/family.h"

/* Reads "tie_word_embeddings", which stands in the language model's part of config.json or at its
 * root; absent: what language->tied_head is. */
void mmn_language_read_tied_head(mmn_language_config *language, const mmn_object *root,
                                 const mmn_object *object);

/* Takes "language_model.embed_tokens.weight" and "lm_head.weight", both [vocab_size, hidden_size].
 * A tied head need not be stored; where it is, it must be what the embedding is. */
void mmn_language_bind_words(mmn_binder *binder, mmn_language_weights *language,
                             const mmn_language_config *config);

#endif
