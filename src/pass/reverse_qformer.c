/* The reverse of the Q-Former: from the gradients of what the queries are for the language model to
 * those of the features that they read. */
#include <string.h>

#include "base/memory.h"
#include "pass/qformer.h"
#include "pass/reverse_images.h"

/* The Q-Former on its way back. */
typedef struct way {
    const mmn_compute *compute;
    const mmn_qformer_config *config;
    const mmn_probes *probes;
    const float *features;
    float *of_features;
    size_t feature_width;
    mmn_qformer_rows made; /* what a layer makes again */
    float *entered;        /* [layers][rows][hidden_size]: what enters each */
    float *gradient;       /* [rows][hidden_size]: of what a layer put out, then of what entered */
    float *of_sum, *of_context, *of_query; /* [rows][hidden_size] */
    float *of_key, *of_value;              /* [the most rows][hidden_size] */
    float *of_inner;                       /* [rows][intermediate_size] */
    float *addend;                         /* [the most rows][the wider of hidden and features] */
    float *scratch;                        /* attention's */
} way;

static mmn_heads heads_of(const mmn_qformer_config *config, const mmn_qformer_attention *made,
                          size_t rows, size_t keys, const mmn_key_span *span)
{
    return (mmn_heads){.query = made->query,
                       .spans = span,
                       .rows = rows,
                       .key_count = keys,
                       .heads = config->heads,
                       .kv_heads = config->heads,
                       .head_dim = config->head_dim};
}

static mmn_status make_memory(way *w, mmn_error *error)
{
    const mmn_qformer_config *config = w->config;
    const size_t width = config->hidden_size, rows = w->made.rows;
    const size_t most = mmn_larger(rows, w->made.image_rows);
    const mmn_heads heads = heads_of(config, &w->made.own, rows, most, NULL);
    const struct {
        float **array;
        size_t rows, width;
    } needed[] = {
        {&w->entered, config->layers * rows, width},
        {&w->gradient, rows, width},
        {&w->of_sum, rows, width},
        {&w->of_context, rows, width},
        {&w->of_query, rows, width},
        {&w->of_key, most, width},
        {&w->of_value, most, width},
        {&w->of_inner, rows, config->intermediate_size},
        {&w->addend, most, mmn_larger(width, w->feature_width)},
        {&w->scratch, (size_t)w->compute->threads, mmn_attention_reverse_floats(&heads)},
    };
    for (size_t i = 0; i < MMN_LENGTH(needed); i++)
        MMN_NEED(*needed[i].array =
                     mmn_allocate(needed[i].rows, needed[i].width * sizeof(float), error));
    return MMN_OK;
}

static void free_memory(way *w)
{
    float *const arrays[] = {w->entered, w->gradient, w->of_sum,   w->of_context, w->of_query,
                             w->of_key,  w->of_value, w->of_inner, w->addend,     w->scratch};
    for (size_t i = 0; i < MMN_LENGTH(arrays); i++)
        mmn_free(arrays[i]);
    mmn_qformer_rows_free(&w->made);
}

/* sum [rows][inputs] += what a product gives to what it reads. */
static void add_product(const way *w, float *sum, const float *gradient, size_t rows,
                        const mmn_linear *linear)
{
    mmn_apply_transposed(w->compute, w->addend, gradient, rows, &linear->weight);
    mmn_accumulate(w->compute, sum, w->addend, rows * linear->weight.columns);
}

/* gradient [rows][hidden_size], of what a norm put out, becomes that of the sum that it read; a
 * copy of it is in of_sum. */
static void reverse_norm(const way *w, const mmn_norm *norm, const float *sum, float *gradient,
                         size_t rows)
{
    const size_t width = w->config->hidden_size;
    mmn_layer_norm_reverse(w->compute, w->of_sum, gradient, sum, norm, rows, width,
                           w->config->layer_norm_eps);
    memcpy(gradient, w->of_sum, rows * width * sizeof(float));
}

/* `rows` rows of a branch, from `first` on. */
static mmn_status reverse_feed_forward(const way *w, const mmn_bert_mlp_weights *weights,
                                       size_t first, size_t rows, const char *pattern, int layer,
                                       mmn_error *error)
{
    const size_t width = w->config->hidden_size, inner = w->config->intermediate_size;
    float *gradient = w->gradient + first * width, *before = w->made.before + first * inner;
    reverse_norm(w, &weights->norm, w->made.sum + first * width, gradient, rows);
    mmn_apply_transposed(w->compute, w->of_inner, w->of_sum, rows, &weights->output.weight);
    MMN_TRY(mmn_show_rows(w->compute, w->probes, pattern, layer, w->of_inner, rows, inner, error));
    mmn_activation_slope(w->compute, w->config->activation, before, rows * inner);
    mmn_multiply(w->compute, w->of_inner, before, rows * inner);
    add_product(w, gradient, w->of_inner, rows, &weights->intermediate);
    return MMN_OK;
}

/* The first `rows` rows; of_read [read_rows] += what keys and values give to what they are made
 * of. */
static void reverse_attention(const way *w, const mmn_bert_attention_weights *weights,
                              const mmn_qformer_attention *made, size_t rows, float *of_read,
                              size_t read_rows)
{
    const mmn_qformer_config *config = w->config;
    const mmn_key_span span =
        mmn_key_rows(made->key, made->value, read_rows, config->heads, config->head_dim);
    const mmn_heads heads = heads_of(config, made, rows, read_rows, &span);
    const mmn_attention_reverse reverse = {.heads = &heads,
                                           .gradient = w->of_context,
                                           .query_gradient = w->of_query,
                                           .key_gradient = w->of_key,
                                           .value_gradient = w->of_value,
                                           .scratch = w->scratch};
    reverse_norm(w, &weights->norm, made->sum, w->gradient, rows);
    mmn_apply_transposed(w->compute, w->of_context, w->of_sum, rows, &weights->output.weight);
    mmn_attend_reverse(w->compute, &reverse);
    add_product(w, w->gradient, w->of_query, rows, &weights->query);
    add_product(w, of_read, w->of_key, read_rows, &weights->key);
    add_product(w, of_read, w->of_value, read_rows, &weights->value);
}

static mmn_status reverse_layer(way *w, const mmn_qformer_layer_weights *weights, uint32_t number,
                                mmn_error *error)
{
    const mmn_qformer_config *config = w->config;
    const mmn_probes nobody = {.interrupt = w->compute->interrupt};
    const size_t queries = w->made.queries, rows = w->made.rows, width = config->hidden_size;
    const int i = (int)number;
    MMN_TRY(mmn_show_rows(w->compute, w->probes, "grad.qformer.layers.{i}.out", i, w->gradient,
                          rows, width, error));
    memcpy(w->made.hidden, w->entered + number * rows * width, rows * width * sizeof(float));
    MMN_TRY(mmn_qformer_layer(w->compute, config, weights, number, w->features, &nobody, &w->made,
                              error));
    MMN_TRY(reverse_feed_forward(w, &weights->query_mlp, 0, queries,
                                 "grad.query.layers.{i}.mlp.act", i, error));
    MMN_TRY(reverse_feed_forward(w, &weights->text_mlp, queries, w->made.words,
                                 "grad.qformer.layers.{i}.mlp.act", i, error));
    if (mmn_qformer_layer_reads_image(config, number))
        reverse_attention(w, &weights->cross_attention, &w->made.cross, queries, w->of_features,
                          w->made.image_rows);
    reverse_attention(w, &weights->attention, &w->made.own, rows, w->gradient, rows);
    mmn_watch_values(w->compute, w->gradient, rows, width);
    return mmn_interrupt_check(w->compute->interrupt, error);
}

/* Runs again, up to what enters the last layer. */
static mmn_status run_again(way *w, const mmn_qformer_weights *weights, mmn_error *error)
{
    const mmn_probes nobody = {.interrupt = w->compute->interrupt};
    const size_t values = w->made.rows * w->config->hidden_size;
    for (uint32_t layer = 0; layer < w->config->layers; layer++) {
        memcpy(w->entered + layer * values, w->made.hidden, values * sizeof(float));
        if (layer + 1 < w->config->layers)
            MMN_TRY(mmn_qformer_layer(w->compute, w->config, &weights->layers[layer], layer,
                                      w->features, &nobody, &w->made, error));
    }
    return MMN_OK;
}

static mmn_status reverse(way *w, mmn_compute *compute, const mmn_model *model,
                          const mmn_input *input, const float *gradient, mmn_error *error)
{
    const mmn_qformer_config *config = w->config;
    const mmn_qformer_weights *weights = &model->weights->qformer;
    const size_t width = config->hidden_size;
    MMN_TRY(mmn_qformer_begin(compute, &model->config, weights, input, true, &w->made, error));
    MMN_TRY(mmn_compute_reserve(compute, w->made.queries, weights->projection.weight.rows, 0, 0,
                                error));
    MMN_TRY(make_memory(w, error));
    MMN_TRY(run_again(w, weights, error));
    memset(w->gradient, 0, w->made.rows * width * sizeof(float));
    memset(w->of_features, 0, w->made.image_rows * w->feature_width * sizeof(float));
    mmn_apply_transposed(compute, w->gradient, gradient, w->made.queries,
                         &weights->projection.weight);
    MMN_TRY(mmn_show_rows(compute, w->probes, "grad.qformer.out", -1, w->gradient, w->made.queries,
                          width, error));
    for (uint32_t layer = config->layers; layer-- > 0;)
        MMN_TRY(reverse_layer(w, &weights->layers[layer], layer, error));
    return MMN_OK;
}

mmn_status mmn_qformer_reverse(mmn_compute *compute, const mmn_model *model,
                               const mmn_probes *probes, const mmn_input *input,
                               const float *features, float *gradient, float *of_features,
                               mmn_error *error)
{
    way w = {.compute = compute,
             .config = &model->config.qformer,
             .probes = probes,
             .features = features,
             .of_features = of_features,
             .feature_width = mmn_vision_feature_width(&model->config.vision)};
    MMN_TRY(mmn_show_rows(compute, probes, "grad.projector.out", -1, gradient, w.config->queries,
                          model->config.language.hidden_size, error));
    mmn_status status = reverse(&w, compute, model, input, gradient, error);
    free_memory(&w);
    return status;
}
