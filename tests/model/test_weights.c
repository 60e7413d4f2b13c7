/* Weights: the layouts of names, where every tensor ends up, and refusals that name the tensor. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "model/binder.h"
#include "model/weights.h"
#include "tests/tools/failing_allocator.h"
#include "tests/tools/scratch.h"

/* Tiny checkpoints under published names: LLaVA-NeXT in f32 with image_newline, one file, and
 * LLaVA-1.5 in f16, sharded. */
#define NEXT_FOLDER MMN_SOURCE_DIR "/golden/checkpoints/llava-v1.6-mistral"
#define HALF_FOLDER MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5"
#define SIGLIP_FOLDER MMN_SOURCE_DIR "/golden/checkpoints/llava-interleave-qwen"

static mmn_error error;

#define check_ok(call)                                                                             \
    cr_assert_eq((call), MMN_OK, "%s: %s: %s", error.file, error.where, error.message)

/* ---- Names ---- */

typedef enum layout { PUBLISHED, LATE_4, NATIVE_5, FRESH_5, ORIGINAL, LAYOUTS } layout;

/* The beginnings of names in each layout (the rules in binder.c turn these round). */
static const char *const parts[][LAYOUTS] = {
    {"language_model.model.layers.", "model.language_model.layers.", "model.language_model.layers.",
     "language_model.model.layers.", "model.layers."},
    {"language_model.model.embed_tokens.", "model.language_model.embed_tokens.",
     "model.language_model.embed_tokens.", "language_model.model.embed_tokens.",
     "model.embed_tokens."},
    {"language_model.model.norm.", "model.language_model.norm.", "model.language_model.norm.",
     "language_model.model.norm.", "model.norm."},
    {"language_model.lm_head.", "lm_head.", "lm_head.", "language_model.lm_head.", "lm_head."},
    {"vision_tower.vision_model.", "model.vision_tower.vision_model.", "model.vision_tower.",
     "vision_tower.", "model.vision_tower.vision_tower.vision_model."},
    {"multi_modal_projector.linear_1.", "model.multi_modal_projector.linear_1.",
     "model.multi_modal_projector.linear_1.", "multi_modal_projector.linear_1.",
     "model.mm_projector.0."},
    {"multi_modal_projector.linear_2.", "model.multi_modal_projector.linear_2.",
     "model.multi_modal_projector.linear_2.", "multi_modal_projector.linear_2.",
     "model.mm_projector.2."},
    {"image_newline", "model.image_newline", "model.image_newline", "image_newline",
     "model.image_newline"},
};

/* The name that a published tensor has in another layout. */
static void rename_tensor(char *name, size_t size, const char *published, layout to)
{
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t length = strlen(parts[i][PUBLISHED]);
        if (strncmp(published, parts[i][PUBLISHED], length) == 0) {
            snprintf(name, size, "%s%s", parts[i][to], published + length);
            return;
        }
    }
    cr_assert_fail("%s", published);
}

Test(weights, normalises_names)
{
    static const char *const pairs[][2] = {
        {"language_model.model.layers.31.mlp.up_proj.weight",
         "language_model.layers.31.mlp.up_proj.weight"},
        {"vision_tower.vision_model.encoder.layers.0.mlp.fc1.bias",
         "vision_tower.encoder.layers.0.mlp.fc1.bias"},
        {"vision_model.encoder.layers.0.mlp.fc1.bias",
         "vision_tower.encoder.layers.0.mlp.fc1.bias"},
        {"language_model.lm_head.weight", "lm_head.weight"},
        {"image_newline", "image_newline"},
        {"layers.1.mlp.up_proj.weight", "language_model.layers.1.mlp.up_proj.weight"},
        {"embed_tokens.weight", "language_model.embed_tokens.weight"},
        {"norm.weight", "language_model.norm.weight"},
        {"model.mm_projector.bias", "multi_modal_projector.linear.bias"},
        {"model.mm_projector.2.bias", "multi_modal_projector.linear_2.bias"},
        {"something.else", "something.else"},
        {"", ""},
        {"model.", "model."},
        {"model.vision_tower.vision_tower.vision_model.vision_model.x",
         "vision_tower.vision_model.x"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        size_t size = strlen(pairs[i][0]) + MMN_NAME_GROWTH;
        char *name = malloc(size);
        mmn_normalise_name(name, pairs[i][0], NULL);
        cr_assert_str_eq(name, pairs[i][1]);
        free(name);
    }
}

/* ---- Variants of a checkpoint ---- */

/* The tensors of a golden checkpoint, to be changed, written and opened again. */
typedef struct variant {
    mmn_safetensors *source;
    mmn_config config;
    mmn_tensor tensors[128];
    char names[128][200];
    size_t count;
} variant;

static char path[64];

static void make_path(void)
{
    scratch_make();
    snprintf(path, sizeof(path), "%s", scratch_path("model.safetensors"));
}

static variant *load(const char *folder, layout to)
{
    variant *loaded = calloc(1, sizeof(*loaded));
    check_ok(mmn_config_load(&loaded->config, folder, &error));
    check_ok(mmn_safetensors_open_folder(&loaded->source, folder, &error));
    loaded->count = mmn_safetensors_count(loaded->source);
    cr_assert_lt(loaded->count, 120);
    for (size_t i = 0; i < loaded->count; i++) {
        loaded->tensors[i] = *mmn_safetensors_get(loaded->source, i);
        rename_tensor(loaded->names[i], sizeof(loaded->names[i]), loaded->tensors[i].name, to);
        loaded->tensors[i].name = loaded->names[i];
    }
    return loaded;
}

static void unload(variant *loaded)
{
    mmn_safetensors_close(loaded->source);
    free(loaded);
}

static mmn_tensor *tensor_called(variant *in, const char *name)
{
    for (size_t i = 0; i < in->count; i++)
        if (strcmp(in->tensors[i].name, name) == 0)
            return &in->tensors[i];
    cr_assert_fail("%s", name);
    return NULL;
}

static void remove_tensor(variant *from, const char *name)
{
    *tensor_called(from, name) = from->tensors[from->count - 1];
    from->count--;
}

static void add_tensor(variant *to, const char *name, mmn_tensor_type type, size_t rows,
                       size_t columns)
{
    static const uint8_t zeros[100000];
    size_t bytes = rows * columns * mmn_tensor_type_size(type);
    cr_assert_leq(bytes, sizeof(zeros));
    to->tensors[to->count++] = (mmn_tensor){name, type, 2, {rows, columns}, zeros, bytes, NULL};
}

static mmn_status open_variant(mmn_weights **weights, const variant *from)
{
    mmn_safetensors *tensors;
    check_ok(mmn_safetensors_write(path, from->tensors, from->count, NULL, &error));
    check_ok(mmn_safetensors_open(&tensors, path, &error));
    return mmn_weights_bind(weights, tensors, "the checkpoint", &from->config, &error);
}

static void check_refused(const variant *from, const char *where, const char *message)
{
    mmn_weights *weights;
    cr_assert_eq(open_variant(&weights, from), MMN_INPUT, "%s: %s", where, message);
    cr_assert_null(weights);
    cr_assert_str_eq(error.where, where);
    cr_assert(strstr(error.message, message), "%s: message is %s", where, error.message);
}

Test(weights, every_layout_is_the_same_model, .init = make_path, .fini = scratch_remove)
{
    char first[MMN_DIGEST_SIZE];
    for (layout to = PUBLISHED; to < LAYOUTS; to++) {
        variant *renamed = load(NEXT_FOLDER, to);
        mmn_weights *weights;
        char digest[MMN_DIGEST_SIZE];
        check_ok(open_variant(&weights, renamed));
        cr_assert_eq(weights->tensor_count, renamed->count);
        check_ok(mmn_weights_digest(weights, &renamed->config, NULL, digest, &error));
        if (to == PUBLISHED)
            memcpy(first, digest, sizeof(first));
        cr_assert_str_eq(digest, first);
        mmn_weights_close(weights);
        unload(renamed);
    }
}

/* From tests/model/data/model_digest.py, which follows doc/formats.md. */
Test(weights, digest_is_what_the_description_gives)
{
    static const char *const digests[][2] = {
        {"llava-1.5", "41a75ff77868c6eda7a2a028a3703e11"},
        {"llava-native", "24c9f514bb8268d865d82c6f62520461"},
        {"llava-linear-224", "738f9f72bb8910cd7eb60eb446c7b041"},
        {"llava-linear-marks", "696dca458562e3a24b0057b39ba950f7"},
        {"llava-mlp-336", "aa39abbdfaf5fae47f6390c52424f720"},
        {"llava-v1.6-vicuna", "145c79102e0a8303bf3f3a52a5c28d59"},
        {"llava-v1.6-mistral", "a5984652228ad93594828b4b72567b9f"},
        {"llava-interleave-qwen", "36e8d5464f5d0d23377178bf052648df"},
    };
    for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
        char folder[1000], digest[MMN_DIGEST_SIZE];
        mmn_config config;
        mmn_weights *weights;
        snprintf(folder, sizeof(folder), MMN_SOURCE_DIR "/golden/checkpoints/%s", digests[i][0]);
        check_ok(mmn_config_load(&config, folder, &error));
        check_ok(mmn_weights_open(&weights, folder, &config, &error));
        check_ok(mmn_weights_digest(weights, &config, NULL, digest, &error));
        cr_assert_str_eq(digest, digests[i][1], "%s", digests[i][0]);
        mmn_weights_close(weights);
    }
}

Test(weights, digest_sees_every_byte_and_type, .init = make_path, .fini = scratch_remove)
{
    variant *changed = load(NEXT_FOLDER, PUBLISHED);
    mmn_weights *weights;
    char before[MMN_DIGEST_SIZE], after[MMN_DIGEST_SIZE];
    check_ok(open_variant(&weights, changed));
    check_ok(mmn_weights_digest(weights, &changed->config, NULL, before, &error));
    mmn_weights_close(weights);

    mmn_tensor *tensor = tensor_called(changed, "language_model.model.norm.weight");
    uint8_t bytes[1000];
    cr_assert_leq(tensor->bytes, sizeof(bytes));
    memcpy(bytes, tensor->data, tensor->bytes);
    bytes[tensor->bytes - 1] ^= 1;
    tensor->data = bytes;
    check_ok(open_variant(&weights, changed));
    check_ok(mmn_weights_digest(weights, &changed->config, NULL, after, &error));
    cr_assert_str_neq(after, before);
    mmn_weights_close(weights);
    unload(changed);
}

/* ---- Where tensors end up ---- */

static void check_matrix(const mmn_matrix *matrix, const mmn_safetensors *source, const char *name,
                         size_t rows, size_t columns)
{
    const mmn_tensor *tensor = mmn_safetensors_find(source, name);
    cr_assert_not_null(tensor, "%s", name);
    cr_assert_eq(matrix->rows, rows, "%s", name);
    cr_assert_eq(matrix->columns, columns, "%s", name);
    cr_assert_eq(matrix->type, tensor->type == MMN_TYPE_F32   ? MMN_WEIGHT_F32
                               : tensor->type == MMN_TYPE_F16 ? MMN_WEIGHT_F16
                                                              : MMN_WEIGHT_BF16);
    cr_assert_eq(memcmp(matrix->data, tensor->data, tensor->bytes), 0, "%s", name);
}

/* f16 by its definition: sign, 5 bits of exponent, 10 of fraction. */
static float value_of_half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double size = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    return (float)(bits >> 15 ? -size : size);
}

static void check_vector(const float *vector, const mmn_safetensors *source, const char *name,
                         size_t length)
{
    const mmn_tensor *tensor = mmn_safetensors_find(source, name);
    cr_assert_not_null(tensor, "%s", name);
    cr_assert_eq(mmn_tensor_elements(tensor), length, "%s", name);
    for (size_t i = 0; i < length; i++) {
        float expected = tensor->type == MMN_TYPE_F32
                             ? mmn_load_f32(tensor->data + 4 * i)
                             : value_of_half(mmn_load_u16(tensor->data + 2 * i));
        cr_assert_eq(vector[i], expected, "%s[%zu]", name, i);
    }
}

static void check_linear(const mmn_linear *linear, const mmn_safetensors *source, const char *name,
                         size_t rows, size_t columns, bool bias)
{
    char full[200];
    snprintf(full, sizeof(full), "%s.weight", name);
    check_matrix(&linear->weight, source, full, rows, columns);
    snprintf(full, sizeof(full), "%s.bias", name);
    if (bias)
        check_vector(linear->bias, source, full, rows);
    else
        cr_assert_null(linear->bias);
}

static void check_norm(const mmn_norm *norm, const mmn_safetensors *source, const char *name,
                       size_t width, bool bias)
{
    char full[200];
    snprintf(full, sizeof(full), "%s.weight", name);
    check_vector(norm->weight, source, full, width);
    snprintf(full, sizeof(full), "%s.bias", name);
    if (bias)
        check_vector(norm->bias, source, full, width);
    else
        cr_assert_null(norm->bias);
}

static void check_binding(const char *folder, bool newline)
{
    mmn_config config;
    mmn_safetensors *source;
    mmn_weights *weights;
    check_ok(mmn_config_load(&config, folder, &error));
    check_ok(mmn_safetensors_open_folder(&source, folder, &error));
    check_ok(mmn_weights_open(&weights, folder, &config, &error));
    const mmn_vision_config *v = &config.vision;
    const mmn_language_config *l = &config.language;
    size_t width = v->hidden_size, inner = v->intermediate_size;

#define TOWER "vision_tower.vision_model."
    const mmn_vision_weights *vision = &weights->vision;
    check_matrix(&vision->patch_embedding.weight, source, TOWER "embeddings.patch_embedding.weight",
                 width, 3 * (size_t)v->patch_size * v->patch_size);
    check_vector(vision->class_embedding, source, TOWER "embeddings.class_embedding", width);
    check_matrix(&vision->position_embedding, source, TOWER "embeddings.position_embedding.weight",
                 v->positions, width);
    check_norm(&vision->pre_norm, source, TOWER "pre_layrnorm", width, true);
    const mmn_vision_layer_weights *eye = &vision->layers[1];
#define EYE TOWER "encoder.layers.1."
    check_norm(&eye->attention_norm, source, EYE "layer_norm1", width, true);
    check_linear(&eye->query, source, EYE "self_attn.q_proj", width, width, true);
    check_linear(&eye->key, source, EYE "self_attn.k_proj", width, width, true);
    check_linear(&eye->value, source, EYE "self_attn.v_proj", width, width, true);
    check_linear(&eye->output, source, EYE "self_attn.out_proj", width, width, true);
    check_norm(&eye->mlp_norm, source, EYE "layer_norm2", width, true);
    check_linear(&eye->fc1, source, EYE "mlp.fc1", inner, width, true);
    check_linear(&eye->fc2, source, EYE "mlp.fc2", width, inner, true);

    size_t hidden = l->hidden_size, heads = (size_t)l->heads * l->head_dim,
           kv_heads = (size_t)l->kv_heads * l->head_dim;
    check_linear(&weights->projector.linear_1, source, "multi_modal_projector.linear_1", hidden,
                 config.projector.input_size, true);
    check_linear(&weights->projector.linear_2, source, "multi_modal_projector.linear_2", hidden,
                 hidden, true);

    const mmn_language_weights *language = &weights->language;
#define LANGUAGE "language_model.model."
    check_matrix(&language->embedding, source, LANGUAGE "embed_tokens.weight", l->vocab_size,
                 hidden);
    check_matrix(&language->head, source, "language_model.lm_head.weight", l->vocab_size, hidden);
    check_norm(&language->norm, source, LANGUAGE "norm", hidden, false);
    const mmn_language_layer_weights *layer = &language->layers[1];
#define LAYER LANGUAGE "layers.1."
    check_norm(&layer->attention_norm, source, LAYER "input_layernorm", hidden, false);
    check_linear(&layer->query, source, LAYER "self_attn.q_proj", heads, hidden, false);
    check_linear(&layer->key, source, LAYER "self_attn.k_proj", kv_heads, hidden, false);
    check_linear(&layer->value, source, LAYER "self_attn.v_proj", kv_heads, hidden, false);
    check_linear(&layer->output, source, LAYER "self_attn.o_proj", hidden, heads, false);
    check_norm(&layer->mlp_norm, source, LAYER "post_attention_layernorm", hidden, false);
    check_linear(&layer->gate, source, LAYER "mlp.gate_proj", l->intermediate_size, hidden, false);
    check_linear(&layer->up, source, LAYER "mlp.up_proj", l->intermediate_size, hidden, false);
    check_linear(&layer->down, source, LAYER "mlp.down_proj", hidden, l->intermediate_size, false);

    if (newline)
        check_vector(weights->image_newline, source, "image_newline", hidden);
    else
        cr_assert_null(weights->image_newline);

    uint64_t bytes = 0;
    for (size_t i = 0; i < mmn_safetensors_count(source); i++)
        bytes += mmn_safetensors_get(source, i)->bytes;
    cr_assert_eq(weights->bytes, bytes);
    mmn_weights_close(weights);
    mmn_safetensors_close(source);
}

Test(weights, puts_tensors_in_their_places)
{
    check_binding(NEXT_FOLDER, true);
    check_binding(HALF_FOLDER, false);
}

Test(weights, describes_itself)
{
    mmn_config config;
    mmn_weights *weights;
    check_ok(mmn_config_load(&config, HALF_FOLDER, &error));
    check_ok(mmn_weights_open(&weights, HALF_FOLDER, &config, &error));
    cr_assert_str_eq(weights->types, "f16");
    cr_assert_eq(weights->file_count, 3);
    cr_assert_eq(weights->bytes, 2 * weights->parameters);
    for (size_t i = 1; i < weights->tensor_count; i++)
        cr_assert_lt(strcmp(weights->tensors[i - 1].name, weights->tensors[i].name), 0);
    mmn_weights_close(weights);
}

/* ---- Refusals ---- */

static void check_misses_every_tensor(const char *folder, layout to)
{
    size_t optional = 0;
    variant *whole = load(folder, to);
    size_t count = whole->count;
    unload(whole);
    for (size_t i = 0; i < count; i++) {
        variant *part = load(folder, to);
        char name[200];
        mmn_normalise_name(name, part->tensors[i].name, NULL);
        remove_tensor(part, part->tensors[i].name);
        mmn_weights *weights;
        if (strstr(name, "post_layernorm")) {
            check_ok(open_variant(&weights, part));
            mmn_weights_close(weights);
            optional++;
        } else {
            check_refused(part, name, "tensor is missing");
            cr_assert_str_eq(error.file, "the checkpoint");
        }
        unload(part);
    }
    cr_assert_eq(optional, 2);
}

Test(weights, misses_every_tensor, .init = make_path, .fini = scratch_remove)
{
    check_misses_every_tensor(NEXT_FOLDER, NATIVE_5);
    check_misses_every_tensor(SIGLIP_FOLDER, PUBLISHED);
}

/* Sets the number of bytes from type and shape. */
static void set_bytes(mmn_tensor *tensor)
{
    tensor->bytes = mmn_tensor_type_size(tensor->type);
    for (size_t i = 0; i < tensor->dimensions; i++)
        tensor->bytes *= tensor->shape[i];
}

/* SigLIP's pooling head, which LLaVA does not use. */
Test(weights, accepts_siglips_head_and_checks_it, .init = make_path, .fini = scratch_remove)
{
#define HEAD "vision_tower.vision_model.head."
    static const uint8_t zeros[100000];
    variant *whole = load(SIGLIP_FOLDER, PUBLISHED);
    size_t width = whole->config.vision.hidden_size, before = whole->count;
    size_t inner = whole->config.vision.intermediate_size;
    mmn_tensor head[] = {
        {HEAD "probe", MMN_TYPE_BF16, 3, {1, 1, width}, zeros, 0, NULL},
        {HEAD "attention.in_proj_weight", MMN_TYPE_BF16, 2, {3 * width, width}, zeros, 0, NULL},
        {HEAD "attention.in_proj_bias", MMN_TYPE_BF16, 1, {3 * width}, zeros, 0, NULL},
        {HEAD "attention.out_proj.weight", MMN_TYPE_BF16, 2, {width, width}, zeros, 0, NULL},
        {HEAD "attention.out_proj.bias", MMN_TYPE_BF16, 1, {width}, zeros, 0, NULL},
        {HEAD "layernorm.weight", MMN_TYPE_BF16, 1, {width}, zeros, 0, NULL},
        {HEAD "layernorm.bias", MMN_TYPE_BF16, 1, {width}, zeros, 0, NULL},
        {HEAD "mlp.fc1.weight", MMN_TYPE_BF16, 2, {inner, width}, zeros, 0, NULL},
        {HEAD "mlp.fc1.bias", MMN_TYPE_BF16, 1, {inner}, zeros, 0, NULL},
        {HEAD "mlp.fc2.weight", MMN_TYPE_BF16, 2, {width, inner}, zeros, 0, NULL},
        {HEAD "mlp.fc2.bias", MMN_TYPE_BF16, 1, {width}, zeros, 0, NULL},
    };
    size_t extra = sizeof(head) / sizeof(head[0]);
    for (size_t i = 0; i < extra; i++) {
        set_bytes(&head[i]);
        cr_assert_leq(head[i].bytes, sizeof(zeros));
        whole->tensors[whole->count++] = head[i];
    }
    mmn_weights *weights;
    check_ok(open_variant(&weights, whole));
    cr_assert_eq(weights->tensor_count, before + extra);
    mmn_weights_close(weights);
    for (size_t i = 0; i < extra; i++) {
        mmn_tensor *bad = &whole->tensors[before + i];
        bad->shape[0]++;
        set_bytes(bad);
        check_refused(whole, head[i].name, "the configuration asks for");
        *bad = head[i];
    }
    add_tensor(whole, HEAD "mlp.fc3.weight", MMN_TYPE_BF16, 1, 1);
    check_refused(whole, HEAD "mlp.fc3.weight", "surplus");
    unload(whole);
}

Test(weights, refuses_every_wrong_shape, .init = make_path, .fini = scratch_remove)
{
    variant *bad = load(NEXT_FOLDER, PUBLISHED);
    for (size_t i = 0; i < bad->count; i++) {
        mmn_tensor *tensor = &bad->tensors[i];
        const mmn_tensor good = *tensor;
        tensor->dimensions++;
        tensor->shape[tensor->dimensions - 1] = 1;
        check_refused(bad, tensor->name, "the configuration asks for [");
        cr_assert_str_eq(error.file, path);
        *tensor = good;
        if (tensor->dimensions == 2 && tensor->shape[0] != tensor->shape[1]) {
            tensor->shape[0] = good.shape[1];
            tensor->shape[1] = good.shape[0];
            check_refused(bad, tensor->name, "the configuration asks for [");
            *tensor = good;
        }
    }
    mmn_weights *weights;
    check_ok(open_variant(&weights, bad));
    mmn_weights_close(weights);
    unload(bad);
}

Test(weights, refuses_other_types, .init = make_path, .fini = scratch_remove)
{
    variant *bad = load(NEXT_FOLDER, PUBLISHED);
    mmn_tensor *tensor = tensor_called(bad, "language_model.model.layers.0.mlp.up_proj.weight");
    tensor->type = MMN_TYPE_I32;
    check_refused(bad, tensor->name, "type I32 is not supported");
    unload(bad);
}

Test(weights, refuses_surplus_and_doubled_tensors, .init = make_path, .fini = scratch_remove)
{
    variant *bad = load(NEXT_FOLDER, PUBLISHED);
    add_tensor(bad, "language_model.model.layers.99.mlp.up_proj.weight", MMN_TYPE_F32, 2, 2);
    check_refused(bad, "language_model.model.layers.99.mlp.up_proj.weight", "surplus");
    bad->count--;
    add_tensor(bad, "model.language_model.norm.weight", MMN_TYPE_F32, 2, 2);
    check_refused(bad, "model.language_model.norm.weight",
                  "another form of the name of "
                  "language_model.model.norm.weight");
    bad->count--;
    /* What old versions stored and can be computed is passed over. */
    add_tensor(bad, "language_model.model.layers.0.self_attn.rotary_emb.inv_freq", MMN_TYPE_F32, 1,
               6);
    add_tensor(bad, "vision_tower.vision_model.embeddings.position_ids", MMN_TYPE_I64, 1, 10);
    add_tensor(bad, "model.rotary_emb.original_inv_freq", MMN_TYPE_F32, 1, 6);
    add_tensor(bad, "model.layers.0.self_attn.rotary_emb.cos_cached", MMN_TYPE_F32, 2, 6);
    add_tensor(bad, "model.layers.0.self_attn.masked_bias", MMN_TYPE_F32, 0, 1);
    mmn_weights *weights;
    check_ok(open_variant(&weights, bad));
    cr_assert_eq(weights->tensor_count, bad->count - 5);
    mmn_weights_close(weights);
    unload(bad);
}

Test(weights, ties_the_head, .init = make_path, .fini = scratch_remove)
{
    variant *tied = load(NEXT_FOLDER, PUBLISHED);
    mmn_weights *weights;
    tied->config.language.tied_head = true;
    check_ok(open_variant(&weights, tied));
    cr_assert(weights->language.head_overrules_tie);
    cr_assert_neq(weights->language.head.data, weights->language.embedding.data);
    mmn_weights_close(weights);

    mmn_tensor *head = tensor_called(tied, "language_model.lm_head.weight");
    head->data = tensor_called(tied, "language_model.model.embed_tokens.weight")->data;
    check_ok(open_variant(&weights, tied));
    cr_assert_eq(weights->language.head.data, weights->language.embedding.data);
    mmn_weights_close(weights);

    remove_tensor(tied, "language_model.lm_head.weight");
    check_ok(open_variant(&weights, tied));
    cr_assert_eq(weights->language.head.data, weights->language.embedding.data);
    cr_assert_eq(weights->language.head.rows, weights->language.embedding.rows);
    mmn_weights_close(weights);
    tied->config.language.tied_head = false;
    check_refused(tied, "lm_head.weight", "tensor is missing");
    unload(tied);
}

Test(weights, leaks_nothing_when_memory_is_short)
{
    mmn_config config;
    check_ok(mmn_config_load(&config, HALF_FOLDER, &error));
    mmn_status status = MMN_SYSTEM;
    for (unsigned long number = 1; status != MMN_OK; number++) {
        mmn_weights *weights;
        fail_allocation_at(number);
        status = mmn_weights_open(&weights, HALF_FOLDER, &config, &error);
        fail_allocation_at(0);
        cr_assert(status == MMN_OK || (status == MMN_SYSTEM && !weights), "%s", error.message);
        mmn_weights_close(weights);
        cr_assert_lt(number, 1000);
    }
}
