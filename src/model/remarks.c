/* Remarks: what a user should know of a model's folder before trusting a result. */
#include "model/remarks.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/file.h"
#include "base/memory.h"

mmn_status mmn_remarks_add(mmn_remarks *remarks, mmn_error *error, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    MMN_TRY(mmn_reserve(&remarks->texts, &remarks->capacity, remarks->count + 1,
                        sizeof(*remarks->texts), error));
    remarks->texts[remarks->count] = mmn_copy_text(text, error);
    if (!remarks->texts[remarks->count])
        return MMN_SYSTEM;
    remarks->count++;
    return MMN_OK;
}

static mmn_status look_for(bool *there, const char *folder, const char *name, mmn_error *error)
{
    char *path;
    mmn_status status = mmn_find_in_folder(&path, folder, name, error);
    *there = path != NULL;
    mmn_free(path);
    return status;
}

static mmn_status look_for_index(mmn_remarks *remarks, const char *folder, mmn_error *error)
{
    bool single = false, index = false;
    MMN_TRY(look_for(&single, folder, "model.safetensors", error));
    MMN_TRY(look_for(&index, folder, "model.safetensors.index.json", error));
    if (single && index)
        MMN_TRY(mmn_remarks_add(remarks, error,
                                "model.safetensors lies beside model.safetensors.index.json: it "
                                "alone is read, as transformers does, and not the shards that "
                                "the index lists; remove the one that does not belong here"));
    return MMN_OK;
}

static mmn_status look_for_adapter(mmn_remarks *remarks, const char *folder, mmn_error *error)
{
    static const char *const names[] = {"adapter_config.json", "adapter_model.safetensors",
                                        "adapter_model.bin"};
    bool there = false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        MMN_TRY(look_for(&there, folder, names[i], error));
        if (there)
            return mmn_remarks_add(remarks, error,
                                   "%s: an adapter (LoRA) lies beside the weights and is not "
                                   "applied; to use it, merge it into them (peft's "
                                   "merge_and_unload)",
                                   names[i]);
    }
    return MMN_OK;
}

mmn_status mmn_remarks_of_folder(mmn_remarks *remarks, const char *folder, mmn_error *error)
{
    MMN_TRY(look_for_index(remarks, folder, error));
    return look_for_adapter(remarks, folder, error);
}

void mmn_remarks_free(mmn_remarks *remarks)
{
    for (size_t i = 0; i < remarks->count; i++)
        mmn_free(remarks->texts[i]);
    mmn_free(remarks->texts);
    *remarks = (mmn_remarks){0};
}
