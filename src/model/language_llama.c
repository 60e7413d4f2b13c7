/* LLaMA, Mistral and Qwen2, which have one form: their part of config.json and their tensors. */
#include <stdio.h>
#include <string.h>

#include "model/config_internal.h"
#include "model/families.h"
#include "model/language_parts.h"

/* transformers' LlamaConfig, MistralConfig and Qwen2Config. */
static const mmn_language_config llama_defaults = {
    .form = &mmn_language_llama,
    .hidden_size = 4096,
    .intermediate_size = 11008,
    .layers = 32,
    .heads = 32,
    .kv_heads = 0, /* as many as heads */
    .vocab_size = 32000,
    .max_position_embeddings = 2048,
    .sliding_window = 0,
    .norm_eps = 1e-6f,
    .rope = {.theta = 10000.0},
    .gated = true,
    .activation = MMN_ACTIVATION_SILU,
};

static const mmn_language_config mistral_defaults = {
    .form = &mmn_language_mistral,
    .hidden_size = 4096,
    .intermediate_size = 14336,
    .layers = 32,
    .heads = 32,
    .kv_heads = 8,
    .vocab_size = 32000,
    .max_position_embeddings = 4096 * 32,
    .sliding_window = 4096,
    .norm_eps = 1e-6f,
    .rope = {.theta = 10000.0},
    .gated = true,
    .activation = MMN_ACTIVATION_SILU,
};

static const mmn_language_config qwen2_defaults = {
    .form = &mmn_language_qwen2,
    .hidden_size = 4096,
    .intermediate_size = 22016,
    .layers = 32,
    .heads = 32,
    .kv_heads = 32,
    .vocab_size = 151936,
    .max_position_embeddings = 32768,
    .sliding_window = 4096,
    .norm_eps = 1e-6f,
    .rope = {.theta = 10000.0},
    .qkv_bias = true,
    .gated = true,
    .activation = MMN_ACTIVATION_SILU,
};

static mmn_status read_numbers(mmn_language_config *language, const mmn_json_object *object,
                               mmn_error *error)
{
    double epsilon = (double)language->norm_eps;
    mmn_status status = mmn_json_get_u32(&language->hidden_size, object, "hidden_size", 1,
                                         MMN_LIMIT_WIDTH, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&language->intermediate_size, object, "intermediate_size", 1,
                                  MMN_LIMIT_INTERMEDIATE, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&language->layers, object, "num_hidden_layers", 1,
                                  MMN_LIMIT_LAYERS, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&language->heads, object, "num_attention_heads", 1,
                                  MMN_LIMIT_HEADS, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&language->vocab_size, object, "vocab_size", 1,
                                  MMN_LIMIT_VOCABULARY, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&language->max_position_embeddings, object,
                                  "max_position_embeddings", 1, MMN_LIMIT_POSITIONS, error);
    if (status == MMN_OK)
        status = mmn_json_get_f64(&epsilon, object, "rms_norm_eps", 1e-30, 1.0, error);
    if (status == MMN_OK)
        status = mmn_config_activation(&language->activation, object, "hidden_act", error);
    language->norm_eps = (float)epsilon;
    return status;
}

/* Key-value heads and the width of a head, whose defaults depend on the other numbers. */
static mmn_status read_heads(mmn_language_config *language, const mmn_json_object *object,
                             mmn_error *error)
{
    /* An explicit null means "as many as heads" for either type. */
    if (language->kv_heads == 0 || mmn_json_has(object, "num_key_value_heads"))
        language->kv_heads = language->heads;
    mmn_status status = mmn_json_get_u32(&language->kv_heads, object, "num_key_value_heads", 1,
                                         MMN_LIMIT_HEADS, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&language->head_dim, object, "head_dim", 1, MMN_LIMIT_WIDTH,
                                  error);
    if (status != MMN_OK)
        return status;
    if (language->heads % language->kv_heads != 0)
        return mmn_json_fail(object, "num_key_value_heads", error,
                             "must divide num_attention_heads: %u for %u", language->kv_heads,
                             language->heads);
    if (language->head_dim == 0) {
        if (language->hidden_size % language->heads != 0)
            return mmn_json_fail(object, "num_attention_heads", error,
                                 "must divide hidden_size: %u heads for %u", language->heads,
                                 language->hidden_size);
        language->head_dim = language->hidden_size / language->heads;
    }
    if (language->head_dim % 2 != 0)
        return mmn_json_fail(object, "head_dim", error,
                             "must be even for the rotary embedding and is %u",
                             language->head_dim);
    return MMN_OK;
}

/* LLaMA's projections have biases where its configuration says so. */
static mmn_status read_biases(mmn_language_config *language, const mmn_json_object *object,
                              mmn_error *error)
{
    mmn_status status = mmn_json_get_bool(&language->qkv_bias, object, "attention_bias", error);
    language->output_bias = language->qkv_bias;
    return status == MMN_OK ? mmn_json_get_bool(&language->mlp_bias, object, "mlp_bias", error)
                            : status;
}

/* null: every position sees all before it; absent: the class default. */
static mmn_status read_window(mmn_language_config *language, const mmn_json_object *object,
                              mmn_error *error)
{
    if (mmn_json_has(object, "sliding_window"))
        language->sliding_window = 0;
    return mmn_json_get_u32(&language->sliding_window, object, "sliding_window", 1,
                            MMN_LIMIT_POSITIONS, error);
}

/* transformers 5 writes down which layers have the window. LLaMA and Mistral have no such key, but a
 * folder of another kind under their names may. */
static mmn_status check_layer_types(const mmn_language_config *language,
                                    const mmn_json_object *object, mmn_error *error)
{
    json_t *types = NULL;
    mmn_status status = mmn_json_get_array(&types, object, "layer_types", error);
    for (size_t i = 0; status == MMN_OK && types && i < language->layers; i++) {
        bool window = language->sliding_window > 0 && i >= language->first_window_layer;
        const char *expected = window ? "sliding_attention" : "full_attention";
        const char *type = json_string_value(json_array_get(types, i));
        if (!type || strcmp(type, expected) != 0)
            status = mmn_json_fail(object, "layer_types", error,
                                   "layer %zu must be \"%s\", as the other keys say", i, expected);
    }
    return status;
}

/* Reads what `object` says; *language has the defaults of its class. */
static mmn_status read(mmn_language_config *language, const mmn_json_object *root,
                       const mmn_json_object *object, mmn_error *error)
{
    mmn_status status = read_numbers(language, object, error);
    if (status == MMN_OK)
        status = read_heads(language, object, error);
    if (status == MMN_OK)
        status = mmn_config_rope(language, object, error);
    if (status == MMN_OK)
        status = mmn_language_read_tied_head(language, root, object, error);
    return status;
}

static mmn_status read_llama(mmn_language_config *language, const mmn_json_object *root,
                             const mmn_json_object *object, mmn_error *error)
{
    *language = llama_defaults;
    mmn_status status = read(language, root, object, error);
    if (status == MMN_OK)
        status = read_biases(language, object, error);
    return status == MMN_OK ? check_layer_types(language, object, error) : status;
}

static mmn_status read_mistral(mmn_language_config *language, const mmn_json_object *root,
                               const mmn_json_object *object, mmn_error *error)
{
    *language = mistral_defaults;
    mmn_status status = read(language, root, object, error);
    if (status == MMN_OK)
        status = read_window(language, object, error);
    return status == MMN_OK ? check_layer_types(language, object, error) : status;
}

/* Qwen2's window, if it is used at all, is that of the layers from max_window_layers on. */
static mmn_status read_qwen2_window(mmn_language_config *language, const mmn_json_object *object,
                                    mmn_error *error)
{
    bool used = false;
    language->first_window_layer = 28;
    mmn_status status = mmn_json_get_bool(&used, object, "use_sliding_window", error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&language->first_window_layer, object, "max_window_layers", 0,
                                  MMN_LIMIT_LAYERS, error);
    if (status == MMN_OK)
        status = read_window(language, object, error);
    if (!used)
        language->sliding_window = 0;
    if (language->sliding_window == 0 || language->first_window_layer >= language->layers)
        language->sliding_window = language->first_window_layer = 0;
    return status == MMN_OK ? check_layer_types(language, object, error) : status;
}

static mmn_status read_qwen2(mmn_language_config *language, const mmn_json_object *root,
                             const mmn_json_object *object, mmn_error *error)
{
    *language = qwen2_defaults;
    mmn_status status = read(language, root, object, error);
    return status == MMN_OK ? read_qwen2_window(language, object, error) : status;
}

static void bind_layer(mmn_binder *binder, mmn_language_layer_weights *layer, uint32_t index,
                       const mmn_language_config *config)
{
    size_t width = config->hidden_size, inner = config->intermediate_size;
    size_t heads = (size_t)config->heads * config->head_dim;
    size_t kv_heads = (size_t)config->kv_heads * config->head_dim;
    char prefix[64];
    snprintf(prefix, sizeof(prefix), "language_model.layers.%u.", (unsigned)index);
    mmn_binder_take_norm(binder, &layer->attention_norm, prefix, "input_layernorm", width, false);
    mmn_binder_take_linear(binder, &layer->query, prefix, "self_attn.q_proj", heads, width,
                           config->qkv_bias);
    mmn_binder_take_linear(binder, &layer->key, prefix, "self_attn.k_proj", kv_heads, width,
                           config->qkv_bias);
    mmn_binder_take_linear(binder, &layer->value, prefix, "self_attn.v_proj", kv_heads, width,
                           config->qkv_bias);
    mmn_binder_take_linear(binder, &layer->output, prefix, "self_attn.o_proj", width, heads,
                           config->output_bias);
    mmn_binder_take_norm(binder, &layer->mlp_norm, prefix, "post_attention_layernorm", width, false);
    mmn_binder_take_linear(binder, &layer->gate, prefix, "mlp.gate_proj", inner, width,
                           config->mlp_bias);
    mmn_binder_take_linear(binder, &layer->up, prefix, "mlp.up_proj", inner, width,
                           config->mlp_bias);
    mmn_binder_take_linear(binder, &layer->down, prefix, "mlp.down_proj", width, inner,
                           config->mlp_bias);
}

static void bind(mmn_binder *binder, mmn_language_weights *language,
                 const mmn_language_config *config)
{
    mmn_language_bind_words(binder, language, config);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++)
        bind_layer(binder, &language->layers[i], i, config);
    mmn_binder_take_norm(binder, &language->norm, "language_model.", "norm", config->hidden_size,
                         false);
}

const mmn_language_form mmn_language_llama = {
    .model_type = "llama",
    .tokens = {.eos_ids = {2}, .eos_count = 1, .bos_id = 1, .pad_id = MMN_NO_TOKEN},
    .read = read_llama,
    .bind = bind,
};

const mmn_language_form mmn_language_mistral = {
    .model_type = "mistral",
    .tokens = {.eos_ids = {2}, .eos_count = 1, .bos_id = 1, .pad_id = MMN_NO_TOKEN},
    .read = read_mistral,
    .bind = bind,
};

const mmn_language_form mmn_language_qwen2 = {
    .model_type = "qwen2",
    .tokens = {.bos_id = MMN_NO_TOKEN, .pad_id = MMN_NO_TOKEN},
    .read = read_qwen2,
    .bind = bind,
};
