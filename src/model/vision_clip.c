/* CLIP's vision tower: its part of config.json and its tensors. */
#include <stdio.h>

#include "model/config_internal.h"
#include "model/families.h"

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

/* A number of pixels, or an array of height and width, which must be equal. */
static mmn_status read_side(uint32_t *side, const mmn_json_object *object, const char *key,
                            mmn_error *error)
{
    int64_t sides[2] = {*side, *side};
    size_t count = 1;
    mmn_status status =
        mmn_json_get_integers(sides, &count, 2, object, key, 1, MMN_LIMIT_IMAGE, error);
    if (status == MMN_OK && (count == 0 || (count == 2 && sides[0] != sides[1])))
        status = mmn_json_fail(object, key, error,
                               "must be one number: only squares are supported");
    *side = (uint32_t)sides[0];
    return status;
}

static mmn_status read_numbers(mmn_vision_config *vision, const mmn_json_object *object,
                               mmn_error *error)
{
    double epsilon = (double)vision->layer_norm_eps;
    mmn_status status = mmn_json_get_u32(&vision->hidden_size, object, "hidden_size", 1,
                                         MMN_LIMIT_WIDTH, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&vision->intermediate_size, object, "intermediate_size", 1,
                                  MMN_LIMIT_INTERMEDIATE, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&vision->layers, object, "num_hidden_layers", 1,
                                  MMN_LIMIT_LAYERS, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&vision->heads, object, "num_attention_heads", 1,
                                  MMN_LIMIT_HEADS, error);
    if (status == MMN_OK)
        status = read_side(&vision->image_size, object, "image_size", error);
    if (status == MMN_OK)
        status = read_side(&vision->patch_size, object, "patch_size", error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&vision->channels, object, "num_channels", 3, 3, error);
    if (status == MMN_OK)
        status = mmn_json_get_f64(&epsilon, object, "layer_norm_eps", 1e-30, 1.0, error);
    if (status == MMN_OK)
        status = mmn_config_activation(&vision->activation, object, "hidden_act", error);
    vision->layer_norm_eps = (float)epsilon;
    return status;
}

static mmn_status derive(mmn_vision_config *vision, const mmn_json_object *object,
                         mmn_error *error)
{
    if (vision->hidden_size % vision->heads != 0)
        return mmn_json_fail(object, "num_attention_heads", error,
                             "must divide hidden_size: %u heads for %u", vision->heads,
                             vision->hidden_size);
    if (vision->image_size % vision->patch_size != 0)
        return mmn_json_fail(object, "patch_size", error, "must divide image_size: %u for %u",
                             vision->patch_size, vision->image_size);
    vision->head_dim = vision->hidden_size / vision->heads;
    vision->grid = vision->image_size / vision->patch_size;
    vision->patches = vision->grid * vision->grid;
    vision->positions = vision->patches + 1;
    return MMN_OK;
}

static mmn_status read(mmn_vision_config *vision, const mmn_json_object *object, mmn_error *error)
{
    const mmn_vision_form *form = vision->form;
    *vision = object->value ? class_defaults : llava_defaults;
    vision->form = form;
    mmn_status status = read_numbers(vision, object, error);
    return status == MMN_OK ? derive(vision, object, error) : status;
}

static void bind_layer(mmn_binder *binder, mmn_vision_layer_weights *layer, uint32_t index,
                       const mmn_vision_config *config)
{
    size_t width = config->hidden_size, inner = config->intermediate_size;
    char prefix[64];
    snprintf(prefix, sizeof(prefix), "vision_tower.encoder.layers.%u.", (unsigned)index);
    mmn_binder_take_norm(binder, &layer->attention_norm, prefix, "layer_norm1", width, true);
    mmn_binder_take_linear(binder, &layer->query, prefix, "self_attn.q_proj", width, width, true);
    mmn_binder_take_linear(binder, &layer->key, prefix, "self_attn.k_proj", width, width, true);
    mmn_binder_take_linear(binder, &layer->value, prefix, "self_attn.v_proj", width, width, true);
    mmn_binder_take_linear(binder, &layer->output, prefix, "self_attn.out_proj", width, width, true);
    mmn_binder_take_norm(binder, &layer->mlp_norm, prefix, "layer_norm2", width, true);
    mmn_binder_take_linear(binder, &layer->fc1, prefix, "mlp.fc1", inner, width, true);
    mmn_binder_take_linear(binder, &layer->fc2, prefix, "mlp.fc2", width, inner, true);
}

static void bind(mmn_binder *binder, mmn_vision_weights *vision, const mmn_vision_config *config)
{
    static const char prefix[] = "vision_tower.", embeddings[] = "vision_tower.embeddings.";
    size_t width = config->hidden_size;
    const size_t patch[4] = {width, config->channels, config->patch_size, config->patch_size};
    const size_t positions[2] = {config->positions, width};
    mmn_binder_take_matrix(binder, &vision->patch_embedding, embeddings, "patch_embedding.weight",
                           patch, 4, false);
    mmn_binder_take_vector(binder, &vision->class_embedding, embeddings, "class_embedding", width);
    mmn_binder_take_matrix(binder, &vision->position_embedding, embeddings,
                           "position_embedding.weight", positions, 2, false);
    mmn_binder_take_norm(binder, &vision->pre_norm, prefix, "pre_layrnorm", width, true);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++)
        bind_layer(binder, &vision->layers[i], i, config);
    /* Published with the tower, but LLaVA reads it before this norm. */
    mmn_binder_take(binder, prefix, "post_layernorm.weight", &width, 1, true);
    mmn_binder_take(binder, prefix, "post_layernorm.bias", &width, 1, true);
}

const mmn_vision_form mmn_vision_clip = {
    .model_type = "clip_vision_model",
    .read = read,
    .bind = bind,
};
