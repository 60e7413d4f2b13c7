/* A model's folder: whether it is one, whether all of it can be read, and what a user should know
 * of it. */
#include "model/folder.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/file_kind.h"
#include "base/memory.h"

/* ---- Whether it is one ----------------------------------------------------------------------- */

/* An owner's or model's name on the Hugging Face hub, which people give where a folder is
 * wanted. */
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
    static const char *const pages[] = {"https://huggingface.co/",
                                        "http://huggingface.co/",
                                        "https://hf.co/",
                                        "huggingface.co/",
                                        "hf.co/",
                                        "hf://"};
    const char *name = text;
    for (size_t i = 0; i < MMN_LENGTH(pages) && name == text; i++)
        if (strncmp(text, pages[i], strlen(pages[i])) == 0)
            name += strlen(pages[i]);
    size_t owner = name_length(name);
    size_t model = owner > 0 && name[owner] == '/' ? name_length(name + owner + 1) : 0;
    const char *end = name + owner + 1 + model;
    if (model == 0 || (*end != '\0' && (name == text || *end != '/')) || owner + 1 + model >= size)
        return false;
    snprintf(found, size, "%.*s", (int)(owner + 1 + model), name);
    if (name != text)
        return true;
    /* A path whose first folder is there names a place on this machine. */
    char first[256];
    snprintf(first, sizeof(first), "%.*s", (int)owner, name);
    return !mmn_is_folder(first);
}

/* A folder that is none: a file of a known kind, a model's name or page on the hub, or not
 * there. */
static mmn_status fail_not_a_model(mmn_error *error, const char *folder)
{
    char name[256];
    mmn_status status =
        mmn_fail(error, MMN_INPUT, folder, NULL,
                 "is not a folder; expected a Hugging Face checkpoint with config.json");
    if (mmn_file_kind_of(folder) == MMN_KIND_UNKNOWN && find_hub_name(name, sizeof(name), folder))
        return mmn_fail(error, MMN_INPUT, folder, NULL,
                        "there is no such folder; if this is a model of the Hugging Face hub, "
                        "download it first: hf download %s --local-dir %s",
                        name, strchr(name, '/') + 1);
    return mmn_file_kind_explain(error, status, folder, MMN_KIND_MODEL);
}

mmn_status mmn_folder_exists(const char *folder, mmn_error *error)
{
    if (!*folder)
        return mmn_fail(error, MMN_INPUT, NULL, NULL,
                        "the model's name is empty; expected a Hugging Face folder");
    return mmn_is_folder(folder) ? MMN_OK : fail_not_a_model(error, folder);
}

/* ---- Its files ------------------------------------------------------------------------------- */

static mmn_status look_for(bool *there, const char *folder, const char *name, mmn_error *error)
{
    char *path;
    mmn_status status = mmn_find_in_folder(&path, folder, name, error);
    *there = path != NULL;
    mmn_free(path);
    return status;
}

static mmn_status check_files(const char *folder, mmn_error *error)
{
    static const char *const names[] = {
        "config.json",
        "generation_config.json",
        "processor_config.json",
        "tokenizer.json",
        "preprocessor_config.json",
        "tokenizer_config.json",
        "tokenizer.model",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.txt",
        "vocab.json",
        "merges.txt",
        "chat_template.jinja",
        "chat_template.json",
        "model.safetensors.index.json",
        "model.safetensors",
    };
    bool there;
    for (size_t i = 0; i < MMN_LENGTH(names); i++)
        MMN_TRY(look_for(&there, folder, names[i], error));
    return MMN_OK;
}

mmn_status mmn_folder_readable(const char *folder, mmn_error *error)
{
    char *within = NULL;
    MMN_TRY(check_files(folder, error));
    MMN_TRY(mmn_path_join(&within, folder, "qformer_tokenizer", error));
    mmn_status status = mmn_is_folder(within) ? check_files(within, error) : MMN_OK;
    mmn_free(within);
    return status;
}

mmn_status mmn_folder_of_tower(char **path, const char *folder, const char *tower, mmn_error *error)
{
    if (tower[0] != '\0')
        return mmn_path_join(path, folder, tower, error);
    MMN_NEED(*path = mmn_copy_text(folder, error));
    return MMN_OK;
}

/* ---- Remarks --------------------------------------------------------------------------------- */

mmn_status mmn_remarks_add(mmn_remarks *remarks, mmn_error *error, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    MMN_TRY(MMN_RESERVE(remarks->texts, remarks->capacity, remarks->count + 1, error));
    MMN_NEED(remarks->texts[remarks->count] = mmn_copy_text(text, error));
    remarks->count++;
    return MMN_OK;
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
    for (size_t i = 0; i < MMN_LENGTH(names); i++) {
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

mmn_status mmn_folder_remarks(mmn_remarks *remarks, const char *folder, mmn_error *error)
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
