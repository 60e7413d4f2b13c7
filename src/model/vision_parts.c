/* Tensors that several kinds of vision towers have under the same names. */
#include "model/vision_parts.h"

#include <stdio.h>

void mmn_vision_bind_patches(mmn_binder *binder, mmn_vision_weights *vision,
                             const mmn_vision_config *config)
{
    static const char prefix[] = MMN_VISION_PREFIX "embeddings.";
    const size_t shape[4] = {config->hidden_size, config->channels, config->patch_size,
                             config->patch_size};
    mmn_binder_take_matrix(binder, &vision->patch_embedding.weight, prefix,
                           "patch_embedding.weight", shape, 4, false);
    if (config->patch_bias)
        mmn_binder_take_vector(binder, &vision->patch_embedding.bias, prefix,
                               "patch_embedding.bias", config->hidden_size);
}

void mmn_vision_bind_embeddings(mmn_binder *binder, mmn_vision_weights *vision,
                                const mmn_vision_config *config)
{
    const size_t shape[2] = {config->positions, config->hidden_size};
    mmn_vision_bind_patches(binder, vision, config);
    mmn_binder_take_matrix(binder, &vision->position_embedding, MMN_VISION_PREFIX,
                           "embeddings.position_embedding.weight", shape, 2, false);
}

/* How the names of layer `index` begin. */
static void layer_prefix(char prefix[64], uint32_t index)
{
    snprintf(prefix, 64, MMN_VISION_PREFIX "encoder.layers.%u.", (unsigned)index);
}

void mmn_vision_bind_norms_and_mlp(mmn_binder *binder, mmn_vision_layer_weights *layer,
                                   uint32_t index, const mmn_vision_config *config)
{
    size_t width = config->hidden_size, inner = config->intermediate_size;
    char prefix[64];
    layer_prefix(prefix, index);
    mmn_binder_take_norm(binder, &layer->attention_norm, prefix, "layer_norm1", width, true);
    mmn_binder_take_norm(binder, &layer->mlp_norm, prefix, "layer_norm2", width, true);
    mmn_binder_take_linear(binder, &layer->fc1, prefix, "mlp.fc1", inner, width, true);
    mmn_binder_take_linear(binder, &layer->fc2, prefix, "mlp.fc2", width, inner, true);
}

void mmn_vision_bind_layer(mmn_binder *binder, mmn_vision_layer_weights *layer, uint32_t index,
                           const mmn_vision_config *config)
{
    size_t width = config->hidden_size;
    bool bias = config->qkv_bias;
    char prefix[64];
    layer_prefix(prefix, index);
    mmn_vision_bind_norms_and_mlp(binder, layer, index, config);
    mmn_binder_take_linear(binder, &layer->query, prefix, "self_attn.q_proj", width, width, bias);
    mmn_binder_take_linear(binder, &layer->key, prefix, "self_attn.k_proj", width, width, bias);
    mmn_binder_take_linear(binder, &layer->value, prefix, "self_attn.v_proj", width, width, bias);
    mmn_binder_take_linear(binder, &layer->output, prefix, "self_attn.out_proj", width, width,
                           true);
}

void mmn_vision_bind_post_norm(mmn_binder *binder, mmn_vision_weights *vision,
                               const mmn_vision_config *config)
{
    static const char name[] = "post_layernorm";
    size_t width = config->hidden_size;
    if (config->post_norm) {
        mmn_binder_take_norm(binder, &vision->post_norm, MMN_VISION_PREFIX, name, width, true);
        return;
    }
    mmn_binder_take(binder, MMN_VISION_PREFIX, "post_layernorm.weight", &width, 1, true);
    mmn_binder_take(binder, MMN_VISION_PREFIX, "post_layernorm.bias", &width, 1, true);
}
