/* Settings: which modules' neurons an experiment switches off. */
#include "neurons/settings.h"

#include <string.h>

#include "base/memory.h"

static mmn_status add(mmn_settings *settings, const char *name, size_t length, mmn_error *error)
{
    if (length == 0)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "a setting has no name");
    for (size_t i = 0; i < settings->count; i++)
        if (strlen(settings->names[i]) == length && memcmp(settings->names[i], name, length) == 0)
            return mmn_fail(error, MMN_USAGE, NULL, NULL, "the setting \"%.100s\" is named twice",
                            settings->names[i]);
    if (settings->count == MMN_SETTING_LIMIT)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there are more than %d settings",
                        MMN_SETTING_LIMIT);
    char *copy = mmn_copy_bytes(name, length, error);
    if (!copy)
        return MMN_SYSTEM;
    settings->names[settings->count++] = copy;
    return MMN_OK;
}

/* The experiments of MMNeuron (arXiv 2406.11193, section 4) for either model family. */
static mmn_status add_usual(mmn_settings *settings, const mmn_neuron_lists *lists,
                            mmn_error *error)
{
    static const struct {
        const char *name, *modules[3];
    } usual[] = {
        {"language", {"language"}},
        {"vision", {"vision"}},
        {"qformer+query", {"qformer", "query"}},
        {"vision+qformer+query", {"vision", "qformer", "query"}},
        {"vision+projector", {"vision", "projector"}},
        {"projector", {"projector"}},
    };
    mmn_status status = MMN_OK;

    for (size_t i = 0; i < sizeof usual / sizeof *usual && status == MMN_OK; i++) {
        bool listed = true;
        for (size_t m = 0; m < 3 && usual[i].modules[m]; m++)
            listed = listed && mmn_neuron_lists_module(lists, usual[i].modules[m]);
        if (listed)
            status = add(settings, usual[i].name, strlen(usual[i].name), error);
    }
    if (status == MMN_OK && (lists->module_count > 1 || settings->count == 0))
        status = add(settings, "all", strlen("all"), error);
    return status;
}

mmn_status mmn_settings_make(mmn_settings *settings, const char *text,
                             const mmn_neuron_lists *lists, mmn_error *error)
{
    mmn_status status = text ? MMN_OK : add_usual(settings, lists, error);

    for (const char *at = text; at && status == MMN_OK;) {
        const size_t length = strcspn(at, ",");
        status = add(settings, at, length, error);
        at = at[length] == ',' ? at + length + 1 : NULL;
    }
    return status;
}

void mmn_settings_free(mmn_settings *settings)
{
    for (size_t i = 0; i < settings->count; i++)
        mmn_free(settings->names[i]);
    settings->count = 0;
}
