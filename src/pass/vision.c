/* The vision transformer: pixel values in, the features that the projector reads out. */
#include "pass/vision.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { ARRAYS = 7 };

/* The activations of one run: `rows` = tiles * tokens rows each. */
typedef struct activations {
    size_t tiles, tokens, rows;
    mmn_vision_states *states; /* that are kept; NULL: none */
    union {
        struct {
            float *hidden, *normed, *query, *key, *value, *attention, *inner; /* inner: the MLP's */
        };
        float *arrays[ARRAYS];
    };
} activations;

static size_t patch_values(const mmn_vision_config *config)
{
    return (size_t)config->channels * config->patch_size * config->patch_size;
}

/* The most numbers that a row of a matrix product's input has. */
static size_t widest(const mmn_vision_config *config)
{
    size_t inner = config->intermediate_size, patch = patch_values(config);
    size_t wider = inner > patch ? inner : patch;
    return wider > config->hidden_size ? wider : config->hidden_size;
}

static void free_activations(activations *a)
{
    for (size_t i = 0; i < ARRAYS; i++)
        mmn_free(a->arrays[i]);
}

static mmn_status allocate_activations(activations *a, const mmn_vision_config *config,
                                       size_t tiles, mmn_error *error)
{
    size_t width = config->hidden_size;
    *a = (activations){.tiles = tiles, .tokens = config->positions};
    if (!mmn_multiply_sizes(a->tiles, a->tokens, &a->rows))
        return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "%zu image tiles are too many", tiles);
    const size_t widths[ARRAYS] = {
        width, width, width, width, width, width, config->intermediate_size};
    for (size_t i = 0; i < ARRAYS; i++)
        if (!(a->arrays[i] = mmn_allocate(a->rows, widths[i] * sizeof(float), error)))
            return MMN_SYSTEM;
    return MMN_OK;
}

/* Shows a stage, if all that was made since the one before it is finite. */
static mmn_status show(const mmn_compute *compute, const mmn_probes *probes, const char *pattern,
                       int layer, const activations *a, float *data, size_t width, mmn_error *error)
{
    if (mmn_finite_found(compute->watch)) {
        char where[64];
        snprintf(where, sizeof(where), "tile %zu, token %zu", compute->watch->row / a->tokens,
                 compute->watch->row % a->tokens);
        MMN_TRY(mmn_finite_fail(compute->watch, pattern, layer, where, error));
    }
    const mmn_shown shown = {
        .pattern = pattern, .layer = layer, .data = data, .shape = {a->tiles, a->tokens, width}};
    return mmn_probes_show(probes, &shown, error);
}

/* Cuts a tile [channels][size][size] into rows of one patch each, [patches][channels * p * p], so
 * that the convolution with stride p is a matrix product. What is left over at the right and at the
 * bottom belongs to no patch. */
static void cut_patches(float *rows, const float *tile, const mmn_vision_config *config)
{
    size_t size = config->image_size, patch = config->patch_size, side = config->grid;
    for (size_t row = 0; row < side; row++)
        for (size_t column = 0; column < side; column++)
            for (size_t channel = 0; channel < config->channels; channel++)
                for (size_t y = 0; y < patch; y++) {
                    const float *line =
                        tile + (channel * size + row * patch + y) * size + column * patch;
                    memcpy(rows, line, patch * sizeof(float));
                    rows += patch;
                }
}

/* Class token, if any, and patch projections, plus positions, then the norm before the layers, if
 * any. */
static mmn_status embed(const mmn_compute *compute, const mmn_vision_config *config,
                        const mmn_vision_weights *weights, const float *pixels, activations *a,
                        mmn_error *error)
{
    size_t width = config->hidden_size, patches = config->patches;
    size_t first_patch = config->class_token ? 1 : 0;
    size_t tile_values = (size_t)config->channels * config->image_size * config->image_size;
    float *rows = mmn_allocate(patches, patch_values(config) * sizeof(float), error);
    float *positions = mmn_allocate(a->tokens, width * sizeof(float), error);
    mmn_status status = rows && positions ? MMN_OK : MMN_SYSTEM;
    if (status != MMN_OK)
        goto done;

    float *embeddings = config->pre_norm ? a->normed : a->hidden;
    compute->kernels->widen(positions, weights->position_embedding.data,
                            weights->position_embedding.type, a->tokens * width);
    for (size_t tile = 0; tile < a->tiles; tile++) {
        float *tokens = embeddings + tile * a->tokens * width;
        cut_patches(rows, pixels + tile * tile_values, config);
        if (config->class_token)
            memcpy(tokens, weights->class_embedding, width * sizeof(float));
        mmn_apply_linear(compute, tokens + first_patch * width, rows, patches,
                         &weights->patch_embedding);
        mmn_accumulate(compute, tokens, positions, a->tokens * width);
    }
    if (config->pre_norm && a->states)
        memcpy(a->states->embeddings, embeddings, a->rows * width * sizeof(float));
    if (config->pre_norm)
        mmn_layer_norm(compute, a->hidden, embeddings, &weights->pre_norm, a->rows, width,
                       config->layer_norm_eps);
done:
    mmn_free(rows);
    mmn_free(positions);
    return status;
}

void mmn_vision_paste_patches(float *tile, const float *rows, const mmn_vision_config *config)
{
    size_t size = config->image_size, patch = config->patch_size, side = config->grid;
    for (size_t row = 0; row < side; row++)
        for (size_t column = 0; column < side; column++)
            for (size_t channel = 0; channel < config->channels; channel++)
                for (size_t y = 0; y < patch; y++) {
                    float *line = tile + (channel * size + row * patch + y) * size + column * patch;
                    memcpy(line, rows, patch * sizeof(float));
                    rows += patch;
                }
}

static void attend(const mmn_compute *compute, const mmn_vision_config *config,
                   const mmn_vision_layer_weights *layer, activations *a)
{
    const mmn_product products[] = {{a->query, &layer->query, NULL},
                                    {a->key, &layer->key, NULL},
                                    {a->value, &layer->value, NULL}};
    mmn_apply_linears(compute, products, 3, a->normed, a->rows);
    for (size_t tile = 0; tile < a->tiles; tile++) {
        size_t offset = tile * a->tokens * config->hidden_size;
        const mmn_key_span span = mmn_key_rows(a->key + offset, a->value + offset, a->tokens,
                                               config->heads, config->head_dim);
        const mmn_heads heads = {
            .query = a->query + offset,
            .spans = &span,
            .output = a->attention + offset,
            .rows = a->tokens,
            .key_count = a->tokens,
            .heads = config->heads,
            .kv_heads = config->heads,
            .head_dim = config->head_dim,
        };
        mmn_attend(compute, &heads, 1);
    }
}

/* x += out_proj(attention(layer_norm1(x))); x += fc2(act(fc1(layer_norm2(x)))). */
static mmn_status run_layer(const mmn_compute *compute, const mmn_vision_config *config,
                            const mmn_vision_layer_weights *layer, int index,
                            const mmn_probes *probes, activations *a, mmn_error *error)
{
    size_t width = config->hidden_size, inner = config->intermediate_size;

    mmn_layer_norm(compute, a->normed, a->hidden, &layer->attention_norm, a->rows, width,
                   config->layer_norm_eps);
    attend(compute, config, layer, a);
    mmn_apply_linear(compute, a->normed, a->attention, a->rows, &layer->output);
    mmn_accumulate(compute, a->hidden, a->normed, a->rows * width);

    mmn_layer_norm(compute, a->normed, a->hidden, &layer->mlp_norm, a->rows, width,
                   config->layer_norm_eps);
    mmn_apply_activated(compute, a->inner, a->normed, a->rows, &layer->fc1, config->activation);
    MMN_TRY(show(compute, probes, "vision.layers.{i}.mlp.act", index, a, a->inner, inner, error));
    mmn_apply_linear(compute, a->normed, a->inner, a->rows, &layer->fc2);
    mmn_accumulate(compute, a->hidden, a->normed, a->rows * width);
    mmn_watch_values(compute, a->hidden, a->rows, width);
    return show(compute, probes, "vision.layers.{i}.out", index, a, a->hidden, width, error);
}

/* Copies hidden state number `state` (0: the embeddings, i: the output of the i-th layer) to its
 * places in the features, wherever the configuration selects it. Overwrites a->normed. */
static void select_features(const mmn_compute *compute, float *features,
                            const mmn_vision_config *config, const mmn_norm *post_norm,
                            const activations *a, uint32_t state)
{
    const float *hidden = a->hidden;
    size_t width = config->hidden_size, total = mmn_vision_feature_width(config);
    size_t kept = mmn_vision_feature_tokens(config), first = a->tokens - kept;
    if (config->post_norm && state == config->layers) {
        mmn_layer_norm(compute, a->normed, a->hidden, post_norm, a->rows, config->hidden_size,
                       config->layer_norm_eps);
        hidden = a->normed;
    }
    for (size_t selected = 0; selected < config->feature_layer_count; selected++) {
        if (config->feature_layers[selected] != state)
            continue;
        for (size_t tile = 0; tile < a->tiles; tile++)
            for (size_t token = 0; token < kept; token++)
                memcpy(features + (tile * kept + token) * total + selected * width,
                       hidden + (tile * a->tokens + first + token) * width, width * sizeof(float));
    }
}

/* How many layers must run: up to the last selected hidden state, or the last layer that a probe
 * wants to see. */
static uint32_t layers_needed(const mmn_vision_config *config, const mmn_probes *probes)
{
    uint32_t needed = mmn_probes_layers(probes, "vision.layers.", config->layers);
    for (size_t selected = 0; selected < config->feature_layer_count; selected++)
        if (config->feature_layers[selected] > needed)
            needed = config->feature_layers[selected];
    return needed;
}

static mmn_status run(mmn_compute *compute, const mmn_vision_config *config,
                      const mmn_vision_weights *weights, const mmn_probes *probes,
                      const float *pixels, activations *a, float *features, mmn_error *error)
{
    size_t width = config->hidden_size, all = mmn_vision_feature_width(config);
    uint32_t layers = layers_needed(config, probes);
    MMN_TRY(
        mmn_compute_reserve(compute, a->rows, widest(config), a->tokens, config->head_dim, error));
    MMN_TRY(embed(compute, config, weights, pixels, a, error));
    mmn_watch_values(compute, a->hidden, a->rows, width);
    MMN_TRY(show(compute, probes, "vision.embeddings", -1, a, a->hidden, width, error));
    for (uint32_t layer = 0;; layer++) {
        select_features(compute, features, config, &weights->post_norm, a, layer);
        if (a->states)
            memcpy(a->states->hidden + layer * a->rows * width, a->hidden,
                   a->rows * width * sizeof(float));
        if (layer == layers)
            break;
        MMN_TRY(run_layer(compute, config, &weights->layers[layer], (int)layer, probes, a, error));
    }
    a->tokens = mmn_vision_feature_tokens(config);
    mmn_watch_values(compute, features, a->tiles * a->tokens, all);
    return show(compute, probes, "vision.out", -1, a, features, all, error);
}

static mmn_status run_tower(mmn_compute *compute, const mmn_vision_config *config,
                            const mmn_vision_weights *weights, const mmn_probes *probes,
                            const float *pixels, size_t tiles, mmn_vision_states *states,
                            float **features, mmn_error *error)
{
    size_t kept = mmn_vision_feature_tokens(config), width = mmn_vision_feature_width(config);
    activations a;
    *features = NULL;
    mmn_status status = allocate_activations(&a, config, tiles, error);
    a.states = states;
    if (status == MMN_OK && !(*features = mmn_allocate(tiles * kept, width * sizeof(float), error)))
        status = MMN_SYSTEM;
    if (status == MMN_OK)
        status = run(compute, config, weights, probes, pixels, &a, *features, error);
    free_activations(&a);
    return status;
}

mmn_status mmn_vision_run(mmn_compute *compute, const mmn_vision_config *config,
                          const mmn_vision_weights *weights, const mmn_probes *probes,
                          const float *pixels, size_t tiles, float **features, mmn_error *error)
{
    return run_tower(compute, config, weights, probes, pixels, tiles, NULL, features, error);
}

mmn_status mmn_vision_run_again(mmn_compute *compute, const mmn_vision_config *config,
                                const mmn_vision_weights *weights, const float *pixels,
                                size_t tiles, mmn_vision_states *states, float **features,
                                mmn_error *error)
{
    const mmn_probes nobody = {.interrupt = compute->interrupt};
    size_t bytes = config->positions * config->hidden_size * sizeof(float);
    *features = NULL;
    states->tiles = tiles;
    states->layers = layers_needed(config, &nobody);
    MMN_NEED(states->embeddings = mmn_allocate(tiles, bytes, error));
    MMN_NEED(states->hidden = mmn_allocate((states->layers + (size_t)1) * tiles, bytes, error));
    return run_tower(compute, config, weights, &nobody, pixels, tiles, states, features, error);
}

void mmn_vision_states_free(mmn_vision_states *states)
{
    mmn_free(states->embeddings);
    mmn_free(states->hidden);
    *states = (mmn_vision_states){0};
}
