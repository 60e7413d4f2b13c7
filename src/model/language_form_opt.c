/* OPT (arXiv 2205.01068): its part of config.json and its tensors. */
#include "base/memory.h"
#include "model/language_form.h"

/* transformers' OPTConfig. */
static const mmn_language_config defaults = {
    .hidden_size = 768,
    .intermediate_size = 3072,
    .layers = 12,
    .heads = 12,
    .vocab_size = 50272,
    .max_position_embeddings = 2048,
    .norm_eps = 1e-5f, /* nn.LayerNorm's: there is no key */
    .layer_norm = true,
    .first_position_row = 2, /* OPTLearnedPositionalEmbedding's offset */
    .learned_positions = true,
    .activation = MMN_ACTIVATION_RELU,
    .tied_head = true,
};

/* OPT-350m is another model than all other sizes: it normalises behind its sums, and has embeddings
 * of a width of their own. */
static void refuse_variants(const mmn_language_config *language, const mmn_object *object)
{
    uint32_t width = language->hidden_size;
    mmn_language_flag_check(object, "do_layer_norm_before", true,
                            "; of the published sizes only OPT-350m has it");
    mmn_language_flag_check(object, "_remove_final_layer_norm", false, "");
    mmn_language_flag_check(object, "layer_norm_elementwise_affine", true, "");
    mmn_read_u32(&width, object, "word_embed_proj_dim", 1, MMN_LIMIT_WIDTH);
    if (width != language->hidden_size)
        mmn_read_wrong(object, "word_embed_proj_dim",
                       "must be hidden_size, %u, and is %u: embeddings that are projected are not "
                       "supported",
                       language->hidden_size, width);
}

static void read(mmn_language_config *language, const mmn_object *root, const mmn_object *object)
{
    static const mmn_field numbers[] = {
        MMN_LANGUAGE_SIZES("ffn_dim"),
    };
    bool bias = true;
    *language = defaults;
    mmn_language_alone_check(root, object, "OPT");
    mmn_read_fields(language, object, numbers, MMN_LENGTH(numbers));
    mmn_config_heads(&language->head_dim, object, "num_attention_heads", language->heads,
                     language->hidden_size);
    language->kv_heads = language->heads;
    mmn_config_activation(&language->activation, object, "activation_function");
    mmn_read_bool(&bias, object, "enable_bias");
    language->qkv_bias = language->output_bias = language->mlp_bias = bias;
    mmn_language_tied_head_read(language, root, object);
    refuse_variants(language, object);
}

/* Published with and without "model."; transformers writes it. */
static const mmn_name_rule names[] = {
    {"model.decoder.", "language_model."},
    {"decoder.", "language_model."},
    {NULL, NULL},
};

static void bind(mmn_binder *binder, mmn_language_weights *language,
                 const mmn_language_config *config)
{
    size_t width = config->hidden_size, inner = config->intermediate_size;
    size_t positions[2] = {config->max_position_embeddings + config->first_position_row, width};
    bool qkv = config->qkv_bias, mlp = config->mlp_bias;
    mmn_language_words_bind(binder, language, config);
    mmn_binder_prefix(binder, MMN_LANGUAGE_PREFIX);
    mmn_binder_take_matrix(binder, &language->position_embedding, "embed_positions.weight",
                           positions, 2, false);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++) {
        mmn_language_layer_weights *layer = &language->layers[i];
        mmn_binder_prefix(binder, MMN_LANGUAGE_PREFIX "layers.%u.", (unsigned)i);
        mmn_binder_take_norm(binder, &layer->attention_norm, "self_attn_layer_norm", width, true);
        mmn_binder_take_linear(binder, &layer->query, "self_attn.q_proj", width, width, qkv);
        mmn_binder_take_linear(binder, &layer->key, "self_attn.k_proj", width, width, qkv);
        mmn_binder_take_linear(binder, &layer->value, "self_attn.v_proj", width, width, qkv);
        mmn_binder_take_linear(binder, &layer->output, "self_attn.out_proj", width, width,
                               config->output_bias);
        mmn_binder_take_norm(binder, &layer->mlp_norm, "final_layer_norm", width, true);
        mmn_binder_take_linear(binder, &layer->gate, "fc1", inner, width, mlp);
        mmn_binder_take_linear(binder, &layer->down, "fc2", width, inner, mlp);
    }
    mmn_binder_prefix(binder, MMN_LANGUAGE_PREFIX);
    mmn_binder_take_norm(binder, &language->norm, "final_layer_norm", width, true);
}

const mmn_language_form mmn_language_form_opt = {
    .model_type = "opt",
    .tokens = {.eos_ids = {2}, .eos_count = 1, .bos_id = 2, .pad_id = 1},
    .name_rules = names,
    .read = read,
    .bind = bind,
};
