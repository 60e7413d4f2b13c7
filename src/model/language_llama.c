/* LLaMA and language models of its form: their part of config.json and their tensors. */
#include <stdio.h>
#include <string.h>

#include "model/config_internal.h"
#include "model/families.h"

/* transformers' LlamaConfig and MistralConfig. */
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
    .rms_norm_eps = 1e-6f,
    .rope_theta = 10000.0,
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
    .rms_norm_eps = 1e-6f,
    .rope_theta = 10000.0,
    .activation = MMN_ACTIVATION_SILU,
};

static mmn_status read_numbers(mmn_language_config *language, const mmn_json_object *object,
                               mmn_error *error)
{
    double epsilon = (double)language->rms_norm_eps;
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
    language->rms_norm_eps = (float)epsilon;
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

/* One object of rotary parameters: rope_parameters (transformers 5) or rope_scaling (4). */
static mmn_status read_rope_object(mmn_language_config *language, const mmn_json_object *object,
                                   mmn_error *error)
{
    const char *type = "default", *key = mmn_json_has(object, "rope_type") ? "rope_type" : "type";
    double partial = 1.0;
    mmn_status status = mmn_json_get_text(&type, object, key, error);
    if (status != MMN_OK)
        return status;
    if (strcmp(type, "default") != 0)
        return mmn_json_fail(object, key, error,
                             "rotary embedding \"%.60s\" is not supported; supported is "
                             "\"default\"",
                             type);
    status = mmn_json_get_f64(&partial, object, "partial_rotary_factor", 0.0, 1.0, error);
    if (status == MMN_OK && partial != 1.0)
        status = mmn_json_fail(object, "partial_rotary_factor", error,
                               "%g is not supported; supported is 1", partial);
    if (status == MMN_OK)
        status = mmn_json_get_f64(&language->rope_theta, object, "rope_theta", 1.0, 1e12, error);
    return status;
}

static mmn_status read_rope(mmn_language_config *language, const mmn_json_object *object,
                            mmn_error *error)
{
    mmn_json_object scaling, parameters;
    mmn_status status =
        mmn_json_get_f64(&language->rope_theta, object, "rope_theta", 1.0, 1e12, error);
    if (status == MMN_OK)
        status = mmn_json_get_object(&parameters, object, "rope_parameters", error);
    if (status == MMN_OK)
        status = mmn_json_get_object(&scaling, object, "rope_scaling", error);
    if (status == MMN_OK)
        status = read_rope_object(language, &parameters, error);
    if (status == MMN_OK)
        status = read_rope_object(language, &scaling, error);
    return status;
}

static mmn_status refuse_bias(const mmn_json_object *object, const char *key, mmn_error *error)
{
    bool bias = false;
    mmn_status status = mmn_json_get_bool(&bias, object, key, error);
    if (status == MMN_OK && bias)
        status = mmn_json_fail(object, key, error, "true is not supported");
    return status;
}

static mmn_status read_switches(mmn_language_config *language, const mmn_json_object *root,
                                const mmn_json_object *object, mmn_error *error)
{
    mmn_status status = refuse_bias(object, "attention_bias", error);
    if (status == MMN_OK)
        status = refuse_bias(object, "mlp_bias", error);

    bool whole = false, part = false;
    if (status == MMN_OK)
        status = mmn_json_get_bool(&whole, root, "tie_word_embeddings", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&part, object, "tie_word_embeddings", error);
    language->tied_head = whole || part;

    return status;
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

/* Reads what `object` says; *language has the defaults of its class. */
static mmn_status read(mmn_language_config *language, const mmn_json_object *root,
                       const mmn_json_object *object, mmn_error *error)
{
    mmn_status status = read_numbers(language, object, error);
    if (status == MMN_OK)
        status = read_heads(language, object, error);
    if (status == MMN_OK)
        status = read_rope(language, object, error);
    if (status == MMN_OK)
        status = read_switches(language, root, object, error);
    return status;
}

static mmn_status read_llama(mmn_language_config *language, const mmn_json_object *root,
                             const mmn_json_object *object, mmn_error *error)
{
    *language = llama_defaults;
    return read(language, root, object, error);
}

static mmn_status read_mistral(mmn_language_config *language, const mmn_json_object *root,
                               const mmn_json_object *object, mmn_error *error)
{
    *language = mistral_defaults;
    mmn_status status = read(language, root, object, error);
    return status == MMN_OK ? read_window(language, object, error) : status;
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
    mmn_binder_take_linear(binder, &layer->query, prefix, "self_attn.q_proj", heads, width, false);
    mmn_binder_take_linear(binder, &layer->key, prefix, "self_attn.k_proj", kv_heads, width, false);
    mmn_binder_take_linear(binder, &layer->value, prefix, "self_attn.v_proj", kv_heads, width, false);
    mmn_binder_take_linear(binder, &layer->output, prefix, "self_attn.o_proj", width, heads, false);
    mmn_binder_take_norm(binder, &layer->mlp_norm, prefix, "post_attention_layernorm", width, false);
    mmn_binder_take_linear(binder, &layer->gate, prefix, "mlp.gate_proj", inner, width, false);
    mmn_binder_take_linear(binder, &layer->up, prefix, "mlp.up_proj", inner, width, false);
    mmn_binder_take_linear(binder, &layer->down, prefix, "mlp.down_proj", width, inner, false);
}

/* A tied head need not be stored; where it is, it must be what the embedding is. */
static void tie_head(mmn_binder *binder, mmn_language_weights *language)
{
    const mmn_tensor *head = mmn_binder_find(binder, "lm_head.weight");
    const mmn_tensor *embedding = mmn_binder_find(binder, "language_model.embed_tokens.weight");
    if (binder->status != MMN_OK)
        return;
    if (head && (head->type != embedding->type ||
                 memcmp(head->data, embedding->data, head->bytes) != 0))
        binder->status = mmn_fail(binder->error, MMN_INPUT, head->file, head->name,
                                  "differs from the embedding, although tie_word_embeddings says "
                                  "that they are the same");
    language->head = language->embedding;
}

static void bind(mmn_binder *binder, mmn_language_weights *language,
                 const mmn_language_config *config)
{
    static const char prefix[] = "language_model.";
    const size_t shape[2] = {config->vocab_size, config->hidden_size};
    mmn_binder_take_matrix(binder, &language->embedding, prefix, "embed_tokens.weight", shape, 2,
                           false);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++)
        bind_layer(binder, &language->layers[i], i, config);
    mmn_binder_take_norm(binder, &language->norm, prefix, "norm", config->hidden_size, false);
    mmn_binder_take_matrix(binder, &language->head, "", "lm_head.weight", shape, 2,
                           config->tied_head);
    if (config->tied_head)
        tie_head(binder, language);
}

const mmn_language_form mmn_language_llama = {
    .model_type = "llama",
    .read = read_llama,
    .bind = bind,
};

const mmn_language_form mmn_language_mistral = {
    .model_type = "mistral",
    .read = read_mistral,
    .bind = bind,
};
