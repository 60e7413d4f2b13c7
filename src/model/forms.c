/* The table of language models and vision towers, and what families share: finding an entry by its
 * model_type, reading the parts' configurations, and the parts' modules. */
#include "model/forms.h"

#include <stdio.h>
#include <string.h>

#include "model/families.h"

static const mmn_language_form *const language_forms[] = {
    &mmn_language_llama,
    &mmn_language_mistral,
    &mmn_language_qwen2,
    &mmn_language_bloom,
};

static const mmn_vision_form *const vision_forms[] = {
    &mmn_vision_clip,
    &mmn_vision_eva,
    &mmn_vision_siglip,
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *language_form_name(size_t index)
{
    return index < COUNT(language_forms) ? language_forms[index]->model_type : NULL;
}

static const char *vision_form_name(size_t index)
{
    return index < COUNT(vision_forms) ? vision_forms[index]->model_type : NULL;
}

static void refuse(const mmn_object *object, const char *what, const char *type,
                   mmn_name_function name)
{
    char known[512] = "";
    size_t used = 0;
    for (size_t i = 0; name(i) && used < sizeof(known); i++)
        used += (size_t)snprintf(known + used, sizeof(known) - used, "%s\"%s\"",
                                 i == 0 ? "" : ", ", name(i));
    mmn_read_wrong(object, "model_type", "%s \"%.60s\" is not supported; supported are %s", what,
                   type, known);
}

bool mmn_find_model_type(size_t *index, const mmn_object *object, const char *what,
                         const char *fallback, mmn_name_function name)
{
    const char *type = fallback;
    if (!fallback)
        mmn_read_required(object, "model_type");
    mmn_read_text(&type, object, "model_type");
    if (!mmn_read_fine(object))
        return false;
    for (*index = 0; name(*index); ++*index)
        if (strcmp(name(*index), type) == 0)
            return true;
    refuse(object, what, type, name);
    return false;
}

void mmn_language_config_read(mmn_language_config *language, const mmn_object *root,
                              const mmn_object *object)
{
    size_t index;
    if (!mmn_find_model_type(&index, object, "language model", "llama", language_form_name))
        return;
    language->form = language_forms[index];
    bool causal = true;
    mmn_read_bool(&causal, object, "is_causal");
    if (!causal)
        mmn_read_wrong(object, "is_causal",
                       "false, positions that see those behind them, is not supported");
    language->form->read(language, root, object);
}

void mmn_vision_config_read(mmn_vision_config *vision, const mmn_object *object)
{
    size_t index;
    if (!mmn_find_model_type(&index, object, "vision tower", "clip_vision_model", vision_form_name))
        return;
    vision->form = vision_forms[index];
    vision->form->read(vision, object);
}

mmn_module mmn_vision_module(const mmn_vision_config *config, uint32_t last_used)
{
    return mmn_module_of(MMN_MODULE_VISION, config->layers, config->intermediate_size, last_used);
}

mmn_module mmn_language_module(const mmn_language_config *config)
{
    return mmn_module_of(MMN_MODULE_LANGUAGE, config->layers, config->intermediate_size,
                         config->layers);
}
