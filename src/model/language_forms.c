/* The kinds of language models: LLaMA, Mistral and Qwen2, which have one form, and the table of
 * all. */
#include <string.h>

#include "base/memory.h"
#include "model/language_form.h"

/* ---- LLaMA, Mistral and Qwen2 ---------------------------------------------------------------- */

/* What transformers' LlamaConfig, MistralConfig and Qwen2Config have in common. */
#define LLAMA                                                                                      \
    .hidden_size = 4096, .layers = 32, .heads = 32, .norm_eps = 1e-6f,                             \
    .rope = {.theta = 10000.0, .share = 1}, .gated = true, .activation = MMN_ACTIVATION_SILU

static const mmn_language_config llama_defaults = {
    LLAMA,
    .intermediate_size = 11008,
    .kv_heads = 0, /* as many as heads */
    .vocab_size = 32000,
    .max_position_embeddings = 2048,
};

static const mmn_language_config mistral_defaults = {
    LLAMA,
    .intermediate_size = 14336,
    .kv_heads = 8,
    .vocab_size = 32000,
    .max_position_embeddings = 4096 * 32,
    .sliding_window = 4096,
};

static const mmn_language_config qwen2_defaults = {
    LLAMA,
    .intermediate_size = 22016,
    .kv_heads = 32,
    .vocab_size = 151936,
    .max_position_embeddings = 32768,
    .sliding_window = 4096,
    .qkv_bias = true,
};

/* The width of a head, if it is not what follows from the other numbers. */
static void read_head_dim(mmn_language_config *language, const mmn_object *object)
{
    mmn_read_u32(&language->head_dim, object, "head_dim", 1, MMN_LIMIT_WIDTH);
    if (language->head_dim == 0)
        mmn_config_heads(&language->head_dim, object, "num_attention_heads", language->heads,
                         language->hidden_size);
}

/* null: every position sees all before it; absent: the class default. */
static void read_window(mmn_language_config *language, const mmn_object *object)
{
    if (mmn_object_has(object, "sliding_window"))
        language->sliding_window = 0;
    mmn_read_u32(&language->sliding_window, object, "sliding_window", 1, MMN_LIMIT_POSITIONS);
}

/* transformers 5 writes down which layers have the window. LLaMA and Mistral have no such key, but
 * a folder of another kind under their names may. */
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

/* Reads what `object` says over the defaults of a class. */
static void read_over(mmn_language_config *language, const mmn_language_config *defaults,
                      const mmn_object *root, const mmn_object *object)
{
    static const mmn_field numbers[] = {
        MMN_LANGUAGE_SIZES("intermediate_size"),
        MMN_LANGUAGE_NORM_EPS("rms_norm_eps"),
    };
    *language = *defaults;
    mmn_read_fields(language, object, numbers, MMN_LENGTH(numbers));
    mmn_config_activation(&language->activation, object, "hidden_act");
    mmn_language_kv_heads_read(language, object);
    read_head_dim(language, object);
    mmn_config_rope(language, object);
    mmn_language_tied_head_read(language, root, object);
}

/* LLaMA's projections have biases where its configuration says so. */
static void read_llama(mmn_language_config *language, const mmn_object *root,
                       const mmn_object *object)
{
    read_over(language, &llama_defaults, root, object);
    mmn_read_bool(&language->qkv_bias, object, "attention_bias");
    language->output_bias = language->qkv_bias;
    mmn_read_bool(&language->mlp_bias, object, "mlp_bias");
    check_layer_types(language, object);
}

static void read_mistral(mmn_language_config *language, const mmn_object *root,
                         const mmn_object *object)
{
    read_over(language, &mistral_defaults, root, object);
    read_window(language, object);
    check_layer_types(language, object);
}

/* Qwen2's window, if it is used at all, is that of the layers from max_window_layers on. */
static void read_qwen2(mmn_language_config *language, const mmn_object *root,
                       const mmn_object *object)
{
    bool used = false;
    read_over(language, &qwen2_defaults, root, object);
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

static void bind_llama(mmn_binder *binder, mmn_language_weights *language,
                       const mmn_language_config *config)
{
    size_t width = config->hidden_size, inner = config->intermediate_size;
    size_t heads = (size_t)config->heads * config->head_dim;
    size_t kv_heads = (size_t)config->kv_heads * config->head_dim;
    bool qkv = config->qkv_bias, mlp = config->mlp_bias;
    mmn_language_words_bind(binder, language, config);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++) {
        mmn_language_layer_weights *layer = &language->layers[i];
        mmn_binder_prefix(binder, MMN_LANGUAGE_PREFIX "layers.%u.", (unsigned)i);
        mmn_binder_take_norm(binder, &layer->attention_norm, "input_layernorm", width, false);
        mmn_binder_take_linear(binder, &layer->query, "self_attn.q_proj", heads, width, qkv);
        mmn_binder_take_linear(binder, &layer->key, "self_attn.k_proj", kv_heads, width, qkv);
        mmn_binder_take_linear(binder, &layer->value, "self_attn.v_proj", kv_heads, width, qkv);
        mmn_binder_take_linear(binder, &layer->output, "self_attn.o_proj", width, heads,
                               config->output_bias);
        mmn_binder_take_norm(binder, &layer->mlp_norm, "post_attention_layernorm", width, false);
        mmn_binder_take_linear(binder, &layer->gate, "mlp.gate_proj", inner, width, mlp);
        mmn_binder_take_linear(binder, &layer->up, "mlp.up_proj", inner, width, mlp);
        mmn_binder_take_linear(binder, &layer->down, "mlp.down_proj", width, inner, mlp);
    }
    mmn_binder_prefix(binder, MMN_LANGUAGE_PREFIX);
    mmn_binder_take_norm(binder, &language->norm, "norm", width, false);
}

/* ---- All of them ----------------------------------------------------------------------------- */

#define LLAMA_FORM(type, ...)                                                                      \
    &(const mmn_language_form)                                                                     \
    {                                                                                              \
        .model_type = (type), .bind = bind_llama, __VA_ARGS__                                      \
    }

static const mmn_language_form *const forms[] = {
    LLAMA_FORM("llama", .read = read_llama, .tokens = MMN_TOKENS_1_AND_2),
    LLAMA_FORM("mistral", .read = read_mistral, .tokens = MMN_TOKENS_1_AND_2),
    LLAMA_FORM("qwen2", .read = read_qwen2,
               .tokens = {.bos_id = MMN_NO_TOKEN, .pad_id = MMN_NO_TOKEN}),
    &mmn_language_form_bloom,
    &mmn_language_form_opt,
    &mmn_language_form_phi,
};

static const char *form_name(size_t index)
{
    return index < MMN_LENGTH(forms) ? forms[index]->model_type : NULL;
}

void mmn_language_config_read(mmn_language_config *language, const mmn_object *root,
                              const mmn_object *object)
{
    size_t index;
    if (!mmn_find_model_type(&index, object, "language model", "llama", form_name))
        return;
    bool causal = true;
    mmn_read_bool(&causal, object, "is_causal");
    if (!causal)
        mmn_read_wrong(object, "is_causal",
                       "false, positions that see those behind them, is not supported");
    forms[index]->read(language, root, object);
    language->form = forms[index];
}

mmn_module mmn_language_module(const mmn_language_config *config)
{
    return mmn_module_of(MMN_MODULE_LANGUAGE, config->layers, config->intermediate_size,
                         config->layers);
}
