/* A vision tower's architecture: the numbers that every kind of tower's vision_config has. */
#include "model/config_internal.h"

/* A number of pixels, or an array of height and width, which must be equal. */
static void read_side(uint32_t *side, const mmn_object *object, const char *key)
{
    int64_t sides[2] = {*side, *side};
    size_t count = 1;
    mmn_read_integers(sides, &count, 2, object, key, 1, MMN_LIMIT_IMAGE);
    if (count == 0 || (count == 2 && sides[0] != sides[1]))
        mmn_read_wrong(object, key, "must be one number: only squares are supported");
    *side = (uint32_t)sides[0];
}

#define U32(key, member, least, most) \
    {key, NULL, MMN_FIELD_U32, offsetof(mmn_vision_config, member), least, most}

static void read_numbers(mmn_vision_config *vision, const mmn_object *object)
{
    static const mmn_field sizes[] = {
        U32("hidden_size", hidden_size, 1, MMN_LIMIT_WIDTH),
        U32("intermediate_size", intermediate_size, 1, MMN_LIMIT_INTERMEDIATE),
        U32("num_hidden_layers", layers, 1, MMN_LIMIT_LAYERS),
        U32("num_attention_heads", heads, 1, MMN_LIMIT_HEADS),
    };
    static const mmn_field others[] = {
        U32("num_channels", channels, 3, 3),
        {"layer_norm_eps", NULL, MMN_FIELD_F32, offsetof(mmn_vision_config, layer_norm_eps), 1e-30,
         1},
    };
    mmn_read_fields(vision, object, sizes, sizeof(sizes) / sizeof(sizes[0]));
    read_side(&vision->image_size, object, "image_size");
    read_side(&vision->patch_size, object, "patch_size");
    mmn_read_fields(vision, object, others, sizeof(others) / sizeof(others[0]));
    mmn_config_activation(&vision->activation, object, "hidden_act");
}

void mmn_config_vision(mmn_vision_config *vision, const mmn_object *object)
{
    read_numbers(vision, object);
    if (vision->hidden_size % vision->heads != 0)
        mmn_read_wrong(object, "num_attention_heads", "must divide hidden_size: %u heads for %u",
                       vision->heads, vision->hidden_size);
    if (vision->patch_size > vision->image_size)
        mmn_read_wrong(object, "patch_size", "must not be above image_size: %u for %u",
                       vision->patch_size, vision->image_size);
    vision->head_dim = vision->hidden_size / vision->heads;
    vision->grid = vision->image_size / vision->patch_size;
    vision->patches = vision->grid * vision->grid;
    vision->positions = vision->patches + (vision->class_token ? 1 : 0);
}

size_t mmn_vision_feature_tokens(const mmn_vision_config *config)
{
    return config->keeps_class_token ? config->positions : config->patches;
}

size_t mmn_vision_feature_width(const mmn_vision_config *config)
{
    return config->feature_layer_count * (size_t)config->hidden_size;
}
