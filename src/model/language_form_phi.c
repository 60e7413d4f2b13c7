/* Phi-1, Phi-1.5 and Phi-2 (arXiv 2306.11644, 2309.05463): their part of config.json and their
 * tensors. */
#include "base/memory.h"
#include "model/language_form.h"

/* transformers' PhiConfig. */
static const mmn_language_config defaults = {
    .hidden_size = 2048,
    .intermediate_size = 8192,
    .layers = 24,
    .heads = 32,
    .vocab_size = 51200,
    .max_position_embeddings = 2048,
    .norm_eps = 1e-5f,
    .layer_norm = true,
    .rope = {.theta = 10000.0, .share = 0.5},
    .qkv_bias = true,
    .output_bias = true,
    .mlp_bias = true,
    .head_bias = true,
    .parallel_mlp = true,
    .activation = MMN_ACTIVATION_GELU_TANH,
};

static void read(mmn_language_config *language, const mmn_object *root, const mmn_object *object)
{
    static const mmn_field numbers[] = {
        MMN_LANGUAGE_SIZES("intermediate_size"),
        MMN_LANGUAGE_NORM_EPS("layer_norm_eps"),
    };
    *language = defaults;
    mmn_language_alone_check(root, object, "Phi");
    mmn_read_fields(language, object, numbers, MMN_LENGTH(numbers));
    mmn_config_activation(&language->activation, object, "hidden_act");
    mmn_language_kv_heads_read(language, object);
    mmn_config_heads(&language->head_dim, object, "num_attention_heads", language->heads,
                     language->hidden_size);
    mmn_config_rope(language, object);
    mmn_language_flag_check(object, "qk_layernorm", false, "; no published Phi has it");
    mmn_language_tied_head_read(language, root, object);
}

static const mmn_name_rule names[] = {
    {"model.final_layernorm.", "language_model.final_layernorm."},
    {"final_layernorm.", "language_model.final_layernorm."},
    {NULL, NULL},
};

static void bind(mmn_binder *binder, mmn_language_weights *language,
                 const mmn_language_config *config)
{
    size_t width = config->hidden_size, inner = config->intermediate_size;
    size_t kv_heads = (size_t)config->kv_heads * config->head_dim;
    mmn_language_words_bind(binder, language, config);
    mmn_binder_take_vector(binder, &language->head_bias, "lm_head.bias", config->vocab_size);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++) {
        mmn_language_layer_weights *layer = &language->layers[i];
        mmn_binder_prefix(binder, MMN_LANGUAGE_PREFIX "layers.%u.", (unsigned)i);
        mmn_binder_take_norm(binder, &layer->attention_norm, "input_layernorm", width, true);
        mmn_binder_take_linear(binder, &layer->query, "self_attn.q_proj", width, width, true);
        mmn_binder_take_linear(binder, &layer->key, "self_attn.k_proj", kv_heads, width, true);
        mmn_binder_take_linear(binder, &layer->value, "self_attn.v_proj", kv_heads, width, true);
        mmn_binder_take_linear(binder, &layer->output, "self_attn.dense", width, width, true);
        mmn_binder_take_linear(binder, &layer->gate, "mlp.fc1", inner, width, true);
        mmn_binder_take_linear(binder, &layer->down, "mlp.fc2", width, inner, true);
    }
    mmn_binder_prefix(binder, MMN_LANGUAGE_PREFIX);
    mmn_binder_take_norm(binder, &language->norm, "final_layernorm", width, true);
}

const mmn_language_form mmn_language_form_phi = {
    .model_type = "phi",
    .tokens = MMN_TOKENS_1_AND_2,
    .name_rules = names,
    .read = read,
    .bind = bind,
};
