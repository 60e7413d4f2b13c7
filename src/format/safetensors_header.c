/* The header of a safetensors file (8 bytes of length, then JSON, then the data it describes), and
 * the types and sizes of the tensors in it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/names.h"
#include "format/safetensors_internal.h"

/* ---- Tensors --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [MMN_TYPE_BOOL] = {"BOOL", 1},       [MMN_TYPE_U8] = {"U8", 1},
    [MMN_TYPE_I8] = {"I8", 1},           [MMN_TYPE_F8_E5M2] = {"F8_E5M2", 1},
    [MMN_TYPE_F8_E4M3] = {"F8_E4M3", 1}, [MMN_TYPE_I16] = {"I16", 2},
    [MMN_TYPE_U16] = {"U16", 2},         [MMN_TYPE_F16] = {"F16", 2},
    [MMN_TYPE_BF16] = {"BF16", 2},       [MMN_TYPE_I32] = {"I32", 4},
    [MMN_TYPE_U32] = {"U32", 4},         [MMN_TYPE_F32] = {"F32", 4},
    [MMN_TYPE_F64] = {"F64", 8},         [MMN_TYPE_I64] = {"I64", 8},
    [MMN_TYPE_U64] = {"U64", 8},
};

const char *mmn_tensor_type_name(mmn_tensor_type type)
{
    return types[type].name;
}

size_t mmn_tensor_type_size(mmn_tensor_type type)
{
    return types[type].size;
}

/* The type that is spelt `name` in files; false if there is none. */
static bool type_from_name(mmn_tensor_type *type, const char *name)
{
    size_t found = MMN_NAME_INDEX(name, types);
    *type = (mmn_tensor_type)found;
    return found < MMN_LENGTH(types);
}

bool mmn_tensor_bytes(size_t *bytes, mmn_tensor_type type, const size_t *shape, size_t dimensions)
{
    *bytes = mmn_tensor_type_size(type);
    for (size_t i = 0; i < dimensions; i++)
        if (!mmn_multiply_sizes(*bytes, shape[i], bytes))
            return false;
    return true;
}

size_t mmn_tensor_elements(const mmn_tensor *tensor)
{
    return tensor->bytes / mmn_tensor_type_size(tensor->type);
}

void mmn_tensor_shape_text(char *text, size_t size, const size_t *shape, size_t dimensions)
{
    size_t used = 0;
    for (size_t i = 0; i < dimensions && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%zu", i == 0 ? "[" : ", ", shape[i]);
    if (used < size)
        snprintf(text + used, size - used, "%s", dimensions == 0 ? "[]" : "]");
}

bool mmn_tensor_is_computed(const char *name)
{
    return strstr(name, "rotary_emb.") || mmn_ends_with(name, ".embeddings.position_ids") ||
           mmn_ends_with(name, ".masked_bias") || mmn_ends_with(name, ".self_attn.bias");
}

const mmn_tensor *mmn_tensor_find(const mmn_tensor *tensors, size_t count, const char *name)
{
    return count > 0 ? bsearch(&name, tensors, count, sizeof(*tensors), mmn_compare_names) : NULL;
}

/* ---- Header ---------------------------------------------------------------------------------- */

static mmn_status fail_tensor(const mmn_safetensors_file *file, const char *name, mmn_error *error,
                              const char *message)
{
    return mmn_fail(error, MMN_INPUT, file->path, name, "%s", message);
}

/* Reads an array of non-negative integers; *count says how many there are. */
static mmn_status read_numbers(size_t *numbers, size_t *count, size_t capacity,
                               const mmn_safetensors_file *file, const char *name, const char *key,
                               const json_t *array, mmn_error *error)
{
    if (!json_is_array(array))
        return mmn_fail(error, MMN_INPUT, file->path, name, "\"%s\" is missing or not an array",
                        key);
    *count = json_array_size(array);
    if (*count > capacity)
        return mmn_fail(error, MMN_INPUT, file->path, name,
                        "\"%s\" has %zu numbers, and at most %zu are allowed", key, *count,
                        capacity);
    for (size_t i = 0; i < *count; i++) {
        const json_t *number = json_array_get(array, i);
        json_int_t value = json_integer_value(number);
        if (!json_is_integer(number) || value < 0 || (uintmax_t)value > SIZE_MAX)
            return mmn_fail(error, MMN_INPUT, file->path, name,
                            "\"%s\" must hold integers from 0 to %zu", key, (size_t)SIZE_MAX);
        numbers[i] = (size_t)value;
    }
    return MMN_OK;
}

/* Reads one tensor's entry. Its data must lie inside the `size` bytes at `data`. */
static mmn_status read_tensor(mmn_tensor *tensor, const mmn_safetensors_file *file,
                              const char *name, const json_t *entry, const uint8_t *data,
                              size_t size, mmn_error *error)
{
    *tensor = (mmn_tensor){.name = name, .file = file->path};
    if (!json_is_object(entry))
        return fail_tensor(file, name, error, "must be described by a JSON object");
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    if (!type)
        return fail_tensor(file, name, error, "\"dtype\" is missing or not a text");
    if (!type_from_name(&tensor->type, type))
        return mmn_fail(error, MMN_INPUT, file->path, name, "type \"%.40s\" is not known", type);
    MMN_TRY(read_numbers(tensor->shape, &tensor->dimensions, MMN_TENSOR_DIMENSIONS, file, name,
                         "shape", json_object_get(entry, "shape"), error));
    size_t offsets[2], offset_count;
    MMN_TRY(read_numbers(offsets, &offset_count, 2, file, name, "data_offsets",
                         json_object_get(entry, "data_offsets"), error));
    if (offset_count != 2)
        return fail_tensor(file, name, error, "\"data_offsets\" must be two numbers");
    if (offsets[0] > offsets[1] || offsets[1] > size)
        return mmn_fail(error, MMN_INPUT, file->path, name,
                        "data from byte %zu to %zu do not lie in the %zu bytes of data that the "
                        "file has: it was cut off, or its header is wrong",
                        offsets[0], offsets[1], size);
    if (!mmn_tensor_bytes(&tensor->bytes, tensor->type, tensor->shape, tensor->dimensions))
        return fail_tensor(file, name, error, "the shape is larger than memory can be");
    if (tensor->bytes != offsets[1] - offsets[0]) {
        char shape[200];
        mmn_tensor_shape_text(shape, sizeof(shape), tensor->shape, tensor->dimensions);
        return mmn_fail(error, MMN_INPUT, file->path, name,
                        "shape %s of %s takes %zu bytes, but the data have %zu", shape, type,
                        tensor->bytes, offsets[1] - offsets[0]);
    }
    tensor->data = data + offsets[0];
    return MMN_OK;
}

static int compare_places(const void *a, const void *b)
{
    const mmn_tensor *left = a, *right = b;
    if (left->data != right->data)
        return left->data < right->data ? -1 : 1;
    if (left->bytes != right->bytes)
        return left->bytes < right->bytes ? -1 : 1;
    return strcmp(left->name, right->name);
}

/* Each tensor begins where the one before ended, and the last ends with the file. Sorts the
 * tensors by place, then by name. */
static mmn_status check_places(mmn_safetensors_file *file, const uint8_t *data, size_t size,
                               mmn_error *error)
{
    if (file->count > 0)
        qsort(file->tensors, file->count, sizeof(*file->tensors), compare_places);
    size_t end = 0;
    for (size_t i = 0; i < file->count; i++) {
        const mmn_tensor *tensor = &file->tensors[i];
        size_t begin = (size_t)(tensor->data - data);
        if (begin != end)
            return mmn_fail(error, MMN_INPUT, file->path, tensor->name,
                            begin > end ? "data begin at byte %zu and leave a hole after byte %zu"
                                        : "data begin at byte %zu inside those of another tensor, "
                                          "which end at byte %zu",
                            begin, end);
        end += tensor->bytes;
    }
    if (end != size)
        return mmn_fail(error, MMN_INPUT, file->path, NULL,
                        "tensors take %zu bytes of data, but the file has %zu", end, size);
    if (file->count > 0)
        qsort(file->tensors, file->count, sizeof(*file->tensors), mmn_compare_names);
    return MMN_OK;
}

static mmn_status check_metadata(const mmn_safetensors_file *file, json_t *metadata,
                                 mmn_error *error)
{
    if (!json_is_object(metadata))
        return fail_tensor(file, "__metadata__", error, "must be an object");
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value) if (!json_is_string(value)) return mmn_fail(
        error, MMN_INPUT, file->path, "__metadata__", "\"%.100s\" must be a text", key);
    return MMN_OK;
}

/* Reads all entries of the header into file->tensors, with names of their own. */
static mmn_status read_tensors(mmn_safetensors_file *file, json_t *header, const uint8_t *data,
                               size_t size, mmn_error *error)
{
    size_t name_bytes = 0;
    const char *key;
    json_t *entry;
    json_object_foreach(header, key, entry) name_bytes += strlen(key) + 1;
    file->names = mmn_allocate(name_bytes, 1, error);
    file->tensors = mmn_allocate(json_object_size(header), sizeof(*file->tensors), error);
    MMN_NEED(file->names && file->tensors);

    char *name = file->names;
    json_object_foreach(header, key, entry)
    {
        if (strcmp(key, "__metadata__") == 0) {
            MMN_TRY(check_metadata(file, entry, error));
            file->metadata = json_incref(entry);
        } else {
            size_t length = strlen(key) + 1;
            memcpy(name, key, length);
            MMN_TRY(
                read_tensor(&file->tensors[file->count++], file, name, entry, data, size, error));
            name += length;
        }
    }
    return MMN_OK;
}

mmn_status mmn_safetensors_parse_file(mmn_safetensors_file *file, const uint8_t *data, size_t size,
                                      mmn_error *error)
{
    file->size = size;
    if (size < 8)
        return mmn_fail(error, MMN_INPUT, file->path, NULL,
                        "is too short for a safetensors file: %zu bytes", size);
    uint64_t length = mmn_load_u64(data);
    if (length > MMN_SAFETENSORS_HEADER_LIMIT)
        return mmn_fail(error, MMN_INPUT, file->path, "byte 0",
                        "is not a safetensors file: its header would take %" PRIu64
                        " bytes, and at most %d are allowed",
                        length, MMN_SAFETENSORS_HEADER_LIMIT);
    if (length > size - 8)
        return mmn_fail(error, MMN_INPUT, file->path, "byte 0",
                        "the header should take %" PRIu64 " bytes, but the file has only %zu more",
                        length, size - 8);
    size_t header_size = (size_t)length;
    const char *text = (const char *)data + 8;
    size_t white = 0;
    while (white < header_size && memchr(" \t\r\n", text[white], 4))
        white++;
    if (white == header_size || text[white] != '{')
        return mmn_fail(error, MMN_INPUT, file->path, "byte 8",
                        "the header must begin with '{', or white space before it");

    json_t *header;
    MMN_TRY(mmn_json_parse(&header, text, header_size, file->path, error));
    const uint8_t *first = data + 8 + header_size;
    mmn_status status = read_tensors(file, header, first, size - 8 - header_size, error);
    if (status == MMN_OK)
        status = check_places(file, first, size - 8 - header_size, error);
    json_decref(header);
    return status;
}
