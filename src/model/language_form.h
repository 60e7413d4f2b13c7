/* What the readers of the kinds of language models share: each kind is a mmn_language_form, in a
 * file of its own where it is not LLaMA's. */
#ifndef MMN_MODEL_LANGUAGE_FORM_H
#define MMN_MODEL_LANGUAGE_FORM_H

#include "model/family.h"

/* How the normalised names of a language model's tensors begin, but for its head's. */
#define MMN_LANGUAGE_PREFIX "language_model."

/* Fields of mmn_language_config, for mmn_read_fields: a number that is at least 1, and the norms'
 * epsilon. */
#define MMN_LANGUAGE_U32(key, alias, member, most)                                                 \
    {                                                                                              \
        key, alias, MMN_FIELD_U32, offsetof(mmn_language_config, member), 1, most                  \
    }
#define MMN_LANGUAGE_NORM_EPS(key)                                                                 \
    {                                                                                              \
        key, NULL, MMN_FIELD_F32, offsetof(mmn_language_config, norm_eps), 1e-30, 1                \
    }

/* The numbers that most classes have, of which one has several names. */
#define MMN_LANGUAGE_SIZES(intermediate)                                                           \
    MMN_LANGUAGE_U32("hidden_size", NULL, hidden_size, MMN_LIMIT_WIDTH),                           \
        MMN_LANGUAGE_U32(intermediate, NULL, intermediate_size, MMN_LIMIT_INTERMEDIATE),           \
        MMN_LANGUAGE_U32("num_hidden_layers", NULL, layers, MMN_LIMIT_LAYERS),                     \
        MMN_LANGUAGE_U32("num_attention_heads", NULL, heads, MMN_LIMIT_HEADS),                     \
        MMN_LANGUAGE_U32("vocab_size", NULL, vocab_size, MMN_LIMIT_VOCABULARY),                    \
        MMN_LANGUAGE_U32("max_position_embeddings", NULL, max_position_embeddings,                 \
                         MMN_LIMIT_POSITIONS)

/* The tokens of a class that begins texts with 1 and ends them with 2. */
#define MMN_TOKENS_1_AND_2                                                                         \
    {                                                                                              \
        .eos_ids = {2}, .eos_count = 1, .bos_id = 1, .pad_id = MMN_NO_TOKEN                        \
    }

extern const mmn_language_form mmn_language_form_bloom, mmn_language_form_opt,
    mmn_language_form_phi;

/* "tie_word_embeddings" stands in the language model's part of config.json or at its root; absent:
 * as the class has it. */
void mmn_language_tied_head_read(mmn_language_config *language, const mmn_object *root,
                                 const mmn_object *object);

/* Reads how many heads keys and values have; where `object` does not say, as many as queries, or as
 * the class has it. */
void mmn_language_kv_heads_read(mmn_language_config *language, const mmn_object *object);

/* A kind that is supported on its own is wrong within a vision-language model; `name` is for
 * people. */
void mmn_language_alone_check(const mmn_object *root, const mmn_object *object, const char *name);

/* A truth value that must be as it is `expected`, for anything else is not computed; absent: as
 * expected. `why` goes on after "is not supported". */
void mmn_language_flag_check(const mmn_object *object, const char *key, bool expected,
                             const char *why);

/* Takes embedding and head. Where they are tied, one of them is enough, under either name; a head
 * that is stored and differs is the head, as in transformers 5.23 (PreTrainedModel.tie_weights). */
void mmn_language_words_bind(mmn_binder *binder, mmn_language_weights *language,
                             const mmn_language_config *config);

#endif
