/* InstructBLIP's vision tower, EVA's ViT-g: its part of config.json and its tensors. */
#include <stdio.h>

#include "model/config_internal.h"
#include "model/families.h"
#include "model/vision_parts.h"

/* transformers' InstructBlipVisionConfig. */
static const mmn_vision_config class_defaults = {
    .hidden_size = 1408,
    .intermediate_size = 6144,
    .layers = 39,
    .heads = 16,
    .image_size = 224,
    .patch_size = 14,
    .channels = 3,
    .layer_norm_eps = 1e-6f,
    .activation = MMN_ACTIVATION_GELU,
    .patch_bias = true,
    .qkv_bias = true,
    .class_token = true,
};

static void read(mmn_vision_config *vision, const mmn_object *object)
{
    const mmn_vision_form *form = vision->form;
    *vision = class_defaults;
    vision->form = form;
    mmn_read_bool(&vision->qkv_bias, object, "qkv_bias");
    mmn_config_vision(vision, object);
    /* The tower's own result, which families that read another replace: all tokens that the last
     * layer gives, normalised. */
    vision->feature_layers[0] = vision->layers;
    vision->feature_layer_count = 1;
    vision->keeps_class_token = true;
    vision->post_norm = true;
}

/* Queries, keys and values are the rows of one matrix, whose bias is 0 for the keys. */
static void bind_attention(mmn_binder *binder, mmn_vision_layer_weights *layer, uint32_t index,
                           const mmn_vision_config *config)
{
    size_t width = config->hidden_size;
    mmn_linear *const stacked[3] = {&layer->query, &layer->key, &layer->value};
    char prefix[64];
    snprintf(prefix, sizeof(prefix), MMN_VISION_PREFIX "encoder.layers.%u.self_attn.",
             (unsigned)index);
    mmn_binder_take_stacked(binder, stacked, 3, prefix, "qkv", width, width, config->qkv_bias);
    mmn_binder_take_linear(binder, &layer->output, prefix, "projection", width, width, true);
}

/* Class token and positions are parameters of their own shape, not rows of an embedding. */
static void bind(mmn_binder *binder, mmn_vision_weights *vision, const mmn_vision_config *config)
{
    size_t width = config->hidden_size;
    const size_t class_shape[3] = {1, 1, width}, positions_shape[3] = {1, config->positions, width};
    mmn_vision_bind_patches(binder, vision, config);
    mmn_binder_take_array(binder, &vision->class_embedding, MMN_VISION_PREFIX,
                          "embeddings.class_embedding", class_shape, 3);
    mmn_binder_take_matrix(binder, &vision->position_embedding, MMN_VISION_PREFIX,
                           "embeddings.position_embedding", positions_shape, 3, false);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++) {
        bind_attention(binder, &vision->layers[i], i, config);
        mmn_vision_bind_norms_and_mlp(binder, &vision->layers[i], i, config);
    }
    mmn_vision_bind_post_norm(binder, vision, config);
}

const mmn_vision_form mmn_vision_eva = {
    .model_type = "instructblip_vision_model",
    .name = "eva",
    .name_in_digest = true,
    .read = read,
    .bind = bind,
};
