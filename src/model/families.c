/* The table of families, finding one by its model_type, and those that are a language model
 * alone. */
#include "base/memory.h"
#include "model/family.h"

/* ---- Text-only families, whose numbers stand at config.json's root --------------------------- */

static void read(mmn_config *config, const mmn_object *root)
{
    mmn_language_config_read(&config->language, root, root);
}

static void bind(mmn_binder *binder, mmn_weights *weights, const mmn_config *config)
{
    config->language.form->bind(binder, &weights->language, &config->language);
}

static size_t list_modules(mmn_module modules[MMN_MODULES], const mmn_config *config)
{
    modules[0] = mmn_language_module(&config->language);
    return 1;
}

#define TEXT_FAMILY(type)                                                                          \
    &(const mmn_family)                                                                            \
    {                                                                                              \
        (type), .read = read, .bind = bind, .list_modules = list_modules                           \
    }

/* ---- All of them ----------------------------------------------------------------------------- */

static const mmn_family *const families[] = {
    &mmn_family_llava,      &mmn_family_llava_next, &mmn_family_instructblip, TEXT_FAMILY("llama"),
    TEXT_FAMILY("mistral"), TEXT_FAMILY("qwen2"),   TEXT_FAMILY("bloom"),     TEXT_FAMILY("opt"),
    TEXT_FAMILY("phi"),     &mmn_family_deberta,    &mmn_family_owlvit,
};

static const char *family_name(size_t index)
{
    return index < MMN_LENGTH(families) ? families[index]->model_type : NULL;
}

const char *mmn_family_template(const mmn_config *config)
{
    const mmn_family *family = config->family;
    const char *name = family->template_name ? family->template_name(config->language.form) : NULL;
    return name ? name : "raw";
}

const mmn_family *mmn_family_find(const mmn_object *object)
{
    size_t index;
    /* Those of LLaVA's authors have the model_type of those that transformers reads. */
    if (mmn_object_value(object, "mm_vision_tower"))
        return &mmn_family_llava_original;
    bool found = mmn_find_model_type(&index, object, "model", NULL, family_name);
    return found ? families[index] : NULL;
}
