/* Tensors: types, sizes, and finding one by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/safetensors_internal.h"

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

bool mmn_tensor_type_from_name(mmn_tensor_type *type, const char *name)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].name, name) == 0) {
            *type = (mmn_tensor_type)i;
            return true;
        }
    }
    return false;
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

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

bool mmn_tensor_is_computed(const char *name)
{
    return strstr(name, "rotary_emb.") || ends_with(name, ".embeddings.position_ids") ||
           ends_with(name, ".masked_bias") || ends_with(name, ".self_attn.bias");
}

static int compare_with_name(const void *name, const void *tensor)
{
    return strcmp(name, ((const mmn_tensor *)tensor)->name);
}

const mmn_tensor *mmn_tensor_find(const mmn_tensor *tensors, size_t count, const char *name)
{
    return count > 0 ? bsearch(name, tensors, count, sizeof(*tensors), compare_with_name) : NULL;
}
