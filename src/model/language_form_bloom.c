/* BLOOM (arXiv 2211.05100): its part of config.json and its tensors. */
#include "base/memory.h"
#include "model/language_form.h"

/* transformers' BloomConfig. */
static const mmn_language_config bloom_defaults = {
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

/* What is not computed. */
static void refuse_variants(const mmn_object *object)
{
    bool slow_but_exact = false;
    uint32_t pretraining_tp = 1;
    mmn_language_flag_check(object, "apply_residual_connection_post_layernorm", false,
                            "; no published BLOOM has it");
    mmn_read_u32(&pretraining_tp, object, "pretraining_tp", 1, MMN_LIMIT_WIDTH);
    mmn_read_bool(&slow_but_exact, object, "slow_but_exact");
    if (slow_but_exact && pretraining_tp > 1)
        mmn_read_wrong(object, "slow_but_exact",
                       "true is not supported with a pretraining_tp of %u: it would add "
                       "the projections' products up in as many slices",
                       pretraining_tp);
}

static void read_bloom(mmn_language_config *language, const mmn_object *root,
                       const mmn_object *object)
{
    static const mmn_field numbers[] = {
        MMN_LANGUAGE_U32("hidden_size", "n_embed", hidden_size, MMN_LIMIT_WIDTH),
        MMN_LANGUAGE_U32("n_layer", "num_hidden_layers", layers, MMN_LIMIT_LAYERS),
        MMN_LANGUAGE_U32("n_head", "num_attention_heads", heads, MMN_LIMIT_HEADS),
        MMN_LANGUAGE_U32("vocab_size", NULL, vocab_size, MMN_LIMIT_VOCABULARY),
        MMN_LANGUAGE_U32("seq_length", NULL, max_position_embeddings, MMN_LIMIT_POSITIONS),
        MMN_LANGUAGE_NORM_EPS("layer_norm_epsilon"),
    };
    *language = bloom_defaults;
    /* Its norm would have to be applied to image features too. */
    mmn_language_alone_check(root, object, "BLOOM");
    mmn_read_fields(language, object, numbers, MMN_LENGTH(numbers));
    mmn_config_heads(&language->head_dim, object, "n_head", language->heads, language->hidden_size);
    language->kv_heads = language->heads;
    language->intermediate_size = 4 * language->hidden_size;
    mmn_language_tied_head_read(language, root, object);
    refuse_variants(object);
}

/* Published without a prefix; transformers 5 writes one. */
static const mmn_name_rule bloom_names[] = {
    {"transformer.", ""},
    {"word_embeddings.", "language_model.embed_tokens."},
    {"word_embeddings_layernorm.", "language_model.word_embeddings_layernorm."},
    {"h.", "language_model.h."},
    {"ln_f.", "language_model.ln_f."},
    {NULL, NULL},
};

static void bind_bloom(mmn_binder *binder, mmn_language_weights *language,
                       const mmn_language_config *config)
{
    size_t width = config->hidden_size, inner = config->intermediate_size;
    mmn_language_words_bind(binder, language, config);
    mmn_binder_prefix(binder, MMN_LANGUAGE_PREFIX);
    mmn_binder_take_norm(binder, &language->embedding_norm, "word_embeddings_layernorm", width,
                         true);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++) {
        mmn_language_layer_weights *layer = &language->layers[i];
        mmn_binder_prefix(binder, MMN_LANGUAGE_PREFIX "h.%u.", (unsigned)i);
        mmn_binder_take_norm(binder, &layer->attention_norm, "input_layernorm", width, true);
        mmn_binder_take_linear(binder, &layer->fused, "self_attention.query_key_value", 3 * width,
                               width, true);
        mmn_binder_take_linear(binder, &layer->output, "self_attention.dense", width, width, true);
        mmn_binder_take_norm(binder, &layer->mlp_norm, "post_attention_layernorm", width, true);
        mmn_binder_take_linear(binder, &layer->gate, "mlp.dense_h_to_4h", inner, width, true);
        mmn_binder_take_linear(binder, &layer->down, "mlp.dense_4h_to_h", width, inner, true);
    }
    mmn_binder_prefix(binder, MMN_LANGUAGE_PREFIX);
    mmn_binder_take_norm(binder, &language->norm, "ln_f", width, true);
}

const mmn_language_form mmn_language_form_bloom = {
    .model_type = "bloom",
    .tokens = MMN_TOKENS_1_AND_2,
    .name_rules = bloom_names,
    .read = read_bloom,
    .bind = bind_bloom,
};
