/* InstructBLIP: EVA's vision tower, a Q-Former that reads it with the instruction in view, one
 * linear layer, and a language model. */
#include <stdio.h>
#include <string.h>

#include "model/config_internal.h"
#include "model/families.h"

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
    mmn_object object = mmn_read_object(root, "vision_config");
    const char *type = mmn_vision_eva.model_type;
    mmn_read_text(&type, &object, "model_type");
    if (strcmp(type, mmn_vision_eva.model_type) != 0)
        mmn_read_wrong(&object, "model_type", "must be \"%s\" and is \"%.60s\"",
                       mmn_vision_eva.model_type, type);
    vision->form = &mmn_vision_eva;
    mmn_vision_eva.read(vision, &object);
}

#define U32(key, member, most)                                                                  \
    {key, NULL, MMN_FIELD_U32, offsetof(mmn_qformer_config, member), 1, most}

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
    mmn_read_fields(qformer, &object, numbers, sizeof(numbers) / sizeof(numbers[0]));
    mmn_config_activation(&qformer->activation, &object, "hidden_act");
    mmn_read_text(&positions, &object, "position_embedding_type");
    if (strcmp(positions, "absolute") != 0)
        mmn_read_wrong(&object, "position_embedding_type",
                       "must be \"absolute\" and is \"%.60s\"", positions);
    if (qformer->hidden_size % qformer->heads != 0)
        mmn_read_wrong(&object, "num_attention_heads", "must divide hidden_size: %u heads for %u",
                       qformer->heads, qformer->hidden_size);
    qformer->head_dim = qformer->hidden_size / qformer->heads;
}

/* The placeholder's id. Checkpoints of 2023 have none, nor a token for it. */
static void read_image_token(mmn_config *config, const mmn_object *root)
{
    const char *key =
        mmn_object_value(root, "image_token_id") ? "image_token_id" : "image_token_index";
    int64_t id = MMN_NO_TOKEN;
    mmn_read_i64(&id, root, key, 0, INT32_MAX);
    if (id == MMN_NO_TOKEN)
        mmn_read_wrong(root, key,
                       "is missing: this is the checkpoint as it was published before transformers "
                       "4.46 gave images tokens; use its present version");
    if (id >= (int64_t)config->language.vocab_size)
        mmn_read_wrong(root, key, "must be below the vocabulary's size, %u, and is %lld",
                       config->language.vocab_size, (long long)id);
    config->image_token_id = (int32_t)id;
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

enum { PREFIX_SIZE = 96 };

/* Attention over rows of width `read`, under the names that follow `prefix`. */
static void bind_attention(mmn_binder *binder, mmn_bert_attention_weights *attention,
                           const char *prefix, size_t width, size_t read)
{
    mmn_binder_take_linear(binder, &attention->query, prefix, "attention.query", width, width,
                           true);
    mmn_binder_take_linear(binder, &attention->key, prefix, "attention.key", width, read, true);
    mmn_binder_take_linear(binder, &attention->value, prefix, "attention.value", width, read, true);
    mmn_binder_take_linear(binder, &attention->output, prefix, "output.dense", width, width, true);
    mmn_binder_take_norm(binder, &attention->norm, prefix, "output.LayerNorm", width, true);
}

/* The queries' feed-forward layer has the suffix "_query", the instruction's none. */
static void bind_mlp(mmn_binder *binder, mmn_bert_mlp_weights *mlp, const char *prefix,
                     const char *suffix, const mmn_qformer_config *config)
{
    size_t width = config->hidden_size, inner = config->intermediate_size;
    char name[32];
    snprintf(name, sizeof(name), "intermediate%s.dense", suffix);
    mmn_binder_take_linear(binder, &mlp->intermediate, prefix, name, inner, width, true);
    snprintf(name, sizeof(name), "output%s.dense", suffix);
    mmn_binder_take_linear(binder, &mlp->output, prefix, name, width, inner, true);
    snprintf(name, sizeof(name), "output%s.LayerNorm", suffix);
    mmn_binder_take_norm(binder, &mlp->norm, prefix, name, width, true);
}

static void bind_layer(mmn_binder *binder, mmn_qformer_layer_weights *layer, uint32_t index,
                       const mmn_qformer_config *config, size_t image_width)
{
    char prefix[PREFIX_SIZE], part[PREFIX_SIZE + 16];
    snprintf(prefix, sizeof(prefix), "qformer.encoder.layer.%u.", (unsigned)index);
    snprintf(part, sizeof(part), "%sattention.", prefix);
    bind_attention(binder, &layer->attention, part, config->hidden_size, config->hidden_size);
    if (index % config->cross_attention_frequency == 0) {
        snprintf(part, sizeof(part), "%scrossattention.", prefix);
        bind_attention(binder, &layer->cross_attention, part, config->hidden_size, image_width);
    }
    bind_mlp(binder, &layer->query_mlp, prefix, "_query", config);
    bind_mlp(binder, &layer->text_mlp, prefix, "", config);
}

static void bind_qformer(mmn_binder *binder, mmn_qformer_weights *weights,
                         const mmn_qformer_config *config, size_t image_width)
{
    static const char prefix[] = "qformer.embeddings.";
    size_t width = config->hidden_size;
    const size_t queries[3] = {1, config->queries, width}, words[2] = {config->vocab_size, width},
                 positions[2] = {config->max_position_embeddings, width};
    mmn_binder_take_array(binder, &weights->queries, "", "query_tokens", queries, 3);
    mmn_binder_take_matrix(binder, &weights->word_embedding, prefix, "word_embeddings.weight",
                           words, 2, false);
    mmn_binder_take_matrix(binder, &weights->position_embedding, prefix,
                           "position_embeddings.weight", positions, 2, false);
    mmn_binder_take_norm(binder, &weights->embedding_norm, prefix, "layernorm", width, true);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++)
        bind_layer(binder, &weights->layers[i], i, config, image_width);
}

static void bind(mmn_binder *binder, mmn_weights *weights, const mmn_config *config)
{
    const mmn_qformer_config *qformer = &config->qformer;
    config->vision.form->bind(binder, &weights->vision, &config->vision);
    bind_qformer(binder, &weights->qformer, qformer, config->vision.hidden_size);
    mmn_binder_take_linear(binder, &weights->qformer.projection, "", "language_projection",
                           config->language.hidden_size, qformer->hidden_size, true);
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
