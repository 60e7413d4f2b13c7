/* LLaVA-1.5 and LLaVA-NeXT: a vision tower, a projector of two layers, and a language model. */
#include <string.h>

#include "model/config_internal.h"
#include "model/families.h"
#include "model/projector.h"

/* ---- Configuration --------------------------------------------------------------------------- */

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
    vision->post_norm = false;

    const char *strategy = "default";
    status = mmn_json_get_text(&strategy, root, "vision_feature_select_strategy", error);
    if (status != MMN_OK)
        return status;
    vision->keeps_class_token = strcmp(strategy, "full") == 0;
    if (!vision->keeps_class_token && strcmp(strategy, "default") != 0)
        return mmn_json_fail(root, "vision_feature_select_strategy", error,
                             "must be \"default\" or \"full\" and is \"%.60s\"", strategy);
    if (!vision->keeps_class_token && !vision->class_token)
        return mmn_json_fail(root, "vision_feature_select_strategy", error,
                             "must be \"full\": a vision tower of type %s has no class token to "
                             "drop",
                             vision->form->model_type);
    return MMN_OK;
}

static mmn_status read_projector(mmn_config *config, const mmn_json_object *root, mmn_error *error)
{
    mmn_projector_config *projector = &config->projector;
    projector->activation = MMN_ACTIVATION_GELU;
    projector->bias = true;
    projector->input_size =
        config->vision.hidden_size * (uint32_t)config->vision.feature_layer_count;
    mmn_status status =
        mmn_config_activation(&projector->activation, root, "projector_hidden_act", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&projector->bias, root, "multimodal_projector_bias", error);
    return status;
}

/* The placeholder's id: image_token_index, or its alias image_token_id, which overrules it. */
static mmn_status read_image_token(mmn_config *config, const mmn_json_object *root,
                                   mmn_error *error)
{
    const char *key =
        mmn_json_has_value(root, "image_token_id") ? "image_token_id" : "image_token_index";
    int64_t id = 32000;
    mmn_status status = mmn_json_get_i64(&id, root, key, 0, INT32_MAX, error);
    if (status == MMN_OK && id >= (int64_t)config->language.vocab_size)
        status = mmn_json_fail(root, key, error,
                               "must be below the vocabulary's size, %u, and is %lld",
                               config->language.vocab_size, (long long)id);
    config->image_token_id = (int32_t)id;
    config->image_seq_length = 576;
    if (status == MMN_OK)
        status = mmn_json_get_u32(&config->image_seq_length, root, "image_seq_length", 0,
                                  MMN_LIMIT_POSITIONS, error);
    return status;
}

/* A side of a pair [height, width]; 0 where it is none. */
static uint32_t side_of(const json_t *pair, size_t index)
{
    json_int_t side = json_array_size(pair) == 2 ? json_integer_value(json_array_get(pair, index)) : 0;
    return side >= 1 && side <= (json_int_t)MMN_LIMIT_WIDTH ? (uint32_t)side : 0;
}

/* Resolutions that LLaVA-NeXT chooses from. */
static mmn_status read_pinpoints(mmn_config *config, const mmn_json_object *root,
                                 mmn_error *error)
{
    static const char key[] = "image_grid_pinpoints";
    const uint32_t tile = config->vision.image_size;
    json_t *pairs = NULL;
    mmn_status status = mmn_json_get_array(&pairs, root, key, error);
    if (status != MMN_OK)
        return status;
    size_t count = pairs ? json_array_size(pairs) : MMN_LLAVA_NEXT_PINPOINTS;
    if (count == 0 || count > MMN_IMAGE_MAXIMUM_PINPOINTS)
        return mmn_json_fail(root, key, error, "must have 1 to %d pairs and has %zu",
                             MMN_IMAGE_MAXIMUM_PINPOINTS, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(pairs, i);
        mmn_resolution pinpoint = pairs ? (mmn_resolution){side_of(pair, 0), side_of(pair, 1)}
                                        : mmn_llava_next_pinpoints[i];
        if (pinpoint.height == 0 || pinpoint.height % tile != 0 || pinpoint.width == 0 ||
            pinpoint.width % tile != 0)
            return mmn_json_fail(root, key, error,
                                 "must be pairs [height, width] of multiples of the vision "
                                 "tower's image_size, %u, up to %u",
                                 tile, MMN_LIMIT_WIDTH);
        config->grid_pinpoints[i] = pinpoint;
    }
    config->grid_pinpoint_count = count;
    return MMN_OK;
}

static mmn_status read_llava(mmn_config *config, const mmn_json_object *root, mmn_error *error)
{
    mmn_json_object vision, language;
    mmn_status status = mmn_json_get_object(&vision, root, "vision_config", error);
    if (status == MMN_OK)
        status = mmn_json_get_object(&language, root, "text_config", error);
    if (status == MMN_OK)
        status = mmn_vision_config_read(&config->vision, &vision, error);
    if (status == MMN_OK)
        status = read_features(&config->vision, root, error);
    if (status == MMN_OK)
        status = mmn_language_config_read(&config->language, root, &language, error);
    if (status == MMN_OK)
        status = read_projector(config, root, error);
    if (status == MMN_OK)
        status = read_image_token(config, root, error);
    return status;
}

static mmn_status read_llava_next(mmn_config *config, const mmn_json_object *root,
                                  mmn_error *error)
{
    mmn_status status = read_llava(config, root, error);
    if (status == MMN_OK && config->vision.class_token && config->vision.keeps_class_token)
        return mmn_json_fail(root, "vision_feature_select_strategy", error,
                             "must be \"default\": LLaVA-NeXT makes a map of the patches, in which "
                             "a class token has no place");
    return status == MMN_OK ? read_pinpoints(config, root, error) : status;
}

/* ---- Weights --------------------------------------------------------------------------------- */

static void bind_projector(mmn_binder *binder, mmn_projector_weights *projector,
                           const mmn_projector_config *config, size_t width)
{
    static const char prefix[] = "multi_modal_projector.";
    mmn_binder_take_linear(binder, &projector->linear_1, prefix, "linear_1", width,
                           config->input_size, config->bias);
    mmn_binder_take_linear(binder, &projector->linear_2, prefix, "linear_2", width, width,
                           config->bias);
}

static void bind_newline(mmn_binder *binder, const float **newline, const mmn_config *config)
{
    size_t width = config->language.hidden_size;
    if (config->grid_pinpoint_count > 0)
        mmn_binder_take_vector(binder, newline, "", "image_newline", width);
    else /* Checkpoints of the original code may carry one that they do not use. */
        mmn_binder_take(binder, "", "image_newline", &width, 1, true);
}

static void bind(mmn_binder *binder, mmn_weights *weights, const mmn_config *config)
{
    config->vision.form->bind(binder, &weights->vision, &config->vision);
    bind_projector(binder, &weights->projector, &config->projector, config->language.hidden_size);
    config->language.form->bind(binder, &weights->language, &config->language);
    bind_newline(binder, &weights->image_newline, config);
}

/* ---- Modules --------------------------------------------------------------------------------- */

static size_t list_modules(mmn_module modules[MMN_MODULES], const mmn_config *config)
{
    const mmn_vision_config *vision = &config->vision;
    uint32_t last_used = 0;
    for (size_t i = 0; i < vision->feature_layer_count; i++)
        if (vision->feature_layers[i] > last_used)
            last_used = vision->feature_layers[i];
    modules[0] = mmn_vision_module(vision, last_used);
    modules[1] = mmn_module_of(MMN_MODULE_PROJECTOR, 1, config->language.hidden_size, 1);
    modules[2] = mmn_language_module(&config->language);
    return 3;
}

/* ---- Prompts --------------------------------------------------------------------------------- */

static const char *llava_template(const mmn_language_form *language)
{
    return strcmp(language->model_type, "qwen2") == 0 ? "llava-interleave-qwen" : "llava-1.5";
}

static const char *llava_next_template(const mmn_language_form *language)
{
    if (strcmp(language->model_type, "llama") == 0)
        return "llava-v1.6-vicuna";
    return strcmp(language->model_type, "mistral") == 0 ? "llava-v1.6-mistral" : NULL;
}

const mmn_family mmn_family_llava = {
    .model_type = "llava",
    .read = read_llava,
    .bind = bind,
    .project = mmn_projector_run,
    .image_processor = MMN_PROCESSOR_LLAVA,
    .template_name = llava_template,
    .list_modules = list_modules,
};

const mmn_family mmn_family_llava_next = {
    .model_type = "llava_next",
    .read = read_llava_next,
    .bind = bind,
    .project = mmn_projector_run,
    .image_processor = MMN_PROCESSOR_LLAVA_NEXT,
    .template_name = llava_next_template,
    .list_modules = list_modules,
};
