/* The modules of all models that hold neurons. */
#include "base/modules.h"

#include "base/names.h"

const mmn_module_kind mmn_module_kinds[MMN_MODULES] = {
    [MMN_MODULE_VISION] = {"vision", "encoder", "vision.layers.{i}.mlp.act", false},
    [MMN_MODULE_PROJECTOR] = {"projector", "mmproj", "projector.act", false},
    [MMN_MODULE_QFORMER] = {"qformer", NULL, "qformer.layers.{i}.mlp.act", false},
    [MMN_MODULE_QUERY] = {"query", NULL, "query.layers.{i}.mlp.act", false},
    [MMN_MODULE_LANGUAGE] = {"language", "lang", "language.layers.{i}.mlp.act", true},
};

const char *const mmn_usual_settings[] = {
    "language",  "vision", "qformer+query", "vision+qformer+query", "vision+projector",
    "projector", NULL,
};

mmn_module_number mmn_module_number_of(const char *name)
{
    return (mmn_module_number)MMN_NAME_INDEX(name, mmn_module_kinds);
}

mmn_module mmn_module_of(mmn_module_number number, uint32_t layers, uint32_t neurons,
                         uint32_t first_inert_layer)
{
    return (mmn_module){
        .name = mmn_module_kinds[number].name,
        .layers = layers,
        .neurons = neurons,
        .stages = mmn_module_kinds[number].stages,
        .first_inert_layer = first_inert_layer,
    };
}

const char *mmn_module_name(size_t index)
{
    return index < MMN_MODULES ? mmn_module_kinds[index].name : NULL;
}

const char *mmn_module_meant(const char *text, size_t length)
{
    const mmn_item item = {text, length};
    for (size_t i = 0; text && i < MMN_MODULES; i++)
        if (mmn_item_is(&item, mmn_module_kinds[i].name) ||
            (mmn_module_kinds[i].published && mmn_item_is(&item, mmn_module_kinds[i].published)))
            return mmn_module_kinds[i].name;
    return NULL;
}
