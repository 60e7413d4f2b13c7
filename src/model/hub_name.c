/* Names of models on the Hugging Face hub, given where a folder is wanted. */
#include "model/hub_name.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/file_kind.h"

/* An owner's or model's name there. */
static size_t name_length(const char *text)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    return *text != '\0' && strchr(first, *text)
               ? strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
               : 0;
}

/* Takes "owner/name" out of a name or an address of a page of the hub. */
static bool find_hub_name(char *found, size_t size, const char *text)
{
    static const char *const pages[] = {"https://huggingface.co/", "http://huggingface.co/",
                                        "https://hf.co/", "huggingface.co/", "hf.co/", "hf://"};
    const char *name = text;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]) && name == text; i++)
        if (strncmp(text, pages[i], strlen(pages[i])) == 0)
            name += strlen(pages[i]);
    size_t owner = name_length(name);
    size_t model = owner > 0 && name[owner] == '/' ? name_length(name + owner + 1) : 0;
    const char *end = name + owner + 1 + model;
    if (model == 0 || (*end != '\0' && (name == text || *end != '/')) ||
        owner + 1 + model >= size)
        return false;
    snprintf(found, size, "%.*s", (int)(owner + 1 + model), name);
    if (name != text)
        return true;
    /* A path whose first folder is there names a place on this machine. */
    char first[256];
    snprintf(first, sizeof(first), "%.*s", (int)owner, name);
    return !mmn_is_folder(first);
}

mmn_status mmn_fail_not_a_model(mmn_error *error, const char *folder)
{
    char name[256];
    if (folder[0] == '\0')
        return mmn_fail(error, MMN_INPUT, NULL, NULL,
                        "the model's folder has an empty name; expected a Hugging Face checkpoint "
                        "with config.json");
    mmn_status status =
        mmn_fail(error, MMN_INPUT, folder, NULL,
                 "is not a folder; expected a Hugging Face checkpoint with config.json");
    if (mmn_file_kind_of(folder) == MMN_KIND_UNKNOWN &&
        find_hub_name(name, sizeof(name), folder))
        return mmn_fail(error, MMN_INPUT, folder, NULL,
                        "there is no such folder; if this is a model of the Hugging Face hub, "
                        "download it first: hf download %s --local-dir %s",
                        name, strchr(name, '/') + 1);
    return mmn_file_kind_explain(error, status, folder, MMN_KIND_MODEL);
}
