/* Weights of language models alone: names, biases and fused matrices of every form, tied heads, and
 * refusals that name the tensor. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/weights.h"
#include "tests/tools/scratch.h"

#define CHECKPOINTS MMN_SOURCE_DIR "/golden/checkpoints/"

static mmn_error error;

#define check_ok(call)                                                                             \
    cr_assert_eq((call), MMN_OK, "%s: %s: %s", error.file, error.where, error.message)

/* The tensors of a golden checkpoint, to be changed, written and opened again. */
typedef struct variant {
    mmn_safetensors *source;
    mmn_config config;
    mmn_tensor tensors[64];
    char names[64][100];
    size_t count;
} variant;

static char path[64];

static void make_path(void)
{
    scratch_make();
    snprintf(path, sizeof(path), "%s", scratch_path("model.safetensors"));
}

static variant *load(const char *name)
{
    char folder[1000];
    snprintf(folder, sizeof(folder), CHECKPOINTS "%s", name);
    variant *loaded = calloc(1, sizeof(*loaded));
    check_ok(mmn_config_load(&loaded->config, folder, &error));
    check_ok(mmn_safetensors_open_folder(&loaded->source, folder, &error));
    loaded->count = mmn_safetensors_count(loaded->source);
    cr_assert_lt(loaded->count, 60);
    for (size_t i = 0; i < loaded->count; i++) {
        loaded->tensors[i] = *mmn_safetensors_get(loaded->source, i);
        snprintf(loaded->names[i], sizeof(loaded->names[i]), "%s", loaded->tensors[i].name);
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

static void remove_tensor(variant *from, size_t index)
{
    from->tensors[index] = from->tensors[from->count - 1];
    from->count--;
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

static void check_digest(variant *of, const char *expected)
{
    mmn_weights *weights;
    char digest[MMN_DIGEST_SIZE];
    check_ok(open_variant(&weights, of));
    check_ok(mmn_weights_digest(weights, &of->config, NULL, digest, &error));
    cr_assert_str_eq(digest, expected);
    mmn_weights_close(weights);
}

/* From tests/model/data/model_digest.py, which follows doc/formats.md. */
static const char *const digests[][2] = {
    {"bloom", "85c2a29cbdbf1a28f70b037c2f869d5d"},
    {"llama-2", "753bc3e3c42e2668f8a6e609978508cd"},
    {"llama-3", "768da821a5fc9f185b957e1621e7a8af"},
    {"mistral", "c1272e626a2733744f1e05bff0581242"},
    {"opt", "ce8dedf5828349af8cc494b63871f8ad"},
    {"phi", "8a5a92638bf414d293097d8f9db09e70"},
    {"qwen2", "96948c4b383df24ddfd44e7ed58fa186"},
};

Test(text_weights, digest_is_what_the_description_gives, .init = make_path, .fini = scratch_remove)
{
    for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
        variant *model = load(digests[i][0]);
        check_digest(model, digests[i][1]);
        unload(model);
    }
}

/* BLOOM as transformers 5 saves it; it is published without the prefix. */
Test(text_weights, bloom_with_a_prefix_is_the_same_model, .init = make_path, .fini = scratch_remove)
{
    variant *bloom = load("bloom");
    for (size_t i = 0; i < bloom->count; i++) {
        char published[sizeof(bloom->names[i])];
        memcpy(published, bloom->names[i], sizeof(published));
        snprintf(bloom->names[i], sizeof(bloom->names[i]), "transformer.%.80s", published);
    }
    check_digest(bloom, digests[0][1]);
    unload(bloom);
}

/* Whether a place has a tensor's shape and bytes. */
static void check_place(variant *in, const mmn_matrix *place, const char *name)
{
    const mmn_tensor *tensor = tensor_called(in, name);
    cr_assert_eq(place->rows, tensor->shape[0], "%s", name);
    cr_assert_eq(place->columns, tensor->shape[1], "%s", name);
    cr_assert_eq(memcmp(place->data, tensor->data, tensor->bytes), 0, "%s", name);
}

Test(text_weights, puts_tensors_in_their_places, .init = make_path, .fini = scratch_remove)
{
    mmn_weights *weights;
    variant *bloom = load("bloom");
    check_ok(open_variant(&weights, bloom));
    const mmn_language_weights *language = &weights->language;
    const mmn_language_layer_weights *layer = &language->layers[1];
    check_place(bloom, &layer->fused.weight, "h.1.self_attention.query_key_value.weight");
    check_place(bloom, &layer->output.weight, "h.1.self_attention.dense.weight");
    check_place(bloom, &layer->gate.weight, "h.1.mlp.dense_h_to_4h.weight");
    check_place(bloom, &layer->down.weight, "h.1.mlp.dense_4h_to_h.weight");
    check_place(bloom, &language->embedding, "word_embeddings.weight");
    cr_assert_eq(language->head.data, language->embedding.data);
    cr_assert_not_null(language->embedding_norm.bias);
    cr_assert_not_null(language->norm.bias);
    cr_assert_not_null(layer->fused.bias);
    cr_assert_null(layer->up.weight.data);
    mmn_weights_close(weights);
    unload(bloom);

    variant *qwen2 = load("qwen2");
    check_ok(open_variant(&weights, qwen2));
    layer = &weights->language.layers[1];
    check_place(qwen2, &layer->key.weight, "model.layers.1.self_attn.k_proj.weight");
    cr_assert_not_null(layer->query.bias);
    cr_assert_not_null(layer->key.bias);
    cr_assert_not_null(layer->value.bias);
    cr_assert_null(layer->output.bias);
    cr_assert_null(layer->up.bias);
    mmn_weights_close(weights);
    unload(qwen2);
}

Test(text_weights, puts_tensors_of_opt_and_phi_in_their_places, .init = make_path,
     .fini = scratch_remove)
{
    mmn_weights *weights;
    variant *opt = load("opt");
    check_ok(open_variant(&weights, opt));
    const mmn_language_weights *language = &weights->language;
    const mmn_language_layer_weights *layer = &language->layers[1];
    check_place(opt, &language->position_embedding, "model.decoder.embed_positions.weight");
    check_place(opt, &layer->output.weight, "model.decoder.layers.1.self_attn.out_proj.weight");
    check_place(opt, &layer->gate.weight, "model.decoder.layers.1.fc1.weight");
    check_place(opt, &layer->down.weight, "model.decoder.layers.1.fc2.weight");
    cr_assert_eq(language->head.data, language->embedding.data);
    cr_assert_not_null(layer->mlp_norm.bias);
    cr_assert_null(language->head_bias);
    mmn_weights_close(weights);
    unload(opt);

    variant *phi = load("phi");
    check_ok(open_variant(&weights, phi));
    language = &weights->language;
    layer = &language->layers[1];
    check_place(phi, &layer->output.weight, "model.layers.1.self_attn.dense.weight");
    check_place(phi, &layer->gate.weight, "model.layers.1.mlp.fc1.weight");
    cr_assert_not_null(language->head_bias);
    cr_assert_null(layer->mlp_norm.weight);
    cr_assert_null(layer->up.weight.data);
    mmn_weights_close(weights);
    unload(phi);
}

/* OPT was published without "model.", which transformers writes. */
Test(text_weights, opt_without_a_prefix_is_the_same_model, .init = make_path,
     .fini = scratch_remove)
{
    variant *opt = load("opt");
    for (size_t i = 0; i < opt->count; i++) {
        char written[sizeof(opt->names[i])];
        memcpy(written, opt->names[i], sizeof(written));
        if (strncmp(written, "model.", 6) == 0)
            snprintf(opt->names[i], sizeof(opt->names[i]), "%.80s", written + 6);
    }
    check_digest(opt, digests[4][1]);
    unload(opt);
}

Test(text_weights, misses_every_tensor, .init = make_path, .fini = scratch_remove)
{
    static const char *const names[] = {"bloom", "qwen2", "llama-2", "opt", "phi"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        variant *part = load(names[i]);
        for (size_t j = 0; j < part->count; j++) {
            const mmn_tensor last = part->tensors[part->count - 1], removed = part->tensors[j];
            mmn_weights *weights;
            remove_tensor(part, j);
            if (strstr(removed.name, "inv_freq")) { /* can be computed */
                check_ok(open_variant(&weights, part));
                mmn_weights_close(weights);
            } else {
                cr_assert_eq(open_variant(&weights, part), MMN_INPUT, "%s", removed.name);
                cr_assert(strstr(error.message, "tensor is missing"), "%s", error.message);
            }
            part->tensors[j] = removed;
            part->count++;
            part->tensors[part->count - 1] = j + 1 == part->count ? removed : last;
        }
        unload(part);
    }
}

Test(text_weights, refuses_every_wrong_shape, .init = make_path, .fini = scratch_remove)
{
    variant *bad = load("bloom");
    for (size_t i = 0; i < bad->count; i++) {
        mmn_tensor *tensor = &bad->tensors[i];
        const mmn_tensor good = *tensor;
        tensor->shape[0] /= 2;
        tensor->bytes /= 2;
        check_refused(bad, tensor->name, "the configuration asks for [");
        *tensor = good;
    }
    /* Queries, keys and values of fewer heads than the configuration has. */
    mmn_tensor *fused = tensor_called(bad, "h.0.self_attention.query_key_value.weight");
    fused->bytes = fused->bytes / fused->shape[0] * (fused->shape[0] - 1);
    fused->shape[0]--;
    check_refused(bad, fused->name, "the configuration asks for [108, 36]");
    unload(bad);
}

Test(text_weights, ties_the_head, .init = make_path, .fini = scratch_remove)
{
    variant *tied = load("qwen2");
    mmn_weights *weights;
    mmn_tensor head = *tensor_called(tied, "model.embed_tokens.weight");
    uint8_t *other = malloc(head.bytes);
    head.name = "lm_head.weight";
    tied->tensors[tied->count++] = head;
    check_ok(open_variant(&weights, tied));
    cr_assert_eq(weights->language.head.data, weights->language.embedding.data);
    mmn_weights_close(weights);

    /* A head that differs is the head, whatever the configuration says. */
    memcpy(other, head.data, head.bytes);
    other[head.bytes - 1] ^= 1;
    tied->tensors[tied->count - 1].data = other;
    for (int tie = 1; tie >= 0; tie--) {
        tied->config.language.tied_head = tie != 0;
        check_ok(open_variant(&weights, tied));
        cr_assert_eq(memcmp(weights->language.head.data, other, head.bytes), 0);
        cr_assert_eq(memcmp(weights->language.embedding.data, head.data, head.bytes), 0);
        cr_assert_eq(weights->language.head_overrules_tie, tie != 0);
        mmn_weights_close(weights);
    }
    free(other);
    unload(tied);
}

/* Opens `from` with `metadata` in its file. */
static mmn_status open_with(mmn_weights **weights, const variant *from, const char *const *metadata)
{
    mmn_safetensors *tensors;
    check_ok(mmn_safetensors_write(path, from->tensors, from->count, metadata, &error));
    check_ok(mmn_safetensors_open(&tensors, path, &error));
    return mmn_weights_bind(weights, tensors, "the checkpoint", &from->config, &error);
}

/* The matrix that is stored under `name` is head and embedding. */
static void check_shared(const variant *of, const char *const *metadata, const mmn_tensor *stored)
{
    mmn_weights *weights;
    check_ok(open_with(&weights, of, metadata));
    const mmn_language_weights *language = &weights->language;
    cr_assert_eq(memcmp(language->embedding.data, stored->data, stored->bytes), 0);
    cr_assert_eq(memcmp(language->head.data, stored->data, stored->bytes), 0);
    cr_assert_not(language->head_overrules_tie);
    uint64_t parameters = 0;
    for (size_t i = 0; i < of->count; i++)
        parameters += mmn_tensor_elements(&of->tensors[i]);
    cr_assert_eq(weights->parameters, parameters, "shared weights count once");
    mmn_weights_close(weights);
}

Test(text_weights, takes_tied_heads_under_either_name, .init = make_path, .fini = scratch_remove)
{
    static const char *const says_so[] = {"model.embed_tokens.weight", "lm_head.weight", NULL};
    static const char *const reversed[] = {"lm_head.weight", "model.embed_tokens.weight", NULL};
    static const char *const unrelated[] = {"format", "pt", "lm_head.weight", "no such tensor",
                                            NULL};
    variant *tied = load("qwen2");
    mmn_weights *weights;
    mmn_tensor *stored = tensor_called(tied, "model.embed_tokens.weight");
    check_shared(tied, unrelated, stored);
    check_shared(tied, reversed, stored);
    stored->name = "lm_head.weight";
    check_shared(tied, says_so, stored);
    check_shared(tied, NULL, stored);

    /* What metadata says holds without the configuration's word; nothing else does. */
    tied->config.language.tied_head = false;
    check_shared(tied, says_so, stored);
    cr_assert_eq(open_with(&weights, tied, NULL), MMN_INPUT);
    cr_assert_str_eq(error.where, "language_model.embed_tokens.weight");
    stored->name = "model.embed_tokens.weight";
    check_shared(tied, reversed, stored);
    cr_assert_eq(open_with(&weights, tied, unrelated), MMN_INPUT);
    cr_assert_str_eq(error.where, "lm_head.weight");
    unload(tied);
}
