/* Settings: which modules' neurons an experiment switches off. */
#include "study/settings.h"

#include <stdio.h>
#include <string.h>

#include "base/items.h"
#include "base/memory.h"
#include "base/modules.h"

size_t mmn_settings_find(const mmn_settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->count; i++)
        if (strcmp(settings->names[i], name) == 0)
            return i;
    return SIZE_MAX;
}

void mmn_settings_remove(mmn_settings *settings, const char *name)
{
    const size_t at = mmn_settings_find(settings, name);
    if (at == SIZE_MAX)
        return;
    mmn_free(settings->names[at]);
    for (size_t i = at + 1; i < settings->count; i++)
        settings->names[i - 1] = settings->names[i];
    settings->count--;
}

static mmn_status add(mmn_settings *settings, const mmn_item *name, mmn_error *error)
{
    if (name->length == 0)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "a setting has no name");
    for (size_t i = 0; i < settings->count; i++)
        if (mmn_item_is(name, settings->names[i]))
            return mmn_fail(error, MMN_USAGE, NULL, NULL, "the setting \"%.100s\" is named twice",
                            settings->names[i]);
    if (settings->count == MMN_SETTING_LIMIT)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there are more than %d settings",
                        MMN_SETTING_LIMIT);
    char *copy = mmn_copy_bytes(name->text, name->length, error);
    if (!copy)
        return MMN_SYSTEM;
    settings->names[settings->count++] = copy;
    return MMN_OK;
}

mmn_status mmn_settings_add(mmn_settings *settings, const char *name, mmn_error *error)
{
    return add(settings, &(mmn_item){name, strlen(name)}, error);
}

/* Whether the lists have all modules of the setting, their names joined by "+". */
static bool has_all(const mmn_neuron_lists *lists, const char *setting)
{
    mmn_item item;
    while (mmn_next_item(&item, &setting, '+')) {
        char name[MMN_MODULE_NAME_SIZE];
        snprintf(name, sizeof(name), "%.*s", MMN_ITEM(item));
        if (!mmn_neuron_lists_module(lists, name))
            return false;
    }
    return true;
}

/* Those of the paper that the lists have the modules for. */
static mmn_status add_usual(mmn_settings *settings, const mmn_neuron_lists *lists,
                            mmn_error *error)
{
    mmn_status status = MMN_OK;

    for (const char *const *usual = mmn_usual_settings; *usual && status == MMN_OK; usual++)
        if (has_all(lists, *usual))
            status = mmn_settings_add(settings, *usual, error);
    if (status == MMN_OK && (lists->module_count > 1 || settings->count == 0))
        status = mmn_settings_add(settings, "all", error);
    return status;
}

mmn_status mmn_settings_make(mmn_settings *settings, const char *text,
                             const mmn_neuron_lists *lists, mmn_error *error)
{
    mmn_status status = text ? MMN_OK : add_usual(settings, lists, error);

    mmn_item item;
    while (status == MMN_OK && mmn_next_item(&item, &text, ','))
        status = add(settings, &item, error);
    return status;
}

void mmn_settings_free(mmn_settings *settings)
{
    for (size_t i = 0; i < settings->count; i++)
        mmn_free(settings->names[i]);
    settings->count = 0;
}
