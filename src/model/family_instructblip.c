/* InstructBLIP: EVA's vision tower, a Q-Former that reads it with the instruction in view, one
 * linear layer, and a language model. */
#include <string.h>

#include "base/memory.h"
#include "model/family.h"

/* ---- Configuration --------------------------------------------------------------------------- */

/* transformers' InstructBlipQFormerConfig, and InstructBlipConfig's number of queries. */
static const mmn_qformer_config qformer_defaults = {
    .layers = 12,
    .hidden_size = 768,
    .intermediate_size = 3072,
    .heads = 12,
    .queries = 32,
    .cross_attention_frequency = 2,
    .vocab_size = 30522,
    .max_position_embeddings = 512,
    .layer_norm_eps = 1e-12f,
    .activation = MMN_ACTIVATION_GELU,
};

static void read_vision(mmn_vision_config *vision, const mmn_object *root)
{
    static const char only[] = "instructblip_vision_model";
    mmn_object object = mmn_read_object(root, "vision_config");
    const char *type = only;
    mmn_read_text(&type, &object, "model_type");
    if (strcmp(type, only) != 0)
        mmn_read_wrong(&object, "model_type", "must be \"%s\" and is \"%.60s\"", only, type);
    mmn_vision_config_read(vision, &object, only);
}

#define U32(key, member, most)                                                                     \
    {                                                                                              \
        key, NULL, MMN_FIELD_U32, offsetof(mmn_qformer_config, member), 1, most                    \
    }

/* The width of what the queries read is the vision tower's whatever the file says, as it is in
 * transformers. */
static const mmn_field numbers[] = {
    U32("hidden_size", hidden_size, MMN_LIMIT_WIDTH),
    U32("intermediate_size", intermediate_size, MMN_LIMIT_INTERMEDIATE),
    U32("num_hidden_layers", layers, MMN_LIMIT_LAYERS),
    U32("num_attention_heads", heads, MMN_LIMIT_HEADS),
    U32("cross_attention_frequency", cross_attention_frequency, MMN_LIMIT_LAYERS),
    U32("vocab_size", vocab_size, MMN_LIMIT_VOCABULARY),
    U32("max_position_embeddings", max_position_embeddings, MMN_LIMIT_POSITIONS),
    {"layer_norm_eps", NULL, MMN_FIELD_F32, offsetof(mmn_qformer_config, layer_norm_eps), 1e-30, 1},
};

static void read_qformer(mmn_qformer_config *qformer, const mmn_object *root)
{
    mmn_object object = mmn_read_object(root, "qformer_config");
    const char *positions = "absolute";
    *qformer = qformer_defaults;
    mmn_read_u32(&qformer->queries, root, "num_query_tokens", 1, MMN_LIMIT_WIDTH);
    mmn_read_fields(qformer, &object, numbers, MMN_LENGTH(numbers));
    mmn_config_activation(&qformer->activation, &object, "hidden_act");
    mmn_read_text(&positions, &object, "position_embedding_type");
    if (strcmp(positions, "absolute") != 0)
        mmn_read_wrong(&object, "position_embedding_type", "must be \"absolute\" and is \"%.60s\"",
                       positions);
    mmn_config_heads(&qformer->head_dim, &object, "num_attention_heads", qformer->heads,
                     qformer->hidden_size);
}

/* Checkpoints of 2023 have no placeholder, nor a token for it. */
static void read_image_token(mmn_config *config, const mmn_object *root)
{
    if (!mmn_object_value(root, "image_token_id") && !mmn_object_value(root, "image_token_index"))
        mmn_read_wrong(root, "image_token_index",
                       "is missing: this is the checkpoint as it was published before transformers "
                       "4.46 gave images tokens; use its present version");
    mmn_config_image_token(config, root, MMN_NO_TOKEN);
    config->image_seq_length = config->qformer.queries;
    config->image_first = true;
}

static void read(mmn_config *config, const mmn_object *root)
{
    mmn_object language = mmn_read_object(root, "text_config");
    if (!mmn_object_value(&language, "model_type"))
        mmn_read_wrong(root, "text_config", "must name the language model's model_type");
    read_vision(&config->vision, root);
    read_qformer(&config->qformer, root);
    mmn_language_config_read(&config->language, root, &language);
    read_image_token(config, root);
}

/* ---- Weights --------------------------------------------------------------------------------- */

/* Attention over rows of width `read`. */
static void bind_attention(mmn_binder *binder, mmn_bert_attention_weights *attention, size_t width,
                           size_t read)
{
    mmn_binder_take_linear(binder, &attention->query, "attention.query", width, width, true);
    mmn_binder_take_linear(binder, &attention->key, "attention.key", width, read, true);
    mmn_binder_take_linear(binder, &attention->value, "attention.value", width, read, true);
    mmn_binder_take_linear(binder, &attention->output, "output.dense", width, width, true);
    mmn_binder_take_norm(binder, &attention->norm, "output.LayerNorm", width, true);
}

static void bind_layer(mmn_binder *binder, mmn_qformer_layer_weights *layer, unsigned index,
                       const mmn_qformer_config *config, size_t image_width)
{
    size_t width = config->hidden_size;
    mmn_binder_prefix(binder, "qformer.encoder.layer.%u.attention.", index);
    bind_attention(binder, &layer->attention, width, width);
    mmn_binder_prefix(binder, "qformer.encoder.layer.%u.crossattention.", index);
    if (index % config->cross_attention_frequency == 0)
        bind_attention(binder, &layer->cross_attention, width, image_width);
    mmn_binder_prefix(binder, "qformer.encoder.layer.%u.", index);
    mmn_binder_take_bert_mlp(binder, &layer->query_mlp, "_query", width, config->intermediate_size);
    mmn_binder_take_bert_mlp(binder, &layer->text_mlp, "", width, config->intermediate_size);
}

static void bind_qformer(mmn_binder *binder, mmn_qformer_weights *weights,
                         const mmn_qformer_config *config, size_t image_width)
{
    size_t width = config->hidden_size;
    mmn_binder_no_prefix(binder);
    mmn_binder_take_array(binder, &weights->queries, "query_tokens",
                          MMN_SHAPE(1, config->queries, width));
    mmn_binder_prefix(binder, "qformer.embeddings.");
    mmn_binder_take_matrix(binder, &weights->word_embedding, "word_embeddings.weight",
                           MMN_SHAPE(config->vocab_size, width), false);
    mmn_binder_take_matrix(binder, &weights->position_embedding, "position_embeddings.weight",
                           MMN_SHAPE(config->max_position_embeddings, width), false);
    mmn_binder_take_norm(binder, &weights->embedding_norm, "layernorm", width, true);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++)
        bind_layer(binder, &weights->layers[i], i, config, image_width);
}

static void bind(mmn_binder *binder, mmn_weights *weights, const mmn_config *config)
{
    config->vision.form->bind(binder, &weights->vision, &config->vision);
    bind_qformer(binder, &weights->qformer, &config->qformer, config->vision.hidden_size);
    mmn_binder_no_prefix(binder);
    mmn_binder_take_linear(binder, &weights->qformer.projection, "language_projection",
                           config->language.hidden_size, config->qformer.hidden_size, true);
    config->language.form->bind(binder, &weights->language, &config->language);
}

/* ---- Modules --------------------------------------------------------------------------------- */

/* Only the queries leave the Q-Former, so what its last layer makes of the instruction's words is
 * inert. */
static size_t list_modules(mmn_module modules[MMN_MODULES], const mmn_config *config)
{
    const mmn_qformer_config *qformer = &config->qformer;
    modules[0] = mmn_vision_module(&config->vision, config->vision.layers);
    modules[1] = mmn_module_of(MMN_MODULE_QFORMER, qformer->layers, qformer->intermediate_size,
                               qformer->layers - 1);
    modules[2] = mmn_module_of(MMN_MODULE_QUERY, qformer->layers, qformer->intermediate_size,
                               qformer->layers);
    modules[3] = mmn_language_module(&config->language);
    return 4;
}

static const char *template_name(const mmn_language_form *language)
{
    (void)language;
    return "instructblip";
}

const mmn_family mmn_family_instructblip = {
    .model_type = "instructblip",
    .read = read,
    .bind = bind,
    .connector = MMN_CONNECTOR_QFORMER,
    .image_processor = MMN_PROCESSOR_BLIP,
    .template_name = template_name,
    .list_modules = list_modules,
};
