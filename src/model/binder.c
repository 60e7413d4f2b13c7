/* Binding: taking named tensors out of a checkpoint, each once and with the shape expected. */
#include "model/binder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- Names ----------------------------------------------------------------------------------- */

/* Rules for the beginning of a name, applied one after the other as long as one fits. Layouts:
 * P, published by llava-hf; 4, transformers from 4.52 on; 5, transformers 5; F, transformers 5
 * saving a model that it did not load; O, the original code; B, a language model saved without
 * its head. */
static const mmn_name_rule common_rules[] = {
    {"model.language_model.", "language_model."},                 /* 4 5 */
    {"model.vision_tower.", "vision_tower."},                     /* 4 5 O */
    {"model.multi_modal_projector.", "multi_modal_projector."},   /* 4 5 */
    {"model.image_newline", "image_newline"},                     /* 4 5 O */
    {"model.mm_projector.0.", "multi_modal_projector.linear_1."}, /* O */
    {"model.mm_projector.2.", "multi_modal_projector.linear_2."}, /* O */
    {"model.mm_projector.", "multi_modal_projector.linear."},     /* O, of one layer */
    {"model.layers.", "language_model.layers."},                  /* O */
    {"model.embed_tokens.", "language_model.embed_tokens."},      /* O */
    {"model.norm.", "language_model.norm."},                      /* O */
    {"layers.", "language_model.layers."},                        /* B */
    {"embed_tokens.", "language_model.embed_tokens."},            /* B */
    {"norm.", "language_model.norm."},                            /* B */
    {"language_model.lm_head.", "lm_head."},                      /* P F */
    {"language_model.model.", "language_model."},                 /* P F */
    {"vision_tower.vision_tower.", "vision_tower."},              /* O */
    {"vision_tower.vision_model.", "vision_tower."},              /* P 4 O */
    {"vision_model.", "vision_tower."},                           /* InstructBLIP's P and 5 */
    {NULL, NULL},
};

/* Replaces the beginning of `name` by the first rule that fits. */
static bool apply_rule(char *name, const mmn_name_rule *rules)
{
    for (; rules && rules->prefix; rules++) {
        size_t prefix = strlen(rules->prefix), replacement = strlen(rules->replacement);
        if (strncmp(name, rules->prefix, prefix) == 0) {
            memmove(name + replacement, name + prefix, strlen(name + prefix) + 1);
            memcpy(name, rules->replacement, replacement);
            return true;
        }
    }
    return false;
}

void mmn_normalise_name(char *name, const char *original, const mmn_name_rule *rules)
{
    memcpy(name, original, strlen(original) + 1);
    /* The longest chain is O's vision tower: three rules. The bound keeps a name that repeats
     * a prefix from going through more. */
    for (int step = 0; step < 3 && (apply_rule(name, common_rules) || apply_rule(name, rules));
         step++)
        continue;
}

/* ---- Listing --------------------------------------------------------------------------------- */

static int compare_named(const void *a, const void *b)
{
    return strcmp(((const mmn_named_tensor *)a)->name, ((const mmn_named_tensor *)b)->name);
}

static void sort(mmn_named_tensor *named, size_t count)
{
    if (count > 0)
        qsort(named, count, sizeof(*named), compare_named);
}

static size_t room_for(const char *name)
{
    return strlen(name) + MMN_NAME_GROWTH;
}

/* Appends the tensor under the normalised form of a name, for which there is room at *room; one
 * that can be computed from the configuration is left out. */
static void add_named(mmn_named_tensor *named, size_t *count, char **room, const char *name,
                      const mmn_tensor *tensor, const mmn_name_rule *rules)
{
    mmn_normalise_name(*room, name, rules);
    if (!mmn_tensor_is_computed(*room))
        named[(*count)++] = (mmn_named_tensor){.name = *room, .tensor = tensor};
    *room += room_for(name);
}

/* Lists the tensors, and behind them those that a file gives a second name under that one. */
static mmn_status list_tensors(mmn_binder *binder, const mmn_safetensors *tensors,
                               const mmn_name_rule *rules)
{
    size_t count = mmn_safetensors_count(tensors), alias_count, bytes = 0;
    const mmn_tensor_alias *aliases = mmn_safetensors_aliases(tensors, &alias_count);
    for (size_t i = 0; i < count; i++)
        bytes += room_for(mmn_safetensors_get(tensors, i)->name);
    for (size_t i = 0; i < alias_count; i++)
        bytes += room_for(aliases[i].name);
    MMN_NEED(binder->named =
                 mmn_allocate(count + alias_count, sizeof(*binder->named), binder->error));
    MMN_NEED(binder->used = mmn_allocate(count, sizeof(*binder->used), binder->error));
    MMN_NEED(binder->names = mmn_allocate(bytes, sizeof(*binder->names), binder->error));

    char *room = binder->names;
    for (size_t i = 0; i < count; i++) {
        const mmn_tensor *tensor = mmn_safetensors_get(tensors, i);
        add_named(binder->named, &binder->count, &room, tensor->name, tensor, rules);
    }
    binder->aliases = binder->named + binder->count;
    for (size_t i = 0; i < alias_count; i++)
        add_named(binder->aliases, &binder->alias_count, &room, aliases[i].name, aliases[i].tensor,
                  rules);
    sort(binder->named, binder->count);
    sort(binder->aliases, binder->alias_count);
    return MMN_OK;
}

/* Checks that no two names have become the same. */
static mmn_status check_names(const mmn_binder *binder)
{
    for (size_t i = 1; i < binder->count; i++) {
        const mmn_named_tensor *one = &binder->named[i - 1], *other = &binder->named[i];
        if (strcmp(one->name, other->name) == 0)
            return mmn_fail(binder->error, MMN_INPUT, other->tensor->file, other->tensor->name,
                            "is another form of the name of %.200s, which is there too",
                            one->tensor->name);
    }
    return MMN_OK;
}

void mmn_binder_begin(mmn_binder *binder, const mmn_safetensors *tensors, const char *file,
                      const mmn_name_rule *rules, mmn_error *error)
{
    *binder = (mmn_binder){.file = file, .error = error};
    binder->status = list_tensors(binder, tensors, rules);
    if (binder->status == MMN_OK)
        binder->status = check_names(binder);
}

void mmn_binder_free(mmn_binder *binder)
{
    mmn_free(binder->used);
    mmn_free(binder->vectors);
}

static mmn_named_tensor *search(mmn_named_tensor *named, size_t count, const char *name)
{
    const mmn_named_tensor key = {.name = name};
    return count > 0 ? bsearch(&key, named, count, sizeof(*named), compare_named) : NULL;
}

/* The tensor with this name, or else the one that a file says has this name too. */
static const mmn_named_tensor *find(const mmn_binder *binder, const char *name)
{
    const mmn_named_tensor *found = search(binder->named, binder->count, name);
    const mmn_named_tensor *alias = found ? NULL
                                          : search(binder->aliases, binder->alias_count, name);
    for (size_t i = 0; alias && !found && i < binder->count; i++)
        if (binder->named[i].tensor == alias->tensor)
            found = &binder->named[i];
    return found;
}

const mmn_tensor *mmn_binder_find(const mmn_binder *binder, const char *name)
{
    const mmn_named_tensor *found = find(binder, name);
    return found ? found->tensor : NULL;
}

/* ---- Taking ---------------------------------------------------------------------------------- */

void mmn_binder_prefix(mmn_binder *binder, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(binder->prefix, sizeof(binder->prefix), format, arguments);
    va_end(arguments);
}

void mmn_binder_no_prefix(mmn_binder *binder)
{
    binder->prefix[0] = '\0';
}

int mmn_stored_weight_type(mmn_tensor_type stored)
{
    switch (stored) {
    case MMN_TYPE_F32:
        return MMN_WEIGHT_F32;
    case MMN_TYPE_F16:
        return MMN_WEIGHT_F16;
    case MMN_TYPE_BF16:
        return MMN_WEIGHT_BF16;
    default:
        return -1;
    }
}

static bool same_shape(const mmn_tensor *tensor, const size_t *shape, size_t dimensions)
{
    return tensor->dimensions == dimensions &&
           memcmp(tensor->shape, shape, dimensions * sizeof(*shape)) == 0;
}

/* MMN_INPUT unless the tensor has this shape and a type of weights. */
static mmn_status check(const mmn_binder *binder, const mmn_tensor *tensor, const char *expected,
                        const size_t *shape, size_t dimensions)
{
    char found[200];
    if (mmn_stored_weight_type(tensor->type) < 0)
        return mmn_fail(binder->error, MMN_INPUT, tensor->file, tensor->name,
                        "type %s is not supported for weights; supported are BF16, F16 and F32",
                        mmn_tensor_type_name(tensor->type));
    if (same_shape(tensor, shape, dimensions))
        return MMN_OK;
    mmn_tensor_shape_text(found, sizeof(found), tensor->shape, tensor->dimensions);
    return mmn_fail(binder->error, MMN_INPUT, tensor->file, tensor->name,
                    "shape is %s; the configuration asks for %s", found, expected);
}

void mmn_wanted_free(mmn_wanted *wanted)
{
    mmn_free(wanted->list);
    mmn_blocks_free(&wanted->names);
}

static mmn_status want(mmn_wanted *wanted, const char *name, const size_t *shape, size_t dimensions,
                       mmn_error *error)
{
    mmn_tensor tensor = {.dimensions = dimensions};
    memcpy(tensor.shape, shape, dimensions * sizeof(*shape));
    MMN_NEED(tensor.name = mmn_blocks_keep(&wanted->names, mmn_copy_text(name, error), error));
    MMN_TRY(MMN_RESERVE(wanted->list, wanted->capacity, wanted->count + 1, error));
    wanted->list[wanted->count++] = tensor;
    return MMN_OK;
}

const mmn_tensor *mmn_binder_take(mmn_binder *binder, const char *name, const size_t *shape,
                                  size_t dimensions, bool optional)
{
    if (binder->status != MMN_OK)
        return NULL;
    char full[2 * sizeof(binder->prefix)], expected[200];
    snprintf(full, sizeof(full), "%s%s", binder->prefix, name);
    mmn_tensor_shape_text(expected, sizeof(expected), shape, dimensions);
    const mmn_named_tensor *found = find(binder, full);
    if (found)
        binder->status = check(binder, found->tensor, expected, shape, dimensions);
    else if (!optional && binder->wanted)
        binder->status = want(binder->wanted, full, shape, dimensions, binder->error);
    else if (!optional)
        binder->status = mmn_fail(binder->error, MMN_INPUT, binder->file, full,
                                  "tensor is missing; the configuration asks for one of shape %s",
                                  expected);
    if (!found || binder->status != MMN_OK)
        return NULL;
    const mmn_tensor *tensor = found->tensor;
    binder->seen_types[mmn_stored_weight_type(tensor->type)] = true;
    if (!binder->used[found - binder->named]) { /* two names may share a tensor */
        binder->parameters += mmn_tensor_elements(tensor);
        binder->bytes += tensor->bytes;
    }
    binder->used[found - binder->named] = true;
    return tensor;
}

void mmn_binder_take_matrix(mmn_binder *binder, mmn_matrix *matrix, const char *name,
                            const size_t *shape, size_t dimensions, bool optional)
{
    const mmn_tensor *tensor = mmn_binder_take(binder, name, shape, dimensions, optional);
    if (!tensor)
        return;
    *matrix = (mmn_matrix){.data = tensor->data,
                           .type = (mmn_weight_type)mmn_stored_weight_type(tensor->type),
                           .rows = shape[0],
                           .columns = 1};
    for (size_t i = 1; i < dimensions; i++)
        matrix->columns *= shape[i];
}

static void add_waiting(mmn_binder *binder, mmn_waiting_vector vector)
{
    if (binder->status != MMN_OK)
        return;
    binder->status = MMN_RESERVE(binder->vectors, binder->vector_capacity, binder->vector_count + 1,
                                 binder->error);
    if (binder->status == MMN_OK)
        binder->vectors[binder->vector_count++] = vector;
}

void mmn_binder_take_array(mmn_binder *binder, const float **array, const char *name,
                           const size_t *shape, size_t dimensions)
{
    const mmn_tensor *tensor = mmn_binder_take(binder, name, shape, dimensions, false);
    if (tensor)
        add_waiting(binder, (mmn_waiting_vector){.place = array,
                                                 .tensor = tensor,
                                                 .length = mmn_tensor_elements(tensor)});
}

void mmn_binder_take_vector(mmn_binder *binder, const float **vector, const char *name,
                            size_t length)
{
    mmn_binder_take_array(binder, vector, name, MMN_SHAPE(length));
}

/* Writes what the weight or the bias of a layer is called. */
static const char *part_of(char part[64], const char *name, const char *end)
{
    snprintf(part, 64, "%s%s", name, end);
    return part;
}

void mmn_binder_take_stacked(mmn_binder *binder, mmn_linear *const *linears, size_t count,
                             const char *name, size_t outputs, size_t inputs, bool bias)
{
    char part[64];
    const size_t shape[2] = {count * outputs, inputs};
    mmn_matrix all = {0};
    mmn_binder_take_matrix(binder, &all, part_of(part, name, ".weight"), shape, 2, false);
    const mmn_tensor *biases = NULL;
    if (bias)
        biases = mmn_binder_take(binder, part_of(part, name, ".bias"), shape, 1, false);
    if (binder->status != MMN_OK || !all.data)
        return;
    size_t row_bytes = inputs * mmn_weight_size(all.type);
    for (size_t i = 0; i < count; i++) {
        linears[i]->weight = (mmn_matrix){
            .data = (const unsigned char *)all.data + i * outputs * row_bytes,
            .type = all.type,
            .rows = outputs,
            .columns = inputs,
        };
        if (biases)
            add_waiting(binder, (mmn_waiting_vector){.place = &linears[i]->bias,
                                                     .tensor = biases,
                                                     .first = i * outputs,
                                                     .length = outputs});
    }
}

void mmn_binder_take_linear(mmn_binder *binder, mmn_linear *linear, const char *name,
                            size_t outputs, size_t inputs, bool bias)
{
    mmn_binder_take_stacked(binder, &linear, 1, name, outputs, inputs, bias);
}

void mmn_binder_take_norm(mmn_binder *binder, mmn_norm *norm, const char *name, size_t width,
                          bool bias)
{
    char part[64];
    mmn_binder_take_vector(binder, &norm->weight, part_of(part, name, ".weight"), width);
    if (bias)
        mmn_binder_take_vector(binder, &norm->bias, part_of(part, name, ".bias"), width);
}

void mmn_binder_take_bert_mlp(mmn_binder *binder, mmn_bert_mlp_weights *mlp, const char *suffix,
                              size_t width, size_t inner)
{
    char name[64];
    snprintf(name, sizeof(name), "intermediate%s.dense", suffix);
    mmn_binder_take_linear(binder, &mlp->intermediate, name, inner, width, true);
    snprintf(name, sizeof(name), "output%s.dense", suffix);
    mmn_binder_take_linear(binder, &mlp->output, name, width, inner, true);
    snprintf(name, sizeof(name), "output%s.LayerNorm", suffix);
    mmn_binder_take_norm(binder, &mlp->norm, name, width, true);
}

static void refuse_surplus(mmn_binder *binder)
{
    for (size_t i = 0; i < binder->count && binder->status == MMN_OK; i++) {
        const mmn_tensor *tensor = binder->named[i].tensor;
        if (!binder->used[i])
            binder->status = mmn_fail(binder->error, MMN_INPUT, tensor->file, tensor->name,
                                      "surplus tensor: the configuration has no place for it");
    }
}

/* Widens all vectors into one block, each beginning at a multiple of 16 elements. */
static void widen_vectors(mmn_binder *binder, float **vectors)
{
    size_t total = 0;
    for (size_t i = 0; i < binder->vector_count; i++)
        total += (binder->vectors[i].length + 15) / 16 * 16;
    if (binder->status != MMN_OK)
        return;
    float *block = mmn_allocate(total, sizeof(*block), binder->error);
    if (!block) {
        binder->status = MMN_SYSTEM;
        return;
    }
    *vectors = block;
    for (size_t i = 0; i < binder->vector_count; i++) {
        const mmn_waiting_vector *vector = &binder->vectors[i];
        mmn_weight_type type = (mmn_weight_type)mmn_stored_weight_type(vector->tensor->type);
        mmn_kernels_reference()->widen(block,
                                       vector->tensor->data + vector->first * mmn_weight_size(type),
                                       type, vector->length);
        *vector->place = block;
        block += (vector->length + 15) / 16 * 16;
    }
}

void mmn_binder_finish(mmn_binder *binder, float **vectors)
{
    refuse_surplus(binder);
    widen_vectors(binder, vectors);
}
