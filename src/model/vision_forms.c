/* The kinds of vision towers: their part of config.json and their tensors. */
#include "base/memory.h"
#include "model/family.h"

/* How the normalised names of a tower's tensors begin. */
#define PREFIX "vision_tower."

/* ---- What all have in common: the configuration ---------------------------------------------- */

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

#define U32(key, member, least, most)                                                              \
    {                                                                                              \
        key, NULL, MMN_FIELD_U32, offsetof(mmn_vision_config, member), least, most                 \
    }

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
    mmn_read_fields(vision, object, sizes, MMN_LENGTH(sizes));
    read_side(&vision->image_size, object, "image_size");
    read_side(&vision->patch_size, object, "patch_size");
    mmn_read_fields(vision, object, others, MMN_LENGTH(others));
    mmn_config_activation(&vision->activation, object, "hidden_act");
}

/* Reads the numbers over those that *vision has, and derives the others from them. */
static void read_over(mmn_vision_config *vision, const mmn_object *object)
{
    read_numbers(vision, object);
    mmn_config_heads(&vision->head_dim, object, "num_attention_heads", vision->heads,
                     vision->hidden_size);
    if (vision->patch_size > vision->image_size)
        mmn_read_wrong(object, "patch_size", "must not be above image_size: %u for %u",
                       vision->patch_size, vision->image_size);
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

/* ---- What several have in common: tensors ---------------------------------------------------- */

/* The projection of the patches. */
static void bind_patches(mmn_binder *binder, mmn_vision_weights *vision,
                         const mmn_vision_config *config)
{
    size_t width = config->hidden_size, side = config->patch_size;
    mmn_binder_prefix(binder, PREFIX "embeddings.");
    mmn_binder_take_matrix(binder, &vision->patch_embedding.weight, "patch_embedding.weight",
                           MMN_SHAPE(width, config->channels, side, side), false);
    if (config->patch_bias)
        mmn_binder_take_vector(binder, &vision->patch_embedding.bias, "patch_embedding.bias",
                               width);
}

/* The projection of the patches and the table of positions. */
static void bind_embeddings(mmn_binder *binder, mmn_vision_weights *vision,
                            const mmn_vision_config *config)
{
    bind_patches(binder, vision, config);
    mmn_binder_take_matrix(binder, &vision->position_embedding, "position_embedding.weight",
                           MMN_SHAPE(config->positions, config->hidden_size), false);
}

static void bind_norms_and_mlp(mmn_binder *binder, mmn_vision_layer_weights *layer,
                               const mmn_vision_config *config)
{
    size_t width = config->hidden_size, inner = config->intermediate_size;
    mmn_binder_take_norm(binder, &layer->attention_norm, "layer_norm1", width, true);
    mmn_binder_take_norm(binder, &layer->mlp_norm, "layer_norm2", width, true);
    mmn_binder_take_linear(binder, &layer->fc1, "mlp.fc1", inner, width, true);
    mmn_binder_take_linear(binder, &layer->fc2, "mlp.fc2", width, inner, true);
}

/* Layers whose queries, keys and values have a projection each. */
static void bind_layers(mmn_binder *binder, mmn_vision_weights *vision,
                        const mmn_vision_config *config)
{
    size_t width = config->hidden_size;
    bool bias = config->qkv_bias;
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++) {
        mmn_vision_layer_weights *layer = &vision->layers[i];
        mmn_binder_prefix(binder, PREFIX "encoder.layers.%u.", (unsigned)i);
        bind_norms_and_mlp(binder, layer, config);
        mmn_binder_take_linear(binder, &layer->query, "self_attn.q_proj", width, width, bias);
        mmn_binder_take_linear(binder, &layer->key, "self_attn.k_proj", width, width, bias);
        mmn_binder_take_linear(binder, &layer->value, "self_attn.v_proj", width, width, bias);
        mmn_binder_take_linear(binder, &layer->output, "self_attn.out_proj", width, width, true);
    }
}

/* Where the model reads the tower before this norm, its tensors are checked if they are there,
 * since towers are published with them, and left alone. */
static void bind_post_norm(mmn_binder *binder, mmn_vision_weights *vision,
                           const mmn_vision_config *config)
{
    size_t width = config->hidden_size;
    mmn_binder_prefix(binder, PREFIX);
    if (config->post_norm) {
        mmn_binder_take_norm(binder, &vision->post_norm, "post_layernorm", width, true);
        return;
    }
    mmn_binder_take(binder, "post_layernorm.weight", &width, 1, true);
    mmn_binder_take(binder, "post_layernorm.bias", &width, 1, true);
}

/* ---- CLIP ------------------------------------------------------------------------------------ */

#define CLIP                                                                                       \
    .channels = 3, .layer_norm_eps = 1e-5f, .activation = MMN_ACTIVATION_QUICK_GELU,               \
    .qkv_bias = true, .class_token = true, .pre_norm = true

/* transformers' CLIPVisionConfig, for a vision_config that leaves keys out. */
static const mmn_vision_config clip_defaults = {
    CLIP,        .hidden_size = 768, .intermediate_size = 3072, .layers = 12,
    .heads = 12, .image_size = 224,  .patch_size = 32,
};

/* What LlavaConfig and LlavaNextConfig put in the place of an absent vision_config: CLIP ViT-L/14
 * at 336 pixels. */
static const mmn_vision_config llava_defaults = {
    CLIP,        .hidden_size = 1024, .intermediate_size = 4096, .layers = 24,
    .heads = 16, .image_size = 336,   .patch_size = 14,
};

static void read_clip(mmn_vision_config *vision, const mmn_object *object)
{
    *vision = object->value ? clip_defaults : llava_defaults;
    read_over(vision, object);
}

static void bind_clip(mmn_binder *binder, mmn_vision_weights *vision,
                      const mmn_vision_config *config)
{
    size_t width = config->hidden_size;
    bind_embeddings(binder, vision, config);
    mmn_binder_take_vector(binder, &vision->class_embedding, "class_embedding", width);
    mmn_binder_prefix(binder, PREFIX);
    mmn_binder_take_norm(binder, &vision->pre_norm, "pre_layrnorm", width, true);
    bind_layers(binder, vision, config);
    bind_post_norm(binder, vision, config);
}

/* transformers' OwlViTVisionConfig. Detectors read all tokens that the last layer gives,
 * normalised. */
static const mmn_vision_config owlvit_defaults = {
    CLIP,
    .hidden_size = 768,
    .intermediate_size = 3072,
    .layers = 12,
    .heads = 12,
    .image_size = 768,
    .patch_size = 32,
    .feature_layer_count = 1,
    .post_norm = true,
    .keeps_class_token = true,
};

static void read_owlvit(mmn_vision_config *vision, const mmn_object *object)
{
    *vision = owlvit_defaults;
    read_over(vision, object);
    vision->feature_layers[0] = vision->layers;
}

/* ---- SigLIP ---------------------------------------------------------------------------------- */

/* transformers' SiglipVisionConfig. */
static const mmn_vision_config siglip_defaults = {
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

static void read_siglip(mmn_vision_config *vision, const mmn_object *object)
{
    *vision = siglip_defaults;
    read_over(vision, object);
}

/* The head that pools all tokens to one vector for SigLIP's own purpose. Towers are published with
 * it (vision_use_head); its tensors are checked if they are there and left alone. */
static void bind_head(mmn_binder *binder, const mmn_vision_config *config)
{
    size_t width = config->hidden_size, inner = config->intermediate_size;
    mmn_binder_prefix(binder, PREFIX "head.");
    mmn_binder_take(binder, "probe", MMN_SHAPE(1, 1, width), true);
    mmn_binder_take(binder, "attention.in_proj_weight", MMN_SHAPE(3 * width, width), true);
    mmn_binder_take(binder, "attention.in_proj_bias", MMN_SHAPE(3 * width), true);
    mmn_binder_take(binder, "attention.out_proj.weight", MMN_SHAPE(width, width), true);
    mmn_binder_take(binder, "attention.out_proj.bias", MMN_SHAPE(width), true);
    mmn_binder_take(binder, "layernorm.weight", MMN_SHAPE(width), true);
    mmn_binder_take(binder, "layernorm.bias", MMN_SHAPE(width), true);
    mmn_binder_take(binder, "mlp.fc1.weight", MMN_SHAPE(inner, width), true);
    mmn_binder_take(binder, "mlp.fc1.bias", MMN_SHAPE(inner), true);
    mmn_binder_take(binder, "mlp.fc2.weight", MMN_SHAPE(width, inner), true);
    mmn_binder_take(binder, "mlp.fc2.bias", MMN_SHAPE(width), true);
}

static void bind_siglip(mmn_binder *binder, mmn_vision_weights *vision,
                        const mmn_vision_config *config)
{
    bind_embeddings(binder, vision, config);
    bind_layers(binder, vision, config);
    bind_post_norm(binder, vision, config);
    bind_head(binder, config);
}

/* ---- InstructBLIP's: EVA's ViT-g ------------------------------------------------------------- */

/* transformers' InstructBlipVisionConfig. */
static const mmn_vision_config eva_defaults = {
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
    /* The tower's own result, which families that read another replace: all tokens that the last
     * layer gives, normalised. */
    .feature_layer_count = 1,
    .keeps_class_token = true,
    .post_norm = true,
};

static void read_eva(mmn_vision_config *vision, const mmn_object *object)
{
    *vision = eva_defaults;
    mmn_read_bool(&vision->qkv_bias, object, "qkv_bias");
    read_over(vision, object);
    vision->feature_layers[0] = vision->layers;
}

/* Class token and positions are parameters of their own shape, not rows of an embedding. Queries,
 * keys and values are the rows of one matrix, whose bias is 0 for the keys. */
static void bind_eva(mmn_binder *binder, mmn_vision_weights *vision,
                     const mmn_vision_config *config)
{
    size_t width = config->hidden_size;
    bind_patches(binder, vision, config);
    mmn_binder_take_array(binder, &vision->class_embedding, "class_embedding",
                          MMN_SHAPE(1, 1, width));
    mmn_binder_take_matrix(binder, &vision->position_embedding, "position_embedding",
                           MMN_SHAPE(1, config->positions, width), false);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++) {
        mmn_vision_layer_weights *layer = &vision->layers[i];
        mmn_linear *const stacked[3] = {&layer->query, &layer->key, &layer->value};
        mmn_binder_prefix(binder, PREFIX "encoder.layers.%u.", (unsigned)i);
        mmn_binder_take_stacked(binder, stacked, 3, "self_attn.qkv", width, width,
                                config->qkv_bias);
        mmn_binder_take_linear(binder, &layer->output, "self_attn.projection", width, width, true);
        bind_norms_and_mlp(binder, layer, config);
    }
    bind_post_norm(binder, vision, config);
}

/* ---- All of them ----------------------------------------------------------------------------- */

static const mmn_vision_form forms[] = {
    {"clip_vision_model", "clip", false, read_clip, bind_clip},
    {"instructblip_vision_model", "eva", true, read_eva, bind_eva},
    {"siglip_vision_model", "siglip", true, read_siglip, bind_siglip},
    {"owlvit_vision_model", "owlvit", true, read_owlvit, bind_clip},
};

static const char *form_name(size_t index)
{
    return index < MMN_LENGTH(forms) ? forms[index].model_type : NULL;
}

void mmn_vision_config_read(mmn_vision_config *vision, const mmn_object *object, const char *usual)
{
    size_t index;
    if (!mmn_find_model_type(&index, object, "vision tower", usual, form_name))
        return;
    forms[index].read(vision, object);
    vision->form = &forms[index];
}

mmn_module mmn_vision_module(const mmn_vision_config *config, uint32_t last_used)
{
    return mmn_module_of(MMN_MODULE_VISION, config->layers, config->intermediate_size, last_used);
}
