/* Random weights: those that transformers 5.23 gives a model which is made from its configuration
 * alone, by the same distributions. */
#include "model/draw_weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/random.h"
#include "base/reader.h"
#include "base/threads.h"
#include "model/binder.h"
#include "model/family.h"
#include "model/random_normal.h"

/* Numbers that are drawn together. */
enum { DRAWN = 4096 };

/* What config.json says of it. */
typedef struct initialisation {
    double top, text, vision, qformer;     /* standard deviations (initializer_range) */
    double factor;                         /* initializer_factor of a CLIP */
    int64_t text_padding, qformer_padding; /* rows of embeddings that are 0; -1: none */
    mmn_tensor_type type;
} initialisation;

typedef enum distribution_kind { ZEROS, ONES, NORMAL, UNIFORM } distribution_kind;

typedef struct distribution {
    distribution_kind kind;
    double width; /* NORMAL: the standard deviation; UNIFORM: the bound */
} distribution;

/* ---- What the configuration says ------------------------------------------------------------- */

/* A deviation of 0 is the library's usual one, as it is there. */
static void read_deviation(double *deviation, const mmn_object *object, const char *key)
{
    double read = *deviation;
    mmn_read_f64(&read, object, key, 0, 1e6);
    *deviation = read > 0 ? read : 0.02;
}

static void read_type(mmn_tensor_type *type, const mmn_object *object)
{
    const char *name = NULL;
    mmn_read_text(&name, object, "torch_dtype");
    mmn_read_text(&name, object, "dtype");
    if (name && strcmp(name, "bfloat16") == 0)
        *type = MMN_TYPE_BF16;
    else if (name && strcmp(name, "float16") == 0)
        *type = MMN_TYPE_F16;
}

static void read_all(initialisation *init, const mmn_object *root, const mmn_config *config)
{
    const bool composite = mmn_object_has(root, "text_config");
    const mmn_object text = composite ? mmn_read_object(root, "text_config") : *root;
    const mmn_object vision = mmn_read_object(root, "vision_config");
    const mmn_object qformer = mmn_read_object(root, "qformer_config");
    const char *language = config->language.form->model_type;
    const bool is_opt = strcmp(language, "opt") == 0, is_eva = config->qformer.layers > 0;
    init->text = init->qformer = 0.02;
    init->vision = is_eva ? 1e-10 : 0.02;
    init->factor = 1;
    init->text_padding = is_opt ? 1 : -1;
    init->qformer_padding = 0;
    init->type = MMN_TYPE_F32;
    read_deviation(&init->text, &text, is_opt ? "init_std" : "initializer_range");
    init->top = is_eva ? 0.02 : init->text;
    if (composite)
        read_deviation(&init->top, root, "initializer_range");
    read_deviation(&init->vision, &vision, "initializer_range");
    read_deviation(&init->qformer, &qformer, "initializer_range");
    mmn_read_f64(&init->factor, &vision, "initializer_factor", 0, 1e6);
    if (strcmp(language, "bloom") != 0)
        mmn_read_i64(&init->text_padding, &text, "pad_token_id", -1, UINT32_MAX);
    mmn_read_i64(&init->qformer_padding, &qformer, "pad_token_id", -1, UINT32_MAX);
    read_type(&init->type, root);
}

static mmn_status read_config(initialisation *init, const char *folder, const mmn_config *config,
                              mmn_error *error)
{
    enum { LIMIT = 1 << 24 };
    mmn_reader reader = {.error = error};
    mmn_document document = {0};
    const mmn_object root = mmn_read_in_folder(&document, &reader, folder, "config.json", LIMIT);
    if (mmn_read_fine(&root))
        read_all(init, &root, config);
    mmn_document_close(&document);
    return reader.status;
}

/* ---- Distributions --------------------------------------------------------------------------- */

static distribution normal(double deviation)
{
    return (distribution){NORMAL, deviation};
}

/* CLIP: by width and depth. */
static distribution of_clip(const char *name, const mmn_vision_config *vision,
                            const initialisation *init)
{
    const double width = 1 / sqrt((double)vision->hidden_size) * init->factor;
    const double depth = 1 / sqrt(2.0 * (double)vision->layers);
    if (mmn_ends_with(name, "class_embedding") || mmn_ends_with(name, "out_proj.weight"))
        return normal(width);
    if (mmn_ends_with(name, "fc1.weight"))
        return normal(width / sqrt(2));
    if (strstr(name, ".layers."))
        return normal(width * depth);
    return normal(init->vision * init->factor);
}

/* SigLIP: uniform numbers by rows and columns (Glorot and Bengio 2010). Its patches' projection is
 * as wide as if it were cut at two deviations, which transformers means to do and does not. */
static distribution of_siglip(const mmn_tensor *tensor, const mmn_vision_config *vision)
{
    size_t inputs = 1;
    for (size_t i = 1; i < tensor->dimensions; i++)
        inputs *= tensor->shape[i];
    if (mmn_ends_with(tensor->name, "position_embedding.weight"))
        return normal(1 / sqrt((double)vision->hidden_size));
    if (strstr(tensor->name, ".layers."))
        return (distribution){UNIFORM, sqrt(6.0 / (double)(tensor->shape[0] + inputs))};
    return normal(1 / sqrt((double)inputs) / 0.87962566103423978);
}

static distribution of_vision(const mmn_tensor *tensor, const mmn_vision_config *vision,
                              const initialisation *init)
{
    if (strcmp(vision->form->name, "clip") == 0)
        return of_clip(tensor->name, vision, init);
    return strcmp(vision->form->name, "siglip") == 0 ? of_siglip(tensor, vision)
                                                     : normal(init->vision);
}

static distribution distribution_of(const mmn_tensor *tensor, const mmn_config *config,
                                    const initialisation *init)
{
    const char *name = tensor->name;
    const bool tower = mmn_begins_with(name, "vision_tower.");
    if (mmn_ends_with(name, ".bias"))
        return tower && strstr(name, ".mlp.") && strcmp(config->vision.form->name, "siglip") == 0
                   ? normal(1e-6)
                   : (distribution){ZEROS, 0};
    if (mmn_ends_with(name, ".weight") && tensor->dimensions == 1) /* of a norm */
        return (distribution){ONES, 1};
    if (strcmp(name, "query_tokens") == 0)
        return (distribution){ZEROS, 0};
    if (strcmp(name, "image_newline") == 0)
        return normal(1 / sqrt((double)config->language.hidden_size));
    if (tower)
        return of_vision(tensor, &config->vision, init);
    if (mmn_begins_with(name, "qformer."))
        return normal(init->qformer);
    const bool is_text = mmn_begins_with(name, "language_model.") ||
                         (mmn_begins_with(name, "lm_head.") && config->qformer.layers > 0);
    return normal(is_text ? init->text : init->top);
}

/* The row of an embedding that stands for no token; -1: none. */
static int64_t padding_of(const char *name, const initialisation *init)
{
    return mmn_ends_with(name, "embed_tokens.weight")      ? init->text_padding
           : mmn_ends_with(name, "word_embeddings.weight") ? init->qformer_padding
                                                           : -1;
}

/* ---- Drawing --------------------------------------------------------------------------------- */

/* Numbers [first, first + count) of tensor `number`; first is even. Rounded once. */
static void draw(float *values, distribution of, size_t first, size_t count, uint64_t seed,
                 size_t number, const mmn_kernels *kernels)
{
    for (size_t i = 0; i < count; i += 2) {
        mmn_random_place place = {seed, {(uint32_t)number, (uint32_t)((first + i) / 2), 0}};
        double pair[2];
        const double factor = of.kind == NORMAL ? mmn_random_normal(pair, &place, kernels) : 1;
        for (size_t k = 0; k < 2 && i + k < count; k++) {
            place.at[2] = (uint32_t)k;
            if (of.kind == UNIFORM)
                pair[k] = 2 * mmn_random_unit(&place) - 1;
            values[i + k] = of.kind == ONES ? 1 : (float)(of.width * (pair[k] * factor));
        }
    }
}

/* The bytes are the tensor's own, in memory that is ours. */
static void fill(const mmn_tensor *tensor, size_t number, distribution of, int64_t padding,
                 uint64_t seed, const mmn_compute *compute)
{
    const mmn_weight_type type = (mmn_weight_type)mmn_stored_weight_type(tensor->type);
    const size_t size = mmn_weight_size(type), count = mmn_tensor_elements(tensor);
    uint8_t *bytes = (uint8_t *)(uintptr_t)tensor->data;
    if (of.kind == ZEROS)
        return;
    MMN_PARALLEL_FOR(compute->threads, static)
    for (size_t first = 0; first < count; first += DRAWN) {
        float values[DRAWN];
        const size_t drawn = count - first < DRAWN ? count - first : DRAWN;
        draw(values, of, first, drawn, seed, number, compute->kernels);
        compute->kernels->narrow(bytes + first * size, type, values, drawn);
    }
    if (padding >= 0 && (size_t)padding < tensor->shape[0])
        memset(bytes + (size_t)padding * (count / tensor->shape[0]) * size, 0,
               count / tensor->shape[0] * size);
}

/* ---- All of them ----------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    return strcmp(((const mmn_tensor *)a)->name, ((const mmn_tensor *)b)->name);
}

/* Gives the tensors their type, and checks that numbers of them can be told apart. */
static mmn_status size_tensors(mmn_wanted *wanted, mmn_tensor_type type, const char *folder,
                               mmn_error *error)
{
    for (size_t i = 0; i < wanted->count; i++) {
        mmn_tensor *tensor = &wanted->list[i];
        tensor->type = type;
        tensor->bytes = mmn_tensor_type_size(type);
        for (size_t d = 0; d < tensor->dimensions; d++)
            if (!mmn_multiply_sizes(tensor->bytes, tensor->shape[d], &tensor->bytes) ||
                tensor->bytes > UINT32_MAX * mmn_tensor_type_size(type))
                return mmn_fail(error, MMN_INPUT, folder, tensor->name,
                                "has too many numbers to be drawn");
    }
    qsort(wanted->list, wanted->count, sizeof(*wanted->list), compare);
    return MMN_OK;
}

static mmn_status draw_all(mmn_weights **weights, mmn_wanted *wanted, const char *folder,
                           const mmn_config *config, uint64_t seed, const mmn_compute *compute,
                           mmn_error *error)
{
    initialisation init;
    mmn_safetensors *tensors;
    uint8_t *bytes;
    size_t size;
    MMN_TRY(read_config(&init, folder, config, error));
    MMN_TRY(mmn_weights_list(wanted, config, error));
    MMN_TRY(size_tensors(wanted, init.type, folder, error));
    MMN_TRY(mmn_safetensors_lay_out(&bytes, &size, wanted->list, wanted->count, folder, error));
    for (size_t i = 0; i < wanted->count; i++) {
        const mmn_tensor *tensor = &wanted->list[i];
        fill(tensor, i, distribution_of(tensor, config, &init), padding_of(tensor->name, &init),
             seed, compute);
    }
    mmn_status status = mmn_safetensors_parse(&tensors, bytes, size, folder, error);
    if (status == MMN_OK)
        status = mmn_weights_bind(weights, tensors, folder, config, error);
    if (status != MMN_OK) {
        mmn_free(bytes);
        return status;
    }
    (*weights)->made = bytes;
    (*weights)->seed = seed;
    return MMN_OK;
}

mmn_status mmn_weights_draw(mmn_weights **weights, const char *folder, const mmn_config *config,
                            uint64_t seed, const mmn_compute *compute, mmn_error *error)
{
    mmn_wanted wanted = {0};
    *weights = NULL;
    if (config->judge.layers > 0)
        return mmn_fail(error, MMN_USAGE, folder, NULL,
                        "is a judge of answers, of which no random one is made");
    const mmn_status status = draw_all(weights, &wanted, folder, config, seed, compute, error);
    mmn_wanted_free(&wanted);
    return status;
}
