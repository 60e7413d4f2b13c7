/* The reverse of the vision tower: from the gradients of features to those of pixels. */
#include <string.h>

#include "base/memory.h"
#include "pass/reverse_images.h"
#include "pass/reverse_vision.h"

/* The tower on its way back. */
typedef struct tower {
    const mmn_compute *compute;
    const mmn_vision_config *config;
    const mmn_vision_weights *weights;
    const mmn_probes *probes;
    const mmn_vision_states *states;
    size_t tiles, tokens, rows;
} tower;

static mmn_heads heads_of_tile(const mmn_vision_config *config,
                               const mmn_vision_layer_memory *memory, size_t tile,
                               const mmn_key_span *span)
{
    size_t offset = tile * memory->tokens * config->hidden_size;
    return (mmn_heads){.query = memory->query + offset,
                       .spans = span,
                       .output = memory->context + offset,
                       .rows = memory->tokens,
                       .key_count = memory->tokens,
                       .heads = config->heads,
                       .kv_heads = config->heads,
                       .head_dim = config->head_dim};
}

static mmn_key_span keys_of_tile(const mmn_vision_config *config,
                                 const mmn_vision_layer_memory *memory, size_t tile)
{
    size_t offset = tile * memory->tokens * config->hidden_size;
    return mmn_key_rows(memory->key + offset, memory->value + offset, memory->tokens, config->heads,
                        config->head_dim);
}

mmn_status mmn_vision_layer_memory_make(mmn_vision_layer_memory *memory, const mmn_compute *compute,
                                        const mmn_vision_config *config, size_t tiles,
                                        mmn_error *error)
{
    *memory = (mmn_vision_layer_memory){
        .tiles = tiles, .tokens = config->positions, .rows = tiles * config->positions};
    const mmn_heads heads = heads_of_tile(config, memory, 0, NULL);
    size_t floats = mmn_attention_reverse_floats(&heads);
    for (size_t i = 0; i < MMN_VISION_LAYER_ARRAYS; i++) {
        size_t width = i + 2 < MMN_VISION_LAYER_ARRAYS ? config->hidden_size
                                                       : config->intermediate_size;
        MMN_NEED(memory->arrays[i] = mmn_allocate(memory->rows, width * sizeof(float), error));
    }
    MMN_NEED(memory->scratch =
                 mmn_allocate((size_t)compute->threads, floats * sizeof(float), error));
    return MMN_OK;
}

void mmn_vision_layer_memory_free(mmn_vision_layer_memory *memory)
{
    for (size_t i = 0; i < MMN_VISION_LAYER_ARRAYS; i++)
        mmn_free(memory->arrays[i]);
    mmn_free(memory->scratch);
}

void mmn_vision_layer_make_again(const mmn_compute *compute, const mmn_vision_config *config,
                                 const mmn_vision_layer_weights *layer, const float *entered,
                                 mmn_vision_layer_memory *memory)
{
    size_t rows = memory->rows, width = config->hidden_size;
    const mmn_product products[] = {{memory->query, &layer->query, NULL},
                                    {memory->key, &layer->key, NULL},
                                    {memory->value, &layer->value, NULL}};

    mmn_layer_norm(compute, memory->normed, entered, &layer->attention_norm, rows, width,
                   config->layer_norm_eps);
    mmn_apply_linears(compute, products, 3, memory->normed, rows);
    for (size_t tile = 0; tile < memory->tiles; tile++) {
        const mmn_key_span span = keys_of_tile(config, memory, tile);
        const mmn_heads heads = heads_of_tile(config, memory, tile, &span);
        mmn_attend(compute, &heads, 1);
    }
    mmn_apply_linear(compute, memory->state, memory->context, rows, &layer->output);
    mmn_accumulate(compute, memory->state, entered, rows * width);
    mmn_layer_norm(compute, memory->normed, memory->state, &layer->mlp_norm, rows, width,
                   config->layer_norm_eps);
    mmn_apply_linear(compute, memory->inner, memory->normed, rows, &layer->fc1);
}

/* of_normed = what queries, keys and values give to what they are made of, given the gradient of
 * the attention's output. */
static void reverse_attention(const mmn_compute *compute, const mmn_vision_config *config,
                              const mmn_vision_layer_weights *layer, const float *gradient,
                              mmn_vision_layer_memory *memory)
{
    size_t rows = memory->rows, width = config->hidden_size;
    mmn_apply_transposed(compute, memory->of_context, gradient, rows, &layer->output.weight);
    for (size_t tile = 0; tile < memory->tiles; tile++) {
        size_t offset = tile * memory->tokens * width;
        const mmn_key_span span = keys_of_tile(config, memory, tile);
        const mmn_heads heads = heads_of_tile(config, memory, tile, &span);
        const mmn_attention_reverse reverse = {.heads = &heads,
                                               .gradient = memory->of_context + offset,
                                               .query_gradient = memory->of_query + offset,
                                               .key_gradient = memory->of_key + offset,
                                               .value_gradient = memory->of_value + offset,
                                               .scratch = memory->scratch};
        mmn_attend_reverse(compute, &reverse);
    }
    mmn_apply_transposed(compute, memory->of_normed, memory->of_query, rows, &layer->query.weight);
    mmn_apply_transposed(compute, memory->addend, memory->of_key, rows, &layer->key.weight);
    mmn_accumulate(compute, memory->of_normed, memory->addend, rows * width);
    mmn_apply_transposed(compute, memory->addend, memory->of_value, rows, &layer->value.weight);
    mmn_accumulate(compute, memory->of_normed, memory->addend, rows * width);
}

/* Shows a stage [tiles][tokens][width], if all that was made since the one before it is finite. */
static mmn_status show(const tower *t, const char *pattern, int layer, float *data, size_t width,
                       mmn_error *error)
{
    const mmn_shown shown = {
        .pattern = pattern, .layer = layer, .data = data, .shape = {t->tiles, t->tokens, width}};
    MMN_TRY(mmn_finite_check(t->compute->watch, pattern, layer, error));
    return mmn_probes_show(t->probes, &shown, error);
}

/* gradient [rows][width]: of what the layer put out, becomes that of `entered`. */
static mmn_status reverse_layer(const tower *t, uint32_t number, const float *entered,
                                float *gradient, mmn_vision_layer_memory *memory, mmn_error *error)
{
    const mmn_vision_config *config = t->config;
    const mmn_vision_layer_weights *layer = &t->weights->layers[number];
    const mmn_compute *compute = t->compute;
    size_t rows = memory->rows, width = config->hidden_size, inner = config->intermediate_size;
    int i = (int)number;

    MMN_TRY(show(t, "grad.vision.layers.{i}.out", i, gradient, width, error));
    mmn_vision_layer_make_again(compute, config, layer, entered, memory);
    mmn_apply_transposed(compute, memory->of_inner, gradient, rows, &layer->fc2.weight);
    MMN_TRY(show(t, "grad.vision.layers.{i}.mlp.act", i, memory->of_inner, inner, error));
    mmn_activation_slope(compute, config->activation, memory->inner, rows * inner);
    mmn_multiply(compute, memory->of_inner, memory->inner, rows * inner);
    mmn_apply_transposed(compute, memory->of_normed, memory->of_inner, rows, &layer->fc1.weight);
    mmn_layer_norm_reverse(compute, memory->addend, memory->of_normed, memory->state,
                           &layer->mlp_norm, rows, width, config->layer_norm_eps);
    mmn_accumulate(compute, gradient, memory->addend, rows * width);
    reverse_attention(compute, config, layer, gradient, memory);
    mmn_layer_norm_reverse(compute, memory->addend, memory->of_normed, entered,
                           &layer->attention_norm, rows, width, config->layer_norm_eps);
    mmn_accumulate(compute, gradient, memory->addend, rows * width);
    mmn_watch_values(compute, gradient, rows, width);
    return mmn_interrupt_check(compute->interrupt, error);
}

mmn_status mmn_vision_layer_reverse(const mmn_compute *compute, const mmn_vision_config *config,
                                    const mmn_vision_weights *weights, uint32_t number,
                                    const float *entered, float *gradient,
                                    mmn_vision_layer_memory *memory, mmn_error *error)
{
    const mmn_probes nobody = {.interrupt = compute->interrupt};
    const tower t = {.compute = compute,
                     .config = config,
                     .weights = weights,
                     .probes = &nobody,
                     .tiles = memory->tiles,
                     .tokens = memory->tokens,
                     .rows = memory->rows};
    return reverse_layer(&t, number, entered, gradient, memory, error);
}

/* gradient += what the features that are hidden state number `state` are given; `addend` is room
 * for as much. */
static void add_features(const tower *t, float *gradient, float *addend, const float *of_features,
                         uint32_t state)
{
    const mmn_vision_config *config = t->config;
    size_t width = config->hidden_size, total = mmn_vision_feature_width(config);
    size_t kept = mmn_vision_feature_tokens(config), first = t->tokens - kept;
    float *to = config->post_norm && state == config->layers ? addend : gradient;
    if (to == addend)
        memset(addend, 0, t->rows * width * sizeof(float));
    for (size_t selected = 0; selected < config->feature_layer_count; selected++)
        for (size_t row = 0; row < t->tiles * kept && config->feature_layers[selected] == state;
             row++) {
            float *own = to + (row / kept * t->tokens + first + row % kept) * width;
            t->compute->kernels->add(own, own, of_features + row * total + selected * width, width);
        }
    if (to == addend)
        mmn_layer_norm_reverse(t->compute, gradient, addend,
                               t->states->hidden + state * t->rows * width, &t->weights->post_norm,
                               t->rows, width, config->layer_norm_eps);
}

/* From the embeddings' gradient to that of pixels [tiles][channels][size][size]. */
static mmn_status reverse_patches(const tower *t, const float *gradient, mmn_error *error)
{
    const mmn_vision_config *config = t->config;
    const mmn_matrix *matrix = &t->weights->patch_embedding.weight;
    size_t width = config->hidden_size, first = config->class_token ? 1 : 0;
    size_t size = config->image_size, tile_values = config->channels * size * size;
    float *pixels = mmn_allocate(t->tiles, tile_values * sizeof(float), error);
    float *patches = mmn_allocate(config->patches, matrix->columns * sizeof(float), error);
    mmn_status status = pixels && patches ? MMN_OK : MMN_SYSTEM;
    if (status == MMN_OK) {
        memset(pixels, 0, t->tiles * tile_values * sizeof(float));
        for (size_t tile = 0; tile < t->tiles; tile++) {
            mmn_apply_transposed(t->compute, patches, gradient + (tile * t->tokens + first) * width,
                                 config->patches, matrix);
            mmn_vision_paste_patches(pixels + tile * tile_values, patches, config);
        }
        const mmn_shown shown = {.pattern = "grad.pixel_values",
                                 .layer = -1,
                                 .data = pixels,
                                 .shape = {t->tiles, config->channels, size, size}};
        status = mmn_probes_show(t->probes, &shown, error);
    }
    mmn_free(pixels);
    mmn_free(patches);
    return status;
}

/* gradient [rows][width], 0 before. */
static mmn_status reverse(const tower *t, mmn_vision_layer_memory *memory, const float *of_features,
                          float *gradient, mmn_error *error)
{
    const mmn_vision_config *config = t->config;
    size_t width = config->hidden_size;
    MMN_TRY(mmn_vision_layer_memory_make(memory, t->compute, config, t->tiles, error));
    for (uint32_t state = t->states->layers; state > 0; state--) {
        add_features(t, gradient, memory->addend, of_features, state);
        MMN_TRY(reverse_layer(t, state - 1, t->states->hidden + (state - 1) * t->rows * width,
                              gradient, memory, error));
    }
    add_features(t, gradient, memory->addend, of_features, 0);
    MMN_TRY(show(t, "grad.vision.embeddings", -1, gradient, width, error));
    if (!config->pre_norm)
        return reverse_patches(t, gradient, error);
    mmn_layer_norm_reverse(t->compute, memory->addend, gradient, t->states->embeddings,
                           &t->weights->pre_norm, t->rows, width, config->layer_norm_eps);
    return reverse_patches(t, memory->addend, error);
}

mmn_status mmn_vision_reverse(mmn_compute *compute, const mmn_vision_config *config,
                              const mmn_vision_weights *weights, const mmn_probes *probes,
                              const mmn_vision_states *states, const float *gradient,
                              mmn_error *error)
{
    const tower t = {.compute = compute,
                     .config = config,
                     .weights = weights,
                     .probes = probes,
                     .states = states,
                     .tiles = states->tiles,
                     .tokens = config->positions,
                     .rows = states->tiles * config->positions};
    mmn_vision_layer_memory memory = {0};
    size_t bytes = config->hidden_size * sizeof(float);
    float *own = mmn_allocate(t.rows, bytes, error);
    mmn_status status = MMN_SYSTEM;
    if (own) {
        memset(own, 0, t.rows * bytes);
        status = reverse(&t, &memory, gradient, own, error);
    }
    mmn_vision_layer_memory_free(&memory);
    mmn_free(own);
    return status;
}
