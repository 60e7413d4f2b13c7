/* A model's weights: every tensor of the checkpoint put in its place, none missing, none left. */
#include "model/weights.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "model/binder.h"

struct mmn_weights_storage {
    mmn_safetensors *tensors;
    mmn_named_tensor *named;
    char *names;
    float *vectors;
};

/* weight [outputs, inputs] and, with `bias`, bias [outputs] of a linear layer. */
static void take_linear(mmn_binder *binder, mmn_linear *linear, const char *prefix,
                        const char *name, size_t outputs, size_t inputs, bool bias)
{
    char part[64];
    const size_t shape[2] = {outputs, inputs};
    snprintf(part, sizeof(part), "%s.weight", name);
    mmn_binder_take_matrix(binder, &linear->weight, prefix, part, shape, 2, false);
    snprintf(part, sizeof(part), "%s.bias", name);
    if (bias)
        mmn_binder_take_vector(binder, &linear->bias, prefix, part, outputs);
}

/* weight and, with `bias`, bias of a normalisation, [width] each. */
static void take_norm(mmn_binder *binder, mmn_norm *norm, const char *prefix, const char *name,
                      size_t width, bool bias)
{
    char part[64];
    snprintf(part, sizeof(part), "%s.weight", name);
    mmn_binder_take_vector(binder, &norm->weight, prefix, part, width);
    snprintf(part, sizeof(part), "%s.bias", name);
    if (bias)
        mmn_binder_take_vector(binder, &norm->bias, prefix, part, width);
}

static void bind_vision_layer(mmn_binder *binder, mmn_vision_layer_weights *layer, uint32_t index,
                              const mmn_vision_config *config)
{
    size_t width = config->hidden_size, inner = config->intermediate_size;
    char prefix[64];
    snprintf(prefix, sizeof(prefix), "vision_tower.encoder.layers.%u.", (unsigned)index);
    take_norm(binder, &layer->attention_norm, prefix, "layer_norm1", width, true);
    take_linear(binder, &layer->query, prefix, "self_attn.q_proj", width, width, true);
    take_linear(binder, &layer->key, prefix, "self_attn.k_proj", width, width, true);
    take_linear(binder, &layer->value, prefix, "self_attn.v_proj", width, width, true);
    take_linear(binder, &layer->output, prefix, "self_attn.out_proj", width, width, true);
    take_norm(binder, &layer->mlp_norm, prefix, "layer_norm2", width, true);
    take_linear(binder, &layer->fc1, prefix, "mlp.fc1", inner, width, true);
    take_linear(binder, &layer->fc2, prefix, "mlp.fc2", width, inner, true);
}

static void bind_vision(mmn_binder *binder, mmn_vision_weights *vision,
                        const mmn_vision_config *config)
{
    static const char prefix[] = "vision_tower.", embeddings[] = "vision_tower.embeddings.";
    size_t width = config->hidden_size;
    const size_t patch[4] = {width, config->channels, config->patch_size, config->patch_size};
    const size_t positions[2] = {config->positions, width};
    mmn_binder_take_matrix(binder, &vision->patch_embedding, embeddings, "patch_embedding.weight",
                           patch, 4, false);
    mmn_binder_take_vector(binder, &vision->class_embedding, embeddings, "class_embedding", width);
    mmn_binder_take_matrix(binder, &vision->position_embedding, embeddings,
                           "position_embedding.weight", positions, 2, false);
    take_norm(binder, &vision->pre_norm, prefix, "pre_layrnorm", width, true);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++)
        bind_vision_layer(binder, &vision->layers[i], i, config);
    /* Published with the tower, but LLaVA reads it before this norm. */
    mmn_binder_take(binder, prefix, "post_layernorm.weight", &width, 1, true);
    mmn_binder_take(binder, prefix, "post_layernorm.bias", &width, 1, true);
}

static void bind_projector(mmn_binder *binder, mmn_projector_weights *projector,
                           const mmn_projector_config *config, size_t width)
{
    static const char prefix[] = "multi_modal_projector.";
    take_linear(binder, &projector->linear_1, prefix, "linear_1", width, config->input_size,
                config->bias);
    take_linear(binder, &projector->linear_2, prefix, "linear_2", width, width, config->bias);
}

static void bind_language_layer(mmn_binder *binder, mmn_language_layer_weights *layer,
                                uint32_t index, const mmn_language_config *config)
{
    size_t width = config->hidden_size, inner = config->intermediate_size;
    size_t heads = (size_t)config->heads * config->head_dim;
    size_t kv_heads = (size_t)config->kv_heads * config->head_dim;
    char prefix[64];
    snprintf(prefix, sizeof(prefix), "language_model.layers.%u.", (unsigned)index);
    take_norm(binder, &layer->attention_norm, prefix, "input_layernorm", width, false);
    take_linear(binder, &layer->query, prefix, "self_attn.q_proj", heads, width, false);
    take_linear(binder, &layer->key, prefix, "self_attn.k_proj", kv_heads, width, false);
    take_linear(binder, &layer->value, prefix, "self_attn.v_proj", kv_heads, width, false);
    take_linear(binder, &layer->output, prefix, "self_attn.o_proj", width, heads, false);
    take_norm(binder, &layer->mlp_norm, prefix, "post_attention_layernorm", width, false);
    take_linear(binder, &layer->gate, prefix, "mlp.gate_proj", inner, width, false);
    take_linear(binder, &layer->up, prefix, "mlp.up_proj", inner, width, false);
    take_linear(binder, &layer->down, prefix, "mlp.down_proj", width, inner, false);
}

/* A tied head need not be stored; where it is, it must be what the embedding is. */
static void tie_head(mmn_binder *binder, mmn_language_weights *language)
{
    const mmn_tensor *head = mmn_binder_find(binder, "lm_head.weight");
    const mmn_tensor *embedding = mmn_binder_find(binder, "language_model.embed_tokens.weight");
    if (binder->status != MMN_OK)
        return;
    if (head && (head->type != embedding->type ||
                 memcmp(head->data, embedding->data, head->bytes) != 0))
        binder->status = mmn_fail(binder->error, MMN_INPUT, head->file, head->name,
                                  "differs from the embedding, although tie_word_embeddings says "
                                  "that they are the same");
    language->head = language->embedding;
}

static void bind_language(mmn_binder *binder, mmn_language_weights *language,
                          const mmn_language_config *config)
{
    static const char prefix[] = "language_model.";
    const size_t shape[2] = {config->vocab_size, config->hidden_size};
    mmn_binder_take_matrix(binder, &language->embedding, prefix, "embed_tokens.weight", shape, 2,
                           false);
    for (uint32_t i = 0; i < config->layers && binder->status == MMN_OK; i++)
        bind_language_layer(binder, &language->layers[i], i, config);
    take_norm(binder, &language->norm, prefix, "norm", config->hidden_size, false);
    mmn_binder_take_matrix(binder, &language->head, "", "lm_head.weight", shape, 2,
                           config->tied_head);
    if (config->tied_head)
        tie_head(binder, language);
}

static void bind_newline(mmn_binder *binder, const float **newline, const mmn_config *config)
{
    size_t width = config->language.hidden_size;
    if (config->family == MMN_FAMILY_LLAVA_NEXT)
        mmn_binder_take_vector(binder, newline, "", "image_newline", width);
    else /* Checkpoints of the original code may carry one that they do not use. */
        mmn_binder_take(binder, "", "image_newline", &width, 1, true);
}

static void name_types(mmn_weights *weights, const bool *seen)
{
    static const char *const names[] = {
        [MMN_WEIGHT_F32] = "f32", [MMN_WEIGHT_F16] = "f16", [MMN_WEIGHT_BF16] = "bf16"};
    static const mmn_weight_type order[] = {MMN_WEIGHT_BF16, MMN_WEIGHT_F16, MMN_WEIGHT_F32};
    size_t used = 0;
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        if (seen[order[i]])
            used += (size_t)snprintf(weights->types + used, sizeof(weights->types) - used, "%s%s",
                                     used > 0 ? ", " : "", names[order[i]]);
}

/* Binds everything of an mmn_weights whose storage has the tensors. */
static mmn_status bind_all(mmn_weights *weights, const char *file, const mmn_config *config,
                           mmn_error *error)
{
    struct mmn_weights_storage *storage = weights->storage;
    mmn_binder binder;
    mmn_binder_begin(&binder, storage->tensors, file, error);
    storage->named = binder.named;
    storage->names = binder.names;
    weights->vision.layers =
        mmn_allocate(config->vision.layers, sizeof(*weights->vision.layers), error);
    weights->language.layers =
        mmn_allocate(config->language.layers, sizeof(*weights->language.layers), error);
    if (!weights->vision.layers || !weights->language.layers)
        binder.status = MMN_SYSTEM;

    bind_vision(&binder, &weights->vision, &config->vision);
    bind_projector(&binder, &weights->projector, &config->projector,
                   config->language.hidden_size);
    bind_language(&binder, &weights->language, &config->language);
    bind_newline(&binder, &weights->image_newline, config);
    mmn_binder_finish(&binder, &storage->vectors);

    weights->tensors = binder.named;
    weights->tensor_count = binder.count;
    weights->parameters = binder.parameters;
    weights->bytes = binder.bytes;
    weights->file_count = mmn_safetensors_file_count(storage->tensors);
    name_types(weights, binder.seen_types);
    mmn_binder_free(&binder);
    return binder.status;
}

mmn_status mmn_weights_bind(mmn_weights **result, mmn_safetensors *tensors, const char *file,
                            const mmn_config *config, mmn_error *error)
{
    *result = NULL;
    mmn_weights *weights = mmn_allocate(1, sizeof(*weights), error);
    struct mmn_weights_storage *storage = mmn_allocate(1, sizeof(*storage), error);
    if (!weights || !storage) {
        mmn_free(weights);
        mmn_free(storage);
        mmn_safetensors_close(tensors);
        return MMN_SYSTEM;
    }
    storage->tensors = tensors;
    weights->storage = storage;
    mmn_status status = bind_all(weights, file, config, error);
    if (status != MMN_OK) {
        mmn_weights_close(weights);
        return status;
    }
    *result = weights;
    return MMN_OK;
}

mmn_status mmn_weights_open(mmn_weights **weights, const char *folder, const mmn_config *config,
                            mmn_error *error)
{
    *weights = NULL;
    mmn_safetensors *tensors;
    mmn_status status = mmn_safetensors_open_folder(&tensors, folder, error);
    if (status != MMN_OK)
        return status;
    return mmn_weights_bind(weights, tensors, folder, config, error);
}

void mmn_weights_close(mmn_weights *weights)
{
    if (!weights)
        return;
    mmn_safetensors_close(weights->storage->tensors);
    mmn_free(weights->storage->named);
    mmn_free(weights->storage->names);
    mmn_free(weights->storage->vectors);
    mmn_free(weights->storage);
    mmn_free(weights->vision.layers);
    mmn_free(weights->language.layers);
    mmn_free(weights);
}
