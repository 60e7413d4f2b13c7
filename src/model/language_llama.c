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

#define U32(key, member, most)                                                                  \
    {key, NULL, MMN_FIELD_U32, offsetof(mmn_language_config, member), 1, most}

static const mmn_field numbers[] = {
    U32("hidden_size", hidden_size, MMN_LIMIT_WIDTH),
    U32("intermediate_size", intermediate_size, MMN_LIMIT_INTERMEDIATE),
    U32("num_hidden_layers", layers, MMN_LIMIT_LAYERS),
    U32("num_attention_heads", heads, MMN_LIMIT_HEADS),
    U32("vocab_size", vocab_size, MMN_LIMIT_VOCABULARY),
    U32("max_position_embeddings", max_position_embeddings, MMN_LIMIT_POSITIONS),
    {"rms_norm_eps", NULL, MMN_FIELD_F32, offsetof(mmn_language_config, norm_eps), 1e-30, 1},
};

/* Key-value heads and the width of a head, whose defaults depend on the other numbers. */
static void read_heads(mmn_language_config *language, const mmn_object *object)
{
    /* An explicit null means "as many as heads" for either type. */
    if (language->kv_heads == 0 || mmn_object_has(object, "num_key_value_heads"))
        language->kv_heads = language->heads;
    mmn_read_u32(&language->kv_heads, object, "num_key_value_heads", 1, MMN_LIMIT_HEADS);
    mmn_read_u32(&language->head_dim, object, "head_dim", 1, MMN_LIMIT_WIDTH);
    if (language->heads % language->kv_heads != 0)
        mmn_read_wrong(object, "num_key_value_heads", "must divide num_attention_heads: %u for %u",
                       language->kv_heads, language->heads);
    if (language->head_dim == 0) {
        if (language->hidden_size % language->heads != 0)
            mmn_read_wrong(object, "num_attention_heads", "must divide hidden_size: %u heads for %u",
                           language->heads, language->hidden_size);
        language->head_dim = language->hidden_size / language->heads;
    }
    if (language->head_dim % 2 != 0)
        mmn_read_wrong(object, "head_dim", "must be even for the rotary embedding and is %u",
                       language->head_dim);
}

/* null: every position sees all before it; absent: the class default. */
static void read_window(mmn_language_config *language, const mmn_object *object)
{
    if (mmn_object_has(object, "sliding_window"))
        language->sliding_window = 0;
    mmn_read_u32(&language->sliding_window, object, "sliding_window", 1, MMN_LIMIT_POSITIONS);
}

/* transformers 5 writes down which layers have the window. LLaMA and Mistral have no such key, but a
 * folder of another kind under their names may. */
static void check_layer_types(const mmn_language_config *language, const mmn_object *object)
{
    json_t *types = NULL;
    mmn_read_array(&types, object, "layer_types");
    for (size_t i = 0; types && i < language->layers; i++) {
        bool window = language->sliding_window > 0 && i >= language->first_window_layer;
        const char *expected = window ? "sliding_attention" : "full_attention";
        const char *type = json_string_value(json_array_get(types, i));
        if (!type || strcmp(type, expected) != 0)
            mmn_read_wrong(object, "layer_types", "layer %zu must be \"%s\", as the other keys say",
                           i, expected);
    }
}

/* Reads what `object` says; *language has the defaults of its class. */
static void read(mmn_language_config *language, const mmn_object *root, const mmn_object *object)
{
    mmn_read_fields(language, object, numbers, sizeof(numbers) / sizeof(numbers[0]));
    mmn_config_activation(&language->activation, object, "hidden_act");
    read_heads(language, object);
    mmn_config_rope(language, object);
    mmn_language_read_tied_head(language, root, object);
}

/* LLaMA's projections have biases where its configuration says so. */
static void read_llama(mmn_language_config *language, const mmn_object *root,
                       const mmn_object *object)
{
    *language = llama_defaults;
    read(language, root, object);
    mmn_read_bool(&language->qkv_bias, object, "attention_bias");
    language->output_bias = language->qkv_bias;
    mmn_read_bool(&language->mlp_bias, object, "mlp_bias");
    check_layer_types(language, object);
}

static void read_mistral(mmn_language_config *language, const mmn_object *root,
                         const mmn_object *object)
{
    *language = mistral_defaults;
    read(language, root, object);
    read_window(language, object);
    check_layer_types(language, object);
}

/* Qwen2's window, if it is used at all, is that of the layers from max_window_layers on. */
static void read_qwen2(mmn_language_config *language, const mmn_object *root,
                       const mmn_object *object)
{
    bool used = false;
    *language = qwen2_defaults;
    read(language, root, object);
    language->first_window_layer = 28;
    mmn_read_bool(&used, object, "use_sliding_window");
    mmn_read_u32(&language->first_window_layer, object, "max_window_layers", 0, MMN_LIMIT_LAYERS);
    read_window(language, object);
    if (!used)
        language->sliding_window = 0;
    if (language->sliding_window == 0 || language->first_window_layer >= language->layers)
        language->sliding_window = language->first_window_layer = 0;
    check_layer_types(language, object);
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
