/* The table of families, and finding one by its model_type. */
#include "model/families.h"
#include "model/forms.h"

static const mmn_family *const families[] = {
    &mmn_family_llava,
    &mmn_family_llava_next,
    &mmn_family_instructblip,
    &mmn_family_llama,
    &mmn_family_mistral,
    &mmn_family_qwen2,
    &mmn_family_bloom,
};

#define FAMILIES (sizeof(families) / sizeof(families[0]))

static const char *family_name(size_t index)
{
    return index < FAMILIES ? families[index]->model_type : NULL;
}

const char *mmn_family_template(const mmn_config *config)
{
    const mmn_family *family = config->family;
    const char *name =
        family->template_name ? family->template_name(config->language.form) : NULL;
    return name ? name : "raw";
}

const mmn_family *mmn_family_find(const mmn_object *object)
{
    size_t index;
    bool found = mmn_find_model_type(&index, object, "model", NULL, family_name);
    return found ? families[index] : NULL;
}
