/* Text-only families: a language model alone, whose numbers stand at config.json's root. */
#include "model/families.h"

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

#define TEXT_FAMILY(type) \
    {.model_type = (type), .read = read, .bind = bind, .list_modules = list_modules}

const mmn_family mmn_family_llama = TEXT_FAMILY("llama");
const mmn_family mmn_family_mistral = TEXT_FAMILY("mistral");
const mmn_family mmn_family_qwen2 = TEXT_FAMILY("qwen2");
const mmn_family mmn_family_bloom = TEXT_FAMILY("bloom");
