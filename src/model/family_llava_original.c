/* The original LLaVA's own layout, as its authors publish it: config.json is the language model's,
 * with keys that begin with "mm_"; the projector has one layer or two; and the vision tower is a
 * published CLIP in a folder of its own, inside the model's. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "model/family.h"
#include "model/folder.h"

#define FILE_LIMIT 10000000 /* bytes; published ones have some thousands */

/* ---- The vision tower ------------------------------------------------------------------------ */

/* The tower's folder has the last part of its name, "clip-vit-large-patch14" of
 * "openai/clip-vit-large-patch14" or of a path on the machine that trained it. */
static void read_tower_name(mmn_config *config, const mmn_object *root)
{
    static const char key[] = "mm_vision_tower";
    const char *name = NULL;
    mmn_read_text(&name, root, mmn_read_required(root, key));
    if (!name)
        return;
    const char *last = mmn_path_name(name);
    int length = snprintf(config->tower, sizeof(config->tower), "%s", last);
    if (length < 1 || (size_t)length >= sizeof(config->tower) || strcmp(last, ".") == 0 ||
        strcmp(last, "..") == 0)
        mmn_read_wrong(root, key,
                       "must end in the name of a folder, of at most %zu bytes, and is \"%.60s\"",
                       sizeof(config->tower) - 1, name);
}

/* Opens the config.json of the tower's folder; a missing one is wrong. */
static mmn_object open_tower(mmn_document *document, const mmn_config *config,
                             const mmn_object *root)
{
    char *model = NULL, *folder = NULL;
    mmn_object tower = {.reader = root->reader, .file = root->file};
    MMN_READ_TRY(root, mmn_path_folder(&model, root->file, root->reader->error));
    MMN_READ_TRY(root, mmn_folder_of_tower(&folder, model, config->tower, root->reader->error));
    if (mmn_read_fine(root))
        tower = mmn_read_in_folder(document, root->reader, folder, "config.json", FILE_LIMIT);
    if (mmn_read_fine(root) && !tower.value)
        mmn_read_wrong(root, "mm_vision_tower",
                       "the vision tower's folder, %.400s, has no config.json; put the published "
                       "tower there: config.json, preprocessor_config.json and model.safetensors",
                       folder);
    mmn_free(folder);
    mmn_free(model);
    return tower;
}

/* Reads the tower's numbers: a tower alone, or the part of a whole CLIP. */
static void read_tower(mmn_vision_config *vision, const mmn_object *tower)
{
    const char *type = NULL;
    mmn_read_text(&type, tower, mmn_read_required(tower, "model_type"));
    if (!type)
        return;
    mmn_object part = *tower;
    if (strcmp(type, "clip") == 0)
        part = mmn_read_object(tower, mmn_read_required(tower, "vision_config"));
    else if (strcmp(type, "clip_vision_model") != 0)
        mmn_read_wrong(tower, "model_type",
                       "must be \"clip\" or \"clip_vision_model\" and is \"%.60s\"", type);
    if (mmn_read_fine(tower))
        mmn_vision_config_read(vision, &part, "clip_vision_model");
}

/* mm_vision_select_layer counts hidden states as vision_feature_layer does. */
static void read_features(mmn_vision_config *vision, const mmn_object *root)
{
    static const char layer_key[] = "mm_vision_select_layer",
                      feature_key[] = "mm_vision_select_feature";
    const char *feature = "patch";
    int64_t layer = -2, states = (int64_t)vision->layers + 1;
    uint32_t width = vision->hidden_size;
    mmn_read_i64(&layer, root, layer_key, -states, states - 1);
    mmn_read_text(&feature, root, feature_key);
    mmn_read_u32(&width, root, "mm_hidden_size", 1, MMN_LIMIT_WIDTH);
    if (width != vision->hidden_size)
        mmn_read_wrong(root, "mm_hidden_size", "is %u, and the vision tower's hidden_size is %u",
                       width, vision->hidden_size);
    vision->keeps_class_token = strcmp(feature, "cls_patch") == 0;
    if (!vision->keeps_class_token && strcmp(feature, "patch") != 0)
        mmn_read_wrong(root, feature_key, "must be \"patch\" or \"cls_patch\" and is \"%.60s\"",
                       feature);
    vision->feature_layers[0] = (uint32_t)(layer < 0 ? states + layer : layer);
    vision->feature_layer_count = 1;
    vision->post_norm = false;
}

/* ---- What stands at the root ----------------------------------------------------------------- */

/* The projector's form; before there were several, it was one layer. */
static void read_projector(mmn_config *config, const mmn_object *root)
{
    static const char key[] = "mm_projector_type";
    mmn_projector_config *projector = &config->projector;
    const char *type = "linear";
    bool used = true;
    mmn_read_bool(&used, root, "use_mm_proj");
    if (!used)
        mmn_read_wrong(root, "use_mm_proj", "must be true: without a projector no image is read");
    mmn_read_text(&type, root, key);
    projector->linear = strcmp(type, "linear") == 0;
    if (!projector->linear && strcmp(type, "mlp2x_gelu") != 0)
        mmn_read_wrong(root, key, "must be \"linear\" or \"mlp2x_gelu\" and is \"%.60s\"", type);
    projector->activation = MMN_ACTIVATION_GELU;
    projector->bias = true;
    projector->input_size = config->vision.hidden_size;
}

static void read_aspect(mmn_config *config, const mmn_object *root)
{
    static const char key[] = "image_aspect_ratio";
    const char *aspect = "square";
    mmn_read_text(&aspect, root, key);
    config->pads_images = strcmp(aspect, "pad") == 0;
    if (!config->pads_images && strcmp(aspect, "square") != 0)
        mmn_read_wrong(root, key,
                       "must be \"square\" or \"pad\" and is \"%.60s\"; for LLaVA-1.6's tiles use "
                       "the checkpoint converted for transformers (llava-hf)",
                       aspect);
}

/* The language model's keys stand at the root, whose model_type is the whole's. */
static void read_language(mmn_config *config, const mmn_object *root)
{
    mmn_object said = *root;
    said.value = json_copy(root->value);
    if (said.value && json_object_del(said.value, "model_type") == 0)
        mmn_language_config_read(&config->language, root, &said);
    else
        mmn_read_failed(root,
                        mmn_fail(root->reader->error, MMN_SYSTEM, NULL, NULL, "out of memory"));
    json_decref(said.value);
}

static void check_type(const mmn_object *root)
{
    static const char key[] = "model_type";
    const char *type = NULL;
    mmn_read_text(&type, root, mmn_read_required(root, key));
    if (type && strcmp(type, "llava") != 0 && strcmp(type, "llava_llama") != 0)
        mmn_read_wrong(root, key,
                       "must be \"llava\" or \"llava_llama\" where there is a mm_vision_tower, "
                       "and is \"%.60s\"",
                       type);
}

static void read(mmn_config *config, const mmn_object *root)
{
    mmn_document document = {0};
    check_type(root);
    read_tower_name(config, root);
    if (!mmn_read_fine(root))
        return;
    mmn_object tower = open_tower(&document, config, root);
    if (mmn_read_fine(root))
        read_tower(&config->vision, &tower);
    if (mmn_read_fine(root)) {
        read_features(&config->vision, root);
        read_language(config, root);
        read_projector(config, root);
        read_aspect(config, root);
        mmn_read_bool(&config->image_marks, root, "mm_use_im_start_end");
    }
    mmn_document_close(&document);
    /* An image has no token of its own there. LLaMA's <unk> takes its place, which no text gives:
     * what the vocabulary lacks is spelt in bytes. */
    config->image_token_id = 0;
    config->image_between = true;
    config->image_seq_length = (uint32_t)mmn_vision_feature_tokens(&config->vision);
}

/* The conversation of most checkpoints, "llava_v1" in the authors' code. */
static const char *template_name(const mmn_language_form *language)
{
    (void)language;
    return "llava-v1.6-vicuna";
}

const mmn_family mmn_family_llava_original = {
    .model_type = "llava_original",
    .read = read,
    .bind = mmn_llava_bind,
    .connector = MMN_CONNECTOR_PROJECTOR,
    .image_processor = MMN_PROCESSOR_CLIP,
    .template_name = template_name,
    .list_modules = mmn_llava_list_modules,
};
