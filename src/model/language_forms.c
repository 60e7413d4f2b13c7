/* The kinds of language models: their part of config.json and their tensors. */
#include <string.h>

#include "base/memory.h"
#include "model/family.h"

/* How the normalised names of a language model's tensors begin, but for its head's. */
#define PREFIX "language_model."

/* ---- What all have in common ----------------------------------------------------------------- */

#define U32(key, alias, member, most)                                                              \
    {                                                                                              \
        key, alias, MMN_FIELD_U32, offsetof(mmn_language_config, member), 1, most                  \
    }
#define NORM_EPS(key)                                                                              \
    {                                                                                              \
        key, NULL, MMN_FIELD_F32, offsetof(mmn_language_config, norm_eps), 1e-30, 1                \
    }

/* "tie_word_embeddings" stands in the language model's part of config.json or at its root; absent:
 * as the class has it. */
static void read_tied_head(mmn_language_config *language, const mmn_object *root,
                           const mmn_object *object)
{
    bool whole = language->tied_head, part = false;
    mmn_read_bool(&whole, root, "tie_word_embeddings");
    mmn_read_bool(&part, object, "tie_word_embeddings");
    language->tied_head = whole || part;
}

static bool same_matrix(const mmn_matrix *one, const mmn_matrix *other)
{
    return one->type == other->type &&
           memcmp(one->data, other->data, one->rows * one->columns * mmn_weight_size(one->type)) ==
               0;
}

/* Where head and embedding are tied, one of them is enough, under either name; a head that is
 * stored and differs is the head, as in transformers 5.23 (PreTrainedModel.tie_weights). */
static void bind_words(mmn_binder *binder, mmn_language_weights *language,
                       const mmn_language_config *config)
{
    const size_t shape[2] = {config->vocab_size, config->hidden_size};
    bool has_head = mmn_binder_find(binder, "lm_head.weight") != NULL;
    mmn_binder_no_prefix(binder);
    mmn_binder_take_matrix(binder, &language->embedding, PREFIX "embed_tokens.weight", shape, 2,
                           config->tied_head && has_head);
    mmn_binder_take_matrix(binder, &language->head, "lm_head.weight", shape, 2, config->tied_head);
    if (binder->status != MMN_OK)
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

/* ---- LLaMA, Mistral and Qwen2, which have one form ------------------------------------------- */

/* What transformers' LlamaConfig, MistralConfig and Qwen2Config have in common. */
#define LLAMA                                                                                      \
    .hidden_size = 4096, .layers = 32, .heads = 32, .norm_eps = 1e-6f, .rope = {.theta = 10000.0}, \
    .gated = true, .activation = MMN_ACTIVATION_SILU

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
    if (language->head_dim == 0)
        mmn_config_heads(&language->head_dim, object, "num_attention_heads", language->heads,
                         language->hidden_size);
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
        U32("hidden_size", NULL, hidden_size, MMN_LIMIT_WIDTH),
        U32("intermediate_size", NULL, intermediate_size, MMN_LIMIT_INTERMEDIATE),
        U32("num_hidden_layers", NULL, layers, MMN_LIMIT_LAYERS),
        U32("num_attention_heads", NULL, heads, MMN_LIMIT_HEADS),
        U32("vocab_size", NULL, vocab_size, MMN_LIMIT_VOCABULARY),
        U32("max_position_embeddings", NULL, max_position_embeddings, MMN_LIMIT_POSITIONS),
        NORM_EPS("rms_norm_eps"),
    };
    *language = *defaults;
    mmn_read_fields(language, object, numbers, MMN_LENGTH(numbers));
    mmn_config_activation(&language->activation, object, "hidden_act");
    read_heads(language, object);
    mmn_config_rope(language, object);
    read_tied_head(language, root, object);
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
    bind_words(binder, language, config);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++) {
        mmn_language_layer_weights *layer = &language->layers[i];
        mmn_binder_prefix(binder, PREFIX "layers.%u.", (unsigned)i);
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
    mmn_binder_prefix(binder, PREFIX);
    mmn_binder_take_norm(binder, &language->norm, "norm", width, false);
}

/* ---- BLOOM ----------------------------------------------------------------------------------- */

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

static void read_bloom(mmn_language_config *language, const mmn_object *root,
                       const mmn_object *object)
{
    static const mmn_field numbers[] = {
        U32("hidden_size", "n_embed", hidden_size, MMN_LIMIT_WIDTH),
        U32("n_layer", "num_hidden_layers", layers, MMN_LIMIT_LAYERS),
        U32("n_head", "num_attention_heads", heads, MMN_LIMIT_HEADS),
        U32("vocab_size", NULL, vocab_size, MMN_LIMIT_VOCABULARY),
        U32("seq_length", NULL, max_position_embeddings, MMN_LIMIT_POSITIONS),
        NORM_EPS("layer_norm_epsilon"),
    };
    *language = bloom_defaults;
    if (root->value != object->value) /* its norm would have to be applied to image features too */
        mmn_read_wrong(object, "model_type",
                       "BLOOM is supported on its own, not in a vision-language model");
    mmn_read_fields(language, object, numbers, MMN_LENGTH(numbers));
    mmn_config_heads(&language->head_dim, object, "n_head", language->heads, language->hidden_size);
    language->kv_heads = language->heads;
    language->intermediate_size = 4 * language->hidden_size;
    read_tied_head(language, root, object);
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
    bind_words(binder, language, config);
    mmn_binder_prefix(binder, PREFIX);
    mmn_binder_take_norm(binder, &language->embedding_norm, "word_embeddings_layernorm", width,
                         true);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++) {
        mmn_language_layer_weights *layer = &language->layers[i];
        mmn_binder_prefix(binder, PREFIX "h.%u.", (unsigned)i);
        mmn_binder_take_norm(binder, &layer->attention_norm, "input_layernorm", width, true);
        mmn_binder_take_linear(binder, &layer->fused, "self_attention.query_key_value", 3 * width,
                               width, true);
        mmn_binder_take_linear(binder, &layer->output, "self_attention.dense", width, width, true);
        mmn_binder_take_norm(binder, &layer->mlp_norm, "post_attention_layernorm", width, true);
        mmn_binder_take_linear(binder, &layer->gate, "mlp.dense_h_to_4h", inner, width, true);
        mmn_binder_take_linear(binder, &layer->down, "mlp.dense_4h_to_h", width, inner, true);
    }
    mmn_binder_prefix(binder, PREFIX);
    mmn_binder_take_norm(binder, &language->norm, "ln_f", width, true);
}

/* ---- All of them ----------------------------------------------------------------------------- */

#define TOKENS_1_AND_2                                                                             \
    {                                                                                              \
        .eos_ids = {2}, .eos_count = 1, .bos_id = 1, .pad_id = MMN_NO_TOKEN                        \
    }

static const mmn_language_form forms[] = {
    {.model_type = "llama", .tokens = TOKENS_1_AND_2, .read = read_llama, .bind = bind_llama},
    {.model_type = "mistral", .tokens = TOKENS_1_AND_2, .read = read_mistral, .bind = bind_llama},
    {.model_type = "qwen2",
     .tokens = {.bos_id = MMN_NO_TOKEN, .pad_id = MMN_NO_TOKEN},
     .read = read_qwen2,
     .bind = bind_llama},
    {.model_type = "bloom",
     .tokens = TOKENS_1_AND_2,
     .name_rules = bloom_names,
     .read = read_bloom,
     .bind = bind_bloom},
};

static const char *form_name(size_t index)
{
    return index < MMN_LENGTH(forms) ? forms[index].model_type : NULL;
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
    forms[index].read(language, root, object);
    language->form = &forms[index];
}

mmn_module mmn_language_module(const mmn_language_config *config)
{
    return mmn_module_of(MMN_MODULE_LANGUAGE, config->layers, config->intermediate_size,
                         config->layers);
}
