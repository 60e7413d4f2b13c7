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

static mmn_status refuse(const mmn_json_object *object, const char *what, const char *type,
                         mmn_name_function name, mmn_error *error)
{
    char known[512] = "";
    size_t used = 0;
    for (size_t i = 0; name(i) && used < sizeof(known); i++)
        used += (size_t)snprintf(known + used, sizeof(known) - used, "%s\"%s\"",
                                 i == 0 ? "" : ", ", name(i));
    return mmn_json_fail(object, "model_type", error,
                         "%s \"%.60s\" is not supported; supported are %s", what, type, known);
}

mmn_status mmn_find_model_type(size_t *index, const mmn_json_object *object, const char *what,
                       const char *fallback, mmn_name_function name, mmn_error *error)
{
    const char *type = fallback;
    mmn_status status = fallback ? MMN_OK : mmn_json_require(object, "model_type", error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&type, object, "model_type", error);
    if (status != MMN_OK)
        return status;
    for (*index = 0; name(*index); ++*index)
        if (strcmp(name(*index), type) == 0)
            return MMN_OK;
    return refuse(object, what, type, name, error);
}

mmn_status mmn_language_config_read(mmn_language_config *language, const mmn_json_object *root,
                                    const mmn_json_object *object, mmn_error *error)
{
    size_t index;
    mmn_status status =
        mmn_find_model_type(&index, object, "language model", "llama", language_form_name, error);
    if (status != MMN_OK)
        return status;
    language->form = language_forms[index];
    bool causal = true;
    status = mmn_json_get_bool(&causal, object, "is_causal", error);
    if (status == MMN_OK && !causal)
        status = mmn_json_fail(object, "is_causal", error,
                               "false, positions that see those behind them, is not supported");
    return status == MMN_OK ? language->form->read(language, root, object, error) : status;
}

mmn_status mmn_vision_config_read(mmn_vision_config *vision, const mmn_json_object *object,
                                  mmn_error *error)
{
    size_t index;
    mmn_status status =
        mmn_find_model_type(&index, object, "vision tower", "clip_vision_model", vision_form_name,
                            error);
    if (status != MMN_OK)
        return status;
    vision->form = vision_forms[index];
    return vision->form->read(vision, object, error);
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
