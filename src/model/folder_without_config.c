/* A folder that was given for a model's and has no config.json: what lies in it says what to give
 * instead. */
#include "model/folder_without_config.h"

#include <dirent.h>
#include <stdbool.h>
#include <string.h>

#include "base/file.h"
#include "base/file_kind.h"
#include "base/memory.h"

/* Models are looked for so deep, which reaches from the hub's cache to a snapshot in it, and among
 * so many files. */
enum { DEPTH = 3, ENTRIES = 5000 };

typedef struct contents {
    bool adapter, weights;
    char gguf[256]; /* the first such file, in the order of names */
    char *model;    /* the first folder below that has a config.json, likewise */
    unsigned left;  /* of ENTRIES */
} contents;

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), end_length = strlen(end);
    return length > end_length && strcmp(name + length - end_length, end) == 0;
}

static void look_at_file(contents *found, const char *name)
{
    found->adapter |= strcmp(name, "adapter_config.json") == 0;
    found->weights |= ends_with(name, ".safetensors") || ends_with(name, ".bin");
    if (ends_with(name, ".gguf") && strlen(name) < sizeof(found->gguf) &&
        (found->gguf[0] == '\0' || strcmp(name, found->gguf) < 0))
        strcpy(found->gguf, name);
}

static mmn_status look_into(contents *found, const char *folder, int depth, mmn_error *error);

/* Something in a folder that is looked into; keeps `path` if that is a model's. */
static mmn_status look_at(contents *found, char **path, int depth, mmn_error *error)
{
    if (!mmn_is_folder(*path))
        return MMN_OK;
    if (mmn_file_kind_of(*path) != MMN_KIND_MODEL)
        return depth > 1 ? look_into(found, *path, depth - 1, error) : MMN_OK;
    if (!found->model || strcmp(*path, found->model) < 0) {
        mmn_free(found->model);
        found->model = *path;
        *path = NULL;
    }
    return MMN_OK;
}

static mmn_status look_into(contents *found, const char *folder, int depth, mmn_error *error)
{
    mmn_status status = MMN_OK;
    DIR *entries = opendir(folder);
    for (const struct dirent *entry;
         entries && status == MMN_OK && found->left > 0 && (entry = readdir(entries));) {
        char *path = NULL;
        found->left--;
        if (entry->d_name[0] == '.')
            continue;
        if (depth == DEPTH)
            look_at_file(found, entry->d_name);
        status = mmn_path_join(&path, folder, entry->d_name, error);
        if (status == MMN_OK)
            status = look_at(found, &path, depth, error);
        mmn_free(path);
    }
    if (entries)
        closedir(entries);
    return status;
}

static mmn_status fail(const contents *found, const char *folder, mmn_error *error)
{
    static const char none[] = "is not a model's folder: it has no config.json";
    if (found->adapter)
        return mmn_fail(error, MMN_INPUT, folder, NULL,
                        "%s; adapter_config.json says that it is an adapter (LoRA), which has to "
                        "be merged into its model (peft's merge_and_unload)",
                        none);
    if (found->gguf[0] != '\0')
        return mmn_fail(error, MMN_INPUT, folder, NULL,
                        "%s; %s is a model for llama.cpp: give the folder of safetensors files "
                        "that it was converted from",
                        none, found->gguf);
    if (found->weights)
        return mmn_fail(error, MMN_INPUT, folder, NULL,
                        "%s, though weights: fetch all that is published of the model (hf download "
                        "OWNER/MODEL --local-dir FOLDER)",
                        none);
    if (found->model)
        return mmn_fail(error, MMN_INPUT, folder, NULL, "%s; a model lies below it: give %s", none,
                        found->model);
    return mmn_fail(error, MMN_INPUT, folder, NULL,
                    "%s; expected a folder as transformers' save_pretrained or hf download gives "
                    "it",
                    none);
}

mmn_status mmn_folder_without_config(const char *folder, mmn_error *error)
{
    contents found = {.left = ENTRIES};
    mmn_status status = look_into(&found, folder, DEPTH, error);
    if (status == MMN_OK)
        status = fail(&found, folder, error);
    mmn_free(found.model);
    return status;
}
