/* SigLIP's vision tower: its part of config.json and its tensors. */
#include "model/config_internal.h"
#include "model/families.h"
#include "model/vision_parts.h"

/* transformers' SiglipVisionConfig. */
static const mmn_vision_config class_defaults = {
    .hidden_size = 768,
    .intermediate_size = 3072,
    .layers = 12,
    .heads = 12,
    .image_size = 224,
    .patch_size = 16,
    .channels = 3,
    .layer_norm_eps = 1e-6f,
    .activation = MMN_ACTIVATION_GELU_TANH,
    .patch_bias = true,
    .qkv_bias = true,
};

static void read(mmn_vision_config *vision, const mmn_object *object)
{
    const mmn_vision_form *form = vision->form;
    *vision = class_defaults;
    vision->form = form;
    mmn_config_vision(vision, object);
}

/* The head that pools all tokens to one vector for SigLIP's own purpose. Towers are published with
 * it (vision_use_head); its tensors are checked if they are there and left alone. */
static void bind_head(mmn_binder *binder, const mmn_vision_config *config)
{
    static const char prefix[] = MMN_VISION_PREFIX "head.";
    size_t width = config->hidden_size, inner = config->intermediate_size;
    const struct {
        const char *name;
        size_t shape[3], dimensions;
    } tensors[] = {
        {"probe", {1, 1, width}, 3},
        {"attention.in_proj_weight", {3 * width, width}, 2},
        {"attention.in_proj_bias", {3 * width}, 1},
        {"attention.out_proj.weight", {width, width}, 2},
        {"attention.out_proj.bias", {width}, 1},
        {"layernorm.weight", {width}, 1},
        {"layernorm.bias", {width}, 1},
        {"mlp.fc1.weight", {inner, width}, 2},
        {"mlp.fc1.bias", {inner}, 1},
        {"mlp.fc2.weight", {width, inner}, 2},
        {"mlp.fc2.bias", {width}, 1},
    };
    for (size_t i = 0; i < sizeof(tensors) / sizeof(tensors[0]); i++)
        mmn_binder_take(binder, prefix, tensors[i].name, tensors[i].shape, tensors[i].dimensions,
                        true);
}

static void bind(mmn_binder *binder, mmn_vision_weights *vision, const mmn_vision_config *config)
{
    mmn_vision_bind_embeddings(binder, vision, config);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++)
        mmn_vision_bind_layer(binder, &vision->layers[i], i, config);
    mmn_vision_bind_post_norm(binder, vision, config);
    bind_head(binder, config);
}

const mmn_vision_form mmn_vision_siglip = {
    .model_type = "siglip_vision_model",
    .name = "siglip",
    .name_in_digest = true,
    .read = read,
    .bind = bind,
};
