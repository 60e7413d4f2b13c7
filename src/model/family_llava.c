/* LLaVA-1.5 and LLaVA-NeXT: a vision tower, a projector of two layers, and a language model. */
#include <string.h>

#include "model/family.h"

/* ---- Configuration --------------------------------------------------------------------------- */

/* vision_feature_layer counts hidden states: 0 is what enters the first layer, and there is one
 * more than layers; negative numbers count from the end. */
static void read_feature_layers(mmn_vision_config *vision, const mmn_object *root)
{
    static const char key[] = "vision_feature_layer";
    int64_t chosen[MMN_FEATURE_LAYERS] = {-2}, states = (int64_t)vision->layers + 1;
    size_t count = 1;
    mmn_read_integers(chosen, &count, MMN_FEATURE_LAYERS, root, key, -states, states - 1);
    if (count == 0)
        mmn_read_wrong(root, key, "must name a layer");
    if (!mmn_read_fine(root))
        return;
    for (size_t i = 0; i < count; i++)
        vision->feature_layers[i] = (uint32_t)(chosen[i] < 0 ? states + chosen[i] : chosen[i]);
    vision->feature_layer_count = count;
    vision->post_norm = false;
}

static void read_features(mmn_vision_config *vision, const mmn_object *root)
{
    static const char key[] = "vision_feature_select_strategy";
    const char *strategy = "default";
    read_feature_layers(vision, root);
    mmn_read_text(&strategy, root, key);
    vision->keeps_class_token = strcmp(strategy, "full") == 0;
    if (!vision->keeps_class_token && strcmp(strategy, "default") != 0)
        mmn_read_wrong(root, key, "must be \"default\" or \"full\" and is \"%.60s\"", strategy);
    if (!vision->keeps_class_token && !vision->class_token)
        mmn_read_wrong(root, key,
                       "must be \"full\": a vision tower of type %s has no class token to drop",
                       vision->form ? vision->form->model_type : "");
}

static void read_projector(mmn_config *config, const mmn_object *root)
{
    mmn_projector_config *projector = &config->projector;
    projector->activation = MMN_ACTIVATION_GELU;
    projector->bias = true;
    projector->input_size =
        config->vision.hidden_size * (uint32_t)config->vision.feature_layer_count;
    mmn_config_activation(&projector->activation, root, "projector_hidden_act");
    mmn_read_bool(&projector->bias, root, "multimodal_projector_bias");
}

/* A side of a pair [height, width]; 0 where it is none. */
static uint32_t side_of(const json_t *pair, size_t index)
{
    json_int_t side = json_array_size(pair) == 2 ? json_integer_value(json_array_get(pair, index))
                                                 : 0;
    return side >= 1 && side <= (json_int_t)MMN_LIMIT_WIDTH ? (uint32_t)side : 0;
}

/* Resolutions that LLaVA-NeXT chooses from. */
static void read_pinpoints(mmn_config *config, const mmn_object *root)
{
    static const char key[] = "image_grid_pinpoints";
    const uint32_t tile = config->vision.image_size;
    json_t *pairs = NULL;
    mmn_read_array(&pairs, root, key);
    size_t count = pairs ? json_array_size(pairs) : MMN_LLAVA_NEXT_PINPOINTS;
    if (count == 0 || count > MMN_IMAGE_MAXIMUM_PINPOINTS)
        mmn_read_wrong(root, key, "must have 1 to %d pairs and has %zu",
                       MMN_IMAGE_MAXIMUM_PINPOINTS, count);
    for (size_t i = 0; i < count && mmn_read_fine(root); i++) {
        const json_t *pair = json_array_get(pairs, i);
        mmn_resolution pinpoint = pairs ? (mmn_resolution){side_of(pair, 0), side_of(pair, 1)}
                                        : mmn_llava_next_pinpoints[i];
        if (pinpoint.height == 0 || pinpoint.height % tile != 0 || pinpoint.width == 0 ||
            pinpoint.width % tile != 0)
            mmn_read_wrong(root, key,
                           "must be pairs [height, width] of multiples of the vision tower's "
                           "image_size, %u, up to %u",
                           tile, MMN_LIMIT_WIDTH);
        config->grid_pinpoints[i] = pinpoint;
    }
    config->grid_pinpoint_count = count;
}

static void read_llava(mmn_config *config, const mmn_object *root)
{
    mmn_object vision = mmn_read_object(root, "vision_config");
    mmn_object language = mmn_read_object(root, "text_config");
    mmn_vision_config_read(&config->vision, &vision, "clip_vision_model");
    read_features(&config->vision, root);
    mmn_language_config_read(&config->language, root, &language);
    read_projector(config, root);
    mmn_config_image_token(config, root, 32000);
    config->image_seq_length = 576;
    mmn_read_u32(&config->image_seq_length, root, "image_seq_length", 0, MMN_LIMIT_POSITIONS);
}

static void read_llava_next(mmn_config *config, const mmn_object *root)
{
    read_llava(config, root);
    if (config->vision.class_token && config->vision.keeps_class_token)
        mmn_read_wrong(root, "vision_feature_select_strategy",
                       "must be \"default\": LLaVA-NeXT makes a map of the patches, in which a "
                       "class token has no place");
    read_pinpoints(config, root);
}

/* ---- Weights --------------------------------------------------------------------------------- */

static void bind_projector(mmn_binder *binder, mmn_projector_weights *weights,
                           const mmn_projector_config *projector, size_t width)
{
    mmn_binder_prefix(binder, "multi_modal_projector.");
    mmn_binder_take_linear(binder, &weights->linear_1, projector->linear ? "linear" : "linear_1",
                           width, projector->input_size, projector->bias);
    if (!projector->linear)
        mmn_binder_take_linear(binder, &weights->linear_2, "linear_2", width, width,
                               projector->bias);
}

void mmn_llava_bind(mmn_binder *binder, mmn_weights *weights, const mmn_config *config)
{
    size_t width = config->language.hidden_size;
    config->vision.form->bind(binder, &weights->vision, &config->vision);
    bind_projector(binder, &weights->projector, &config->projector, width);
    config->language.form->bind(binder, &weights->language, &config->language);
    mmn_binder_no_prefix(binder);
    if (config->grid_pinpoint_count > 0)
        mmn_binder_take_vector(binder, &weights->image_newline, "image_newline", width);
    else /* Checkpoints of the original code may carry one that they do not use. */
        mmn_binder_take(binder, "image_newline", &width, 1, true);
}

/* ---- Modules --------------------------------------------------------------------------------- */

size_t mmn_llava_list_modules(mmn_module modules[MMN_MODULES], const mmn_config *config)
{
    const mmn_vision_config *vision = &config->vision;
    uint32_t last_used = 0;
    size_t count = 0;
    for (size_t i = 0; i < vision->feature_layer_count; i++)
        if (vision->feature_layers[i] > last_used)
            last_used = vision->feature_layers[i];
    modules[count++] = mmn_vision_module(vision, last_used);
    if (!config->projector.linear) /* else it has no neurons */
        modules[count++] = mmn_module_of(MMN_MODULE_PROJECTOR, 1, config->language.hidden_size, 1);
    modules[count++] = mmn_language_module(&config->language);
    return count;
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
    .bind = mmn_llava_bind,
    .connector = MMN_CONNECTOR_PROJECTOR,
    .image_processor = MMN_PROCESSOR_LLAVA,
    .template_name = llava_template,
    .list_modules = mmn_llava_list_modules,
};

const mmn_family mmn_family_llava_next = {
    .model_type = "llava_next",
    .read = read_llava_next,
    .bind = mmn_llava_bind,
    .connector = MMN_CONNECTOR_PROJECTOR,
    .image_processor = MMN_PROCESSOR_LLAVA_NEXT,
    .template_name = llava_next_template,
    .list_modules = mmn_llava_list_modules,
};
