/* OWL-ViT (arXiv 2205.06230) as a detector: CLIP's two towers, a picture's without its own pooling
 * and a text's, and heads that make a box and a score for a query of each patch. */
#include <string.h>

#include "base/memory.h"
#include "model/language_form.h"

/* ---- Configuration --------------------------------------------------------------------------- */

/* transformers' OwlViTTextConfig. */
static const mmn_language_config defaults = {
    .hidden_size = 512,
    .intermediate_size = 2048,
    .layers = 12,
    .heads = 8,
    .vocab_size = 49408,
    .max_position_embeddings = 16,
    .norm_eps = 1e-5f,
    .layer_norm = true,
    .learned_positions = true,
    .qkv_bias = true,
    .output_bias = true,
    .mlp_bias = true,
    .activation = MMN_ACTIVATION_QUICK_GELU,
};

/* As tensors are named in a model for detection. The tower of the picture is CLIP's but for the
 * name of a norm. */
static const mmn_name_rule names[] = {
    {"owlvit.text_model.encoder.layers.", "language_model.layers."},
    {"owlvit.text_model.embeddings.token_embedding.", "language_model.embed_tokens."},
    {"owlvit.text_model.embeddings.", "language_model."},
    {"owlvit.text_model.", "language_model."},
    {"owlvit.vision_model.pre_layernorm.", "vision_tower.pre_layrnorm."},
    {"owlvit.vision_model.", "vision_tower."},
    {NULL, NULL},
};

static void read_text(mmn_language_config *language, const mmn_object *root,
                      const mmn_object *object)
{
    static const mmn_field numbers[] = {
        MMN_LANGUAGE_SIZES("intermediate_size"),
        MMN_LANGUAGE_NORM_EPS("layer_norm_eps"),
    };
    (void)root;
    *language = defaults;
    mmn_read_fields(language, object, numbers, MMN_LENGTH(numbers));
    mmn_config_activation(&language->activation, object, "hidden_act");
    mmn_config_heads(&language->head_dim, object, "num_attention_heads", language->heads,
                     language->hidden_size);
    language->kv_heads = language->heads;
}

/* A patch's class is compared with a query in as many numbers as the text's tower has. */
static void read_query_size(mmn_config *config, const mmn_object *root)
{
    config->query_size = 512;
    mmn_read_u32(&config->query_size, root, "projection_dim", 1, MMN_LIMIT_WIDTH);
    if (config->query_size != config->language.hidden_size)
        mmn_read_wrong(root, "projection_dim",
                       "must be text_config's hidden_size, %u, and is %u: classes of patches have "
                       "that width",
                       config->language.hidden_size, config->query_size);
}

/* ---- Weights --------------------------------------------------------------------------------- */

static void bind_text(mmn_binder *binder, mmn_language_weights *language,
                      const mmn_language_config *config)
{
    size_t width = config->hidden_size, inner = config->intermediate_size;
    mmn_binder_prefix(binder, MMN_LANGUAGE_PREFIX);
    mmn_binder_take_matrix(binder, &language->embedding, "embed_tokens.weight",
                           MMN_SHAPE(config->vocab_size, width), false);
    mmn_binder_take_matrix(binder, &language->position_embedding, "position_embedding.weight",
                           MMN_SHAPE(config->max_position_embeddings, width), false);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++) {
        mmn_language_layer_weights *layer = &language->layers[i];
        mmn_binder_prefix(binder, MMN_LANGUAGE_PREFIX "layers.%u.", (unsigned)i);
        mmn_binder_take_norm(binder, &layer->attention_norm, "layer_norm1", width, true);
        mmn_binder_take_linear(binder, &layer->query, "self_attn.q_proj", width, width, true);
        mmn_binder_take_linear(binder, &layer->key, "self_attn.k_proj", width, width, true);
        mmn_binder_take_linear(binder, &layer->value, "self_attn.v_proj", width, width, true);
        mmn_binder_take_linear(binder, &layer->output, "self_attn.out_proj", width, width, true);
        mmn_binder_take_norm(binder, &layer->mlp_norm, "layer_norm2", width, true);
        mmn_binder_take_linear(binder, &layer->gate, "mlp.fc1", inner, width, true);
        mmn_binder_take_linear(binder, &layer->down, "mlp.fc2", width, inner, true);
    }
    mmn_binder_prefix(binder, MMN_LANGUAGE_PREFIX);
    mmn_binder_take_norm(binder, &language->norm, "final_layer_norm", width, true);
}

/* What compares whole pictures with texts, as CLIP does, is published too; it is checked if it is
 * there and left alone. */
static void bind_comparison(mmn_binder *binder, const mmn_config *config)
{
    mmn_binder_prefix(binder, "owlvit.");
    mmn_binder_take(binder, "visual_projection.weight",
                    MMN_SHAPE(config->query_size, config->vision.hidden_size), true);
    mmn_binder_take(binder, "logit_scale", (const size_t[]){0}, 0, true); /* a number alone */
}

static void bind_heads(mmn_binder *binder, mmn_detector_weights *detector, const mmn_config *config)
{
    const size_t width = config->vision.hidden_size, size = config->query_size;
    mmn_binder_prefix(binder, "owlvit.");
    mmn_binder_take_linear(binder, &detector->query, "text_projection", size,
                           config->language.hidden_size, false);
    mmn_binder_no_prefix(binder);
    mmn_binder_take_norm(binder, &detector->norm, "layer_norm", width, true);
    mmn_binder_prefix(binder, "box_head.");
    mmn_binder_take_linear(binder, &detector->box[0], "dense0", width, width, true);
    mmn_binder_take_linear(binder, &detector->box[1], "dense1", width, width, true);
    mmn_binder_take_linear(binder, &detector->box[2], "dense2", 4, width, true);
    mmn_binder_prefix(binder, "class_head.");
    mmn_binder_take_linear(binder, &detector->class_embedding, "dense0", size, width, true);
    mmn_binder_take_linear(binder, &detector->shift, "logit_shift", 1, width, true);
    mmn_binder_take_linear(binder, &detector->scale, "logit_scale", 1, width, true);
}

/* ---- The family ------------------------------------------------------------------------------ */

static const mmn_language_form text_form = {
    .model_type = "owlvit_text_model",
    .name_rules = names,
    .tokens = {.eos_ids = {49407}, .eos_count = 1, .bos_id = 49406, .pad_id = 0},
    .read = read_text,
    .bind = bind_text,
};

static void read(mmn_config *config, const mmn_object *root)
{
    mmn_object vision = mmn_read_object(root, "vision_config");
    mmn_object text = mmn_read_object(root, "text_config");
    mmn_vision_config_read(&config->vision, &vision, "owlvit_vision_model");
    if (mmn_read_fine(root) && strcmp(config->vision.form->model_type, "owlvit_vision_model") != 0)
        mmn_read_wrong(&vision, "model_type", "must be \"owlvit_vision_model\"");
    text_form.read(&config->language, root, &text);
    config->language.form = &text_form;
    read_query_size(config, root);
    config->image_apart = true;
}

static void bind(mmn_binder *binder, mmn_weights *weights, const mmn_config *config)
{
    config->vision.form->bind(binder, &weights->vision, &config->vision);
    text_form.bind(binder, &weights->language, &config->language);
    bind_heads(binder, &weights->detector, config);
    bind_comparison(binder, config);
}

/* Neurons of detectors are not counted. */
static size_t list_modules(mmn_module modules[MMN_MODULES], const mmn_config *config)
{
    (void)modules, (void)config;
    return 0;
}

const mmn_family mmn_family_owlvit = {.model_type = "owlvit",
                                      .read = read,
                                      .bind = bind,
                                      .image_processor = MMN_PROCESSOR_OWLVIT,
                                      .list_modules = list_modules};
