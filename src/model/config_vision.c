/* The vision tower's part of config.json. */
#include <string.h>

#include "model/config_internal.h"

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

static mmn_status check_type(const mmn_json_object *object, mmn_error *error)
{
    const char *type = "clip_vision_model";
    mmn_status status = mmn_json_get_text(&type, object, "model_type", error);
    if (status == MMN_OK && strcmp(type, "clip_vision_model") != 0)
        status = mmn_json_fail(object, "model_type", error,
                               "vision tower \"%.60s\" is not supported; supported is "
                               "\"clip_vision_model\"",
                               type);
    return status;
}

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

/* vision_feature_layer counts hidden states: 0 is what enters the first layer, and there is one
 * more than layers; negative numbers count from the end. */
static mmn_status read_features(mmn_vision_config *vision, const mmn_json_object *root,
                                mmn_error *error)
{
    int64_t chosen[MMN_FEATURE_LAYERS] = {-2}, states = (int64_t)vision->layers + 1;
    size_t count = 1;
    mmn_status status = mmn_json_get_integers(chosen, &count, MMN_FEATURE_LAYERS, root,
                                              "vision_feature_layer", -states, states - 1, error);
    if (status != MMN_OK)
        return status;
    if (count == 0)
        return mmn_json_fail(root, "vision_feature_layer", error, "must name a layer");
    for (size_t i = 0; i < count; i++)
        vision->feature_layers[i] = (uint32_t)(chosen[i] < 0 ? states + chosen[i] : chosen[i]);
    vision->feature_layer_count = count;

    const char *strategy = "default";
    status = mmn_json_get_text(&strategy, root, "vision_feature_select_strategy", error);
    if (status != MMN_OK)
        return status;
    vision->keeps_class_token = strcmp(strategy, "full") == 0;
    if (!vision->keeps_class_token && strcmp(strategy, "default") != 0)
        return mmn_json_fail(root, "vision_feature_select_strategy", error,
                             "must be \"default\" or \"full\" and is \"%.60s\"", strategy);
    return MMN_OK;
}

mmn_status mmn_config_read_vision(mmn_vision_config *vision, const mmn_json_object *root,
                                  const mmn_json_object *object, mmn_error *error)
{
    *vision = object->value ? class_defaults : llava_defaults;
    mmn_status status = check_type(object, error);
    if (status == MMN_OK)
        status = read_numbers(vision, object, error);
    if (status == MMN_OK)
        status = derive(vision, object, error);
    if (status == MMN_OK)
        status = read_features(vision, root, error);
    return status;
}
