/* A vision tower's architecture: the numbers that every kind of tower's vision_config has. */
#include "model/config_internal.h"

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
    if (vision->patch_size > vision->image_size)
        return mmn_json_fail(object, "patch_size", error,
                             "must not be above image_size: %u for %u", vision->patch_size,
                             vision->image_size);
    vision->head_dim = vision->hidden_size / vision->heads;
    vision->grid = vision->image_size / vision->patch_size;
    vision->patches = vision->grid * vision->grid;
    vision->positions = vision->patches + (vision->class_token ? 1 : 0);
    return MMN_OK;
}

mmn_status mmn_config_vision(mmn_vision_config *vision, const mmn_json_object *object,
                             mmn_error *error)
{
    mmn_status status = read_numbers(vision, object, error);
    return status == MMN_OK ? derive(vision, object, error) : status;
}
