/* safetensors: opening one file or the shards of a folder, and access to the tensors. */
#include "format/safetensors.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/file_kind.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/reader.h"
#include "format/safetensors_internal.h"

#define SHARD_LIMIT 10000

/* Maps and parses `path` into `file`, which is all zero and owns it afterwards. */
static mmn_status open_file(mmn_safetensors_file *file, const char *path, mmn_error *error)
{
    MMN_NEED(file->path = mmn_copy_text(path, error));
    mmn_status status = mmn_map_file(&file->mapping, path, error);
    if (status == MMN_OK)
        status = mmn_safetensors_parse_file(file, file->mapping.data, file->mapping.size, error);
    return mmn_file_kind_explain(error, status, path, MMN_KIND_SAFETENSORS);
}

mmn_status mmn_safetensors_unchanged(const mmn_safetensors *tensors, mmn_error *error)
{
    for (size_t i = 0; i < tensors->file_count; i++)
        if (tensors->files[i].mapping.data)
            MMN_TRY(mmn_file_unchanged(&tensors->files[i].mapping.identity, tensors->files[i].path,
                                       error));
    return MMN_OK;
}

void mmn_safetensors_close(mmn_safetensors *tensors)
{
    if (!tensors)
        return;
    for (size_t i = 0; i < tensors->file_count; i++) {
        mmn_safetensors_file *file = &tensors->files[i];
        mmn_unmap(&file->mapping);
        json_decref(file->metadata);
        mmn_free(file->path);
        mmn_free(file->names);
        mmn_free(file->tensors);
    }
    mmn_free(tensors->files);
    mmn_free(tensors->tensors);
    mmn_free(tensors->aliases);
    mmn_free(tensors);
}

/* An object with room for `file_count` files, all zero. */
static mmn_safetensors *allocate_files(size_t file_count, mmn_error *error)
{
    mmn_safetensors *tensors = mmn_allocate(1, sizeof(*tensors), error);
    if (!tensors)
        return NULL;
    tensors->files = mmn_allocate(file_count, sizeof(*tensors->files), error);
    if (!tensors->files) {
        mmn_free(tensors);
        return NULL;
    }
    tensors->file_count = file_count;
    return tensors;
}

static int compare_aliases(const void *a, const void *b)
{
    const mmn_tensor_alias *one = a, *other = b;
    int order = strcmp(one->name, other->name);
    return order != 0 ? order : strcmp(one->tensor->name, other->tensor->name);
}

/* Makes one sorted array of the second names that the files' metadata give to their tensors. */
static mmn_status gather_aliases(mmn_safetensors *tensors, mmn_error *error)
{
    size_t most = 0, kept = 0;
    const char *name;
    json_t *value;
    for (size_t i = 0; i < tensors->file_count; i++)
        most += json_object_size(tensors->files[i].metadata);
    MMN_NEED(tensors->aliases = mmn_allocate(most, sizeof(*tensors->aliases), error));
    for (size_t i = 0; i < tensors->file_count; i++) {
        const mmn_safetensors_file *file = &tensors->files[i];
        json_object_foreach(file->metadata, name, value)
        {
            const char *stored = json_string_value(value);
            if (stored && mmn_tensor_find(file->tensors, file->count, stored) &&
                !mmn_safetensors_find(tensors, name))
                tensors->aliases[tensors->alias_count++] =
                    (mmn_tensor_alias){name, mmn_safetensors_find(tensors, stored)};
        }
    }
    if (tensors->alias_count > 0)
        qsort(tensors->aliases, tensors->alias_count, sizeof(*tensors->aliases), compare_aliases);
    for (size_t i = 0; i < tensors->alias_count; i++)
        if (kept == 0 || strcmp(tensors->aliases[i].name, tensors->aliases[kept - 1].name) != 0)
            tensors->aliases[kept++] = tensors->aliases[i];
    tensors->alias_count = kept;
    return MMN_OK;
}

/* Makes one sorted array of the tensors of all files. */
static mmn_status gather(mmn_safetensors *tensors, mmn_error *error)
{
    for (size_t i = 0; i < tensors->file_count; i++)
        tensors->count += tensors->files[i].count;
    MMN_NEED(tensors->tensors = mmn_allocate(tensors->count, sizeof(*tensors->tensors), error));
    size_t gathered = 0;
    for (size_t i = 0; i < tensors->file_count; i++) {
        const mmn_safetensors_file *file = &tensors->files[i];
        for (size_t j = 0; j < file->count; j++)
            tensors->tensors[gathered++] = file->tensors[j];
    }
    if (gathered > 0)
        qsort(tensors->tensors, gathered, sizeof(*tensors->tensors), mmn_compare_names);
    for (size_t i = 1; i < gathered; i++) {
        const mmn_tensor *one = &tensors->tensors[i - 1], *other = &tensors->tensors[i];
        if (strcmp(one->name, other->name) == 0)
            return mmn_fail(error, MMN_INPUT, other->file, other->name,
                            "tensor is in %.600s too; expected it in one shard", one->file);
    }
    return gather_aliases(tensors, error);
}

/* Ends the opening of a file or folder, whose files have been read unless `status` is an error: it
 * is closed then. */
static mmn_status finish(mmn_safetensors **result, mmn_safetensors *tensors, mmn_status status,
                         mmn_error *error)
{
    if (status == MMN_OK)
        status = gather(tensors, error);
    if (status != MMN_OK) {
        mmn_safetensors_close(tensors);
        tensors = NULL;
    }
    *result = tensors;
    return status;
}

mmn_status mmn_safetensors_open(mmn_safetensors **result, const char *path, mmn_error *error)
{
    mmn_safetensors *tensors = allocate_files(1, error);
    mmn_status status = tensors ? open_file(&tensors->files[0], path, error) : MMN_SYSTEM;
    return finish(result, tensors, status, error);
}

mmn_status mmn_safetensors_parse(mmn_safetensors **result, const void *data, size_t size,
                                 const char *path, mmn_error *error)
{
    mmn_safetensors *tensors = allocate_files(1, error);
    mmn_status status = MMN_SYSTEM;
    if (tensors && (tensors->files[0].path = mmn_copy_text(path, error)))
        status = mmn_safetensors_parse_file(&tensors->files[0], data, size, error);
    return finish(result, tensors, status, error);
}

/* What model.safetensors.index.json says. */
typedef struct shard_index {
    const char *path;
    json_t *document, *weight_map; /* in it, {name of tensor: name of file} */
    const char **shards;           /* the files' names, each once, sorted */
    size_t shard_count;
} shard_index;

/* A shard is a file in the same folder, whatever a hostile index says. */
static bool is_plain_name(const char *name)
{
    return name[0] != '\0' && !strchr(name, '/') && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

/* Collects the names of the shards, each once, of the index's weight_map. */
static mmn_status list_shards(shard_index *index, const mmn_object *weight_map, mmn_error *error)
{
    size_t count = json_object_size(weight_map->value);
    MMN_NEED(index->shards = mmn_allocate(count, sizeof(*index->shards), error));
    const char *name;
    json_t *value;
    size_t listed = 0;
    json_object_foreach(weight_map->value, name, value)
    {
        const char *shard = json_string_value(value);
        if (!shard || !is_plain_name(shard)) {
            mmn_read_wrong(weight_map, name, "must name a file in the same folder");
            return MMN_INPUT;
        }
        index->shards[listed++] = shard;
    }
    if (listed == 0)
        return mmn_fail(error, MMN_INPUT, index->path, "weight_map", "names no tensor");
    qsort(index->shards, listed, sizeof(*index->shards), mmn_compare_names);
    for (size_t i = 0; i < listed; i++)
        if (i == 0 || strcmp(index->shards[i], index->shards[i - 1]) != 0)
            index->shards[index->shard_count++] = index->shards[i];
    if (index->shard_count > SHARD_LIMIT)
        return mmn_fail(error, MMN_INPUT, index->path, "weight_map",
                        "names %zu files, and at most %d are allowed", index->shard_count,
                        SHARD_LIMIT);
    return MMN_OK;
}

static mmn_status read_index(shard_index *index, const char *path, mmn_error *error)
{
    *index = (shard_index){.path = path};
    mmn_reader reader = {.error = error};
    reader.status =
        mmn_json_load_published(&index->document, path, MMN_SAFETENSORS_HEADER_LIMIT, error);
    const mmn_object root = mmn_read_document(&reader, index->document, path);
    mmn_read_required(&root, "weight_map");
    const mmn_object weight_map = mmn_read_object(&root, "weight_map");
    index->weight_map = weight_map.value;
    return reader.status == MMN_OK ? list_shards(index, &weight_map, error) : reader.status;
}

static void free_index(shard_index *index)
{
    mmn_free(index->shards);
    json_decref(index->document);
}

static mmn_status open_shard(mmn_safetensors_file *file, const char *folder, const char *name,
                             mmn_error *error)
{
    char *path;
    MMN_TRY(mmn_path_join(&path, folder, name, error));
    bool found;
    mmn_status status = mmn_find_file(&found, path, error);
    if (status == MMN_OK && !found)
        status = mmn_fail(
            error, MMN_INPUT, path, NULL,
            "is missing: model.safetensors.index.json names it as a shard; if the model was "
            "downloaded, the same hf download goes on with what is missing");
    else if (status == MMN_OK)
        status = open_file(file, path, error);
    mmn_free(path);
    return status;
}

/* Every tensor of the map is in the shard that the map says, but for buffers that nobody reads. */
static mmn_status check_map(const shard_index *index, const mmn_safetensors *tensors,
                            mmn_error *error)
{
    const char *name;
    json_t *value;
    json_object_foreach(index->weight_map, name, value)
    {
        const char *shard = json_string_value(value);
        const char **found = bsearch(&shard, index->shards, index->shard_count,
                                     sizeof(*index->shards), mmn_compare_names);
        const mmn_safetensors_file *file = &tensors->files[found - index->shards];
        if (!mmn_tensor_find(file->tensors, file->count, name) && !mmn_tensor_is_computed(name))
            return mmn_fail(error, MMN_INPUT, file->path, name,
                            "tensor is missing, although model.safetensors.index.json says that "
                            "it is in this file");
    }
    return MMN_OK;
}

static mmn_status open_shards(mmn_safetensors **result, const char *folder, const char *index_path,
                              mmn_error *error)
{
    shard_index index;
    mmn_safetensors *tensors = NULL;
    mmn_status status = read_index(&index, index_path, error);
    if (status == MMN_OK && !(tensors = allocate_files(index.shard_count, error)))
        status = MMN_SYSTEM;
    for (size_t i = 0; status == MMN_OK && i < index.shard_count; i++)
        status = open_shard(&tensors->files[i], folder, index.shards[i], error);
    if (status == MMN_OK)
        status = check_map(&index, tensors, error);
    free_index(&index);
    return finish(result, tensors, status, error);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

/* What a folder has in place of weights that are read. */
typedef struct other_weights {
    bool pickled, adapter;
    char name[256]; /* the first, in the order of names, that has another form or name */
} other_weights;

static void look_at(other_weights *others, const char *name)
{
    static const char *const forms[] = {".safetensors", ".gguf", ".ggml",    ".pt",  ".pth",
                                        ".h5",          ".npz",  ".msgpack", ".onnx"};
    bool adapter = strncmp(name, "adapter_", strlen("adapter_")) == 0, other = false;
    others->adapter |= adapter;
    if (adapter)
        return;
    others->pickled |= ends_with(name, ".bin");
    for (size_t i = 0; i < MMN_LENGTH(forms); i++)
        other |= ends_with(name, forms[i]);
    if (other && strlen(name) < sizeof(others->name) &&
        (others->name[0] == '\0' || strcmp(name, others->name) < 0))
        strcpy(others->name, name);
}

/* Says why a folder without safetensors cannot be opened. */
static mmn_status fail_without_weights(const char *folder, mmn_error *error)
{
    static const char neither[] =
        "holds neither model.safetensors nor model.safetensors.index.json";
    DIR *listing = opendir(folder);
    other_weights others = {0};
    for (const struct dirent *entry; listing && (entry = readdir(listing));)
        look_at(&others, entry->d_name);
    if (listing)
        closedir(listing);
    if (others.name[0] != '\0')
        return mmn_fail(error, MMN_INPUT, folder, NULL,
                        "%s; it has %s, whose form or name is not one that transformers' "
                        "save_pretrained gives",
                        neither, others.name);
    if (others.pickled)
        return mmn_fail(error, MMN_INPUT, folder, NULL,
                        "holds weights only as PyTorch .bin files, which are not supported: "
                        "convert them to safetensors (load the model with transformers and call "
                        "save_pretrained)");
    return mmn_fail(error, MMN_INPUT, folder, NULL, "%s%s", neither,
                    others.adapter
                        ? "; it has an adapter (LoRA) alone, which has to be merged into "
                          "its model (peft's merge_and_unload)"
                        : "; if the model was downloaded, the same hf download goes on with what "
                          "is missing");
}

mmn_status mmn_safetensors_open_folder(mmn_safetensors **tensors, const char *folder,
                                       mmn_error *error)
{
    *tensors = NULL;
    if (!mmn_is_folder(folder))
        return mmn_fail(error, MMN_INPUT, folder, NULL, "is not a folder");
    char *path;
    MMN_TRY(mmn_find_in_folder(&path, folder, "model.safetensors", error));
    bool single = path;
    if (!single)
        MMN_TRY(mmn_find_in_folder(&path, folder, "model.safetensors.index.json", error));
    mmn_status status = single ? mmn_safetensors_open(tensors, path, error)
                        : path ? open_shards(tensors, folder, path, error)
                               : fail_without_weights(folder, error);
    mmn_free(path);
    return status;
}

/* Drops the tensors of a file whose names do not begin with `prefix`. */
static void keep_beginning(mmn_safetensors_file *file, const char *prefix)
{
    size_t kept = 0, length = strlen(prefix);
    for (size_t i = 0; i < file->count; i++)
        if (strncmp(file->tensors[i].name, prefix, length) == 0)
            file->tensors[kept++] = file->tensors[i];
    file->count = kept;
}

mmn_status mmn_safetensors_join(mmn_safetensors **joined, mmn_safetensors *tensors,
                                mmn_safetensors *other, const char *prefix, mmn_error *error)
{
    mmn_safetensors *both = allocate_files(tensors->file_count + other->file_count, error);
    *joined = NULL;
    for (size_t i = 0; i < other->file_count && both; i++)
        keep_beginning(&other->files[i], prefix);
    if (both) {
        memcpy(both->files, tensors->files, tensors->file_count * sizeof(*both->files));
        memcpy(both->files + tensors->file_count, other->files,
               other->file_count * sizeof(*both->files));
        tensors->file_count = other->file_count = 0;
    }
    mmn_safetensors_close(tensors);
    mmn_safetensors_close(other);
    return both ? finish(joined, both, MMN_OK, error) : MMN_SYSTEM;
}

size_t mmn_safetensors_count(const mmn_safetensors *tensors)
{
    return tensors->count;
}

const mmn_tensor *mmn_safetensors_get(const mmn_safetensors *tensors, size_t index)
{
    return &tensors->tensors[index];
}

const mmn_tensor *mmn_safetensors_find(const mmn_safetensors *tensors, const char *name)
{
    return mmn_tensor_find(tensors->tensors, tensors->count, name);
}

const char *mmn_safetensors_metadata(const mmn_safetensors *tensors, const char *key)
{
    return json_string_value(json_object_get(tensors->files[0].metadata, key));
}

const mmn_tensor_alias *mmn_safetensors_aliases(const mmn_safetensors *tensors, size_t *count)
{
    *count = tensors->alias_count;
    return tensors->aliases;
}

size_t mmn_safetensors_file_count(const mmn_safetensors *tensors)
{
    return tensors->file_count;
}
