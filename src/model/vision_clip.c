/* CLIP's vision tower: its part of config.json and its tensors. */
#include "model/config_internal.h"
#include "model/families.h"
#include "model/vision_parts.h"

/* transformers' CLIPVisionConfig, for a vision_config that leaves keys out. */
static const mmn_vision_config class_defaults = {
    .hidden_size = 768,
    .intermediate_size = 3072,
    .layers = 12,
    .heads = 12,
    .image_size = 224,
    .patch_size = 32,
    .channels = 3,
    .layer_norm_eps = 1e-5f,
    .activation = MMN_ACTIVATION_QUICK_GELU,
};

/* What LlavaConfig and LlavaNextConfig put in the place of an absent vision_config: CLIP ViT-L/14
 * at 336 pixels. */
static const mmn_vision_config llava_defaults = {
    .hidden_size = 1024,
    .intermediate_size = 4096,
    .layers = 24,
    .heads = 16,
    .image_size = 336,
    .patch_size = 14,
    .channels = 3,
    .layer_norm_eps = 1e-5f,
    .activation = MMN_ACTIVATION_QUICK_GELU,
};

static void read(mmn_vision_config *vision, const mmn_object *object)
{
    const mmn_vision_form *form = vision->form;
    *vision = object->value ? class_defaults : llava_defaults;
    vision->form = form;
    vision->qkv_bias = vision->class_token = vision->pre_norm = true;
    mmn_config_vision(vision, object);
}

static void bind(mmn_binder *binder, mmn_vision_weights *vision, const mmn_vision_config *config)
{
    size_t width = config->hidden_size;
    mmn_vision_bind_embeddings(binder, vision, config);
    mmn_binder_take_vector(binder, &vision->class_embedding, MMN_VISION_PREFIX,
                           "embeddings.class_embedding", width);
    mmn_binder_take_norm(binder, &vision->pre_norm, MMN_VISION_PREFIX, "pre_layrnorm", width,
                         true);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++)
        mmn_vision_bind_layer(binder, &vision->layers[i], i, config);
    mmn_vision_bind_post_norm(binder, vision, config);
}

const mmn_vision_form mmn_vision_clip = {
    .model_type = "clip_vision_model",
    .name = "clip",
    .read = read,
    .bind = bind,
};
