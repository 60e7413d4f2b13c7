/* BLOOM: its part of config.json and its tensors. */
#include <stdio.h>
#include <string.h>

#include "model/config_internal.h"
#include "model/families.h"
#include "model/language_parts.h"

/* transformers' BloomConfig. */
static const mmn_language_config class_defaults = {
    .form = &mmn_language_bloom,
    .hidden_size = 64,
    .layers = 2,
    .heads = 8,
    .vocab_size = 250880,
    .max_position_embeddings = 2048, /* what BLOOM was trained with; ALiBi itself has no limit */
    .norm_eps = 1e-5f,
    .layer_norm = true,
    .embedding_norm = true,
    .alibi = true,
    .fused_qkv = true,
    .qkv_bias = true,
    .output_bias = true,
    .mlp_bias = true,
    .activation = MMN_ACTIVATION_GELU_TANH,
    .tied_head = true,
};

#define U32(key, alias, member, most)                                                           \
    {key, alias, MMN_FIELD_U32, offsetof(mmn_language_config, member), 1, most}

static const mmn_field numbers[] = {
    U32("hidden_size", "n_embed", hidden_size, MMN_LIMIT_WIDTH),
    U32("n_layer", "num_hidden_layers", layers, MMN_LIMIT_LAYERS),
    U32("n_head", "num_attention_heads", heads, MMN_LIMIT_HEADS),
    U32("vocab_size", NULL, vocab_size, MMN_LIMIT_VOCABULARY),
    U32("seq_length", NULL, max_position_embeddings, MMN_LIMIT_POSITIONS),
    {"layer_norm_epsilon", NULL, MMN_FIELD_F32, offsetof(mmn_language_config, norm_eps), 1e-30, 1},
};

/* What is not computed. */
static void refuse_variants(const mmn_object *object)
{
    bool residual_after_norm = false, slow_but_exact = false;
    uint32_t pretraining_tp = 1;
    mmn_read_bool(&residual_after_norm, object, "apply_residual_connection_post_layernorm");
    if (residual_after_norm)
        mmn_read_wrong(object, "apply_residual_connection_post_layernorm",
                       "true is not supported; no published BLOOM has it");
    mmn_read_u32(&pretraining_tp, object, "pretraining_tp", 1, MMN_LIMIT_WIDTH);
    mmn_read_bool(&slow_but_exact, object, "slow_but_exact");
    if (slow_but_exact && pretraining_tp > 1)
        mmn_read_wrong(object, "slow_but_exact",
                       "true is not supported with a pretraining_tp of %u: it would add "
                       "the projections' products up in as many slices",
                       pretraining_tp);
}

static void read(mmn_language_config *language, const mmn_object *root, const mmn_object *object)
{
    *language = class_defaults;
    if (root->value != object->value) /* its norm would have to be applied to image features too */
        mmn_read_wrong(object, "model_type",
                       "BLOOM is supported on its own, not in a vision-language model");
    mmn_read_fields(language, object, numbers, sizeof(numbers) / sizeof(numbers[0]));
    if (language->hidden_size % language->heads != 0)
        mmn_read_wrong(object, "n_head", "must divide hidden_size: %u heads for %u",
                       language->heads, language->hidden_size);
    language->kv_heads = language->heads;
    language->head_dim = language->hidden_size / language->heads;
    language->intermediate_size = 4 * language->hidden_size;
    mmn_language_read_tied_head(language, root, object);
    refuse_variants(object);
}

/* Published without a prefix; transformers 5 writes one. */
static const mmn_name_rule name_rules[] = {
    {"transformer.", ""},
    {"word_embeddings.", "language_model.embed_tokens."},
    {"word_embeddings_layernorm.", "language_model.word_embeddings_layernorm."},
    {"h.", "language_model.h."},
    {"ln_f.", "language_model.ln_f."},
    {NULL, NULL},
};

static void bind_layer(mmn_binder *binder, mmn_language_layer_weights *layer, uint32_t index,
                       const mmn_language_config *config)
{
    size_t width = config->hidden_size, inner = config->intermediate_size;
    char prefix[64];
    snprintf(prefix, sizeof(prefix), "language_model.h.%u.", (unsigned)index);
    mmn_binder_take_norm(binder, &layer->attention_norm, prefix, "input_layernorm", width, true);
    mmn_binder_take_linear(binder, &layer->fused, prefix, "self_attention.query_key_value",
                           3 * width, width, true);
    mmn_binder_take_linear(binder, &layer->output, prefix, "self_attention.dense", width, width,
                           true);
    mmn_binder_take_norm(binder, &layer->mlp_norm, prefix, "post_attention_layernorm", width, true);
    mmn_binder_take_linear(binder, &layer->gate, prefix, "mlp.dense_h_to_4h", inner, width, true);
    mmn_binder_take_linear(binder, &layer->down, prefix, "mlp.dense_4h_to_h", width, inner, true);
}

static void bind(mmn_binder *binder, mmn_language_weights *language,
                 const mmn_language_config *config)
{
    static const char prefix[] = "language_model.";
    mmn_language_bind_words(binder, language, config);
    mmn_binder_take_norm(binder, &language->embedding_norm, prefix, "word_embeddings_layernorm",
                         config->hidden_size, true);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++)
        bind_layer(binder, &language->layers[i], i, config);
    mmn_binder_take_norm(binder, &language->norm, prefix, "ln_f", config->hidden_size, true);
}

const mmn_language_form mmn_language_bloom = {
    .model_type = "bloom",
    .tokens = {.eos_ids = {2}, .eos_count = 1, .bos_id = 1, .pad_id = MMN_NO_TOKEN},
    .name_rules = name_rules,
    .read = read,
    .bind = bind,
};
