/* The Q-Former: what the queries of an instruction read of an image, as language features. */
#include "pass/vision.h"

#include <string.h>

#include "base/memory.h"
#include "pass/bert.h"

enum { ARRAYS = 7 };

/* The activations of one run. Rows are the queries and, after them, the instruction's words. */
typedef struct activations {
    size_t queries, words, rows;
    size_t image_rows; /* of the features that the queries read */
    union {
        struct {
            float *hidden, *sum, *query, *key, *value, *attention, *inner; /* inner: the MLPs' */
        };
        float *arrays[ARRAYS];
    };
} activations;

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void free_activations(activations *a)
{
    for (size_t i = 0; i < ARRAYS; i++)
        mmn_free(a->arrays[i]);
}

static mmn_status allocate_activations(activations *a, const mmn_config *config,
                                       const mmn_input *input, mmn_error *error)
{
    const mmn_qformer_config *qformer = &config->qformer;
    *a = (activations){.queries = qformer->queries,
                       .words = input->qformer_length,
                       .rows = qformer->queries + input->qformer_length,
                       .image_rows = mmn_vision_feature_tokens(&config->vision)};
    size_t hidden = qformer->hidden_size, most = larger(a->rows, a->image_rows);
    const size_t widths[ARRAYS] = {
        hidden, hidden, hidden, hidden, hidden, hidden, qformer->intermediate_size};
    for (size_t i = 0; i < ARRAYS; i++)
        if (!(a->arrays[i] = mmn_allocate(most, widths[i] * sizeof(float), error)))
            return MMN_SYSTEM;
    return MMN_OK;
}

/* layer_norm(queries, word embeddings + positions); queries have no positions. */
static void embed(const mmn_compute *compute, const mmn_qformer_config *config,
                  const mmn_qformer_weights *weights, const int32_t *ids, activations *a)
{
    size_t width = config->hidden_size;
    float *words = a->sum + a->queries * width, *positions = a->attention;
    memcpy(a->sum, weights->queries, a->queries * width * sizeof(float));
    mmn_widen_rows(compute, words, &weights->word_embedding, ids, a->words);
    compute->kernels->widen(positions, weights->position_embedding.data,
                            weights->position_embedding.type, a->words * width);
    mmn_accumulate(compute, words, positions, a->words * width);
    mmn_layer_norm(compute, a->hidden, a->sum, &weights->embedding_norm, a->rows, width,
                   config->layer_norm_eps);
}

/* The first `rows` rows: hidden = layer_norm(output(attention over what is read) + hidden). */
static void attend(const mmn_compute *compute, const mmn_qformer_config *config,
                   const mmn_bert_attention_weights *weights, activations *a, size_t rows,
                   const float *read, size_t read_rows)
{
    size_t width = config->hidden_size;
    mmn_apply_linear(compute, a->query, a->hidden, rows, &weights->query);
    const mmn_product products[] = {{a->key, &weights->key}, {a->value, &weights->value}};
    mmn_apply_linears(compute, products, 2, read, read_rows);
    const mmn_key_span span =
        mmn_key_rows(a->key, a->value, read_rows, config->heads, config->head_dim);
    const mmn_heads heads = {
        .query = a->query,
        .spans = &span,
        .output = a->attention,
        .rows = rows,
        .key_count = read_rows,
        .heads = config->heads,
        .kv_heads = config->heads,
        .head_dim = config->head_dim,
    };
    mmn_attend(compute, &heads);
    mmn_apply_linear(compute, a->sum, a->attention, rows, &weights->output);
    mmn_bert_add_norm(compute, a->hidden, a->sum, &weights->norm, rows, width,
                      config->layer_norm_eps);
}

/* `rows` rows from `first` on through a branch's feed-forward layer. */
static mmn_status feed_forward(const mmn_compute *compute, const mmn_qformer_config *config,
                               const mmn_bert_mlp_weights *weights, activations *a, size_t first,
                               size_t rows, const char *pattern, int layer,
                               const mmn_probes *probes, mmn_error *error)
{
    const mmn_bert_rows own = {a->hidden + first * config->hidden_size, a->sum, a->inner, rows};
    return mmn_bert_feed_forward(compute, weights, config->activation, config->layer_norm_eps, &own,
                                 pattern, layer, probes, error);
}

static mmn_status run_layer(const mmn_compute *compute, const mmn_qformer_config *config,
                            const mmn_qformer_layer_weights *weights, uint32_t layer,
                            const float *features, const mmn_probes *probes, activations *a,
                            mmn_error *error)
{
    attend(compute, config, &weights->attention, a, a->rows, a->hidden, a->rows);
    if (layer % config->cross_attention_frequency == 0)
        attend(compute, config, &weights->cross_attention, a, a->queries, features, a->image_rows);
    MMN_TRY(feed_forward(compute, config, &weights->query_mlp, a, 0, a->queries,
                         "query.layers.{i}.mlp.act", (int)layer, probes, error));
    MMN_TRY(feed_forward(compute, config, &weights->text_mlp, a, a->queries, a->words,
                         "qformer.layers.{i}.mlp.act", (int)layer, probes, error));
    mmn_watch_values(compute, a->hidden, a->rows, config->hidden_size);
    return mmn_show_rows(compute, probes, "qformer.layers.{i}.out", (int)layer, a->hidden, a->rows,
                         config->hidden_size, error);
}

/* Embeddings, layers and language_projection of the queries: merged [queries][width]. */
static mmn_status run(mmn_compute *compute, const mmn_config *config,
                      const mmn_qformer_weights *weights, const mmn_probes *probes,
                      const int32_t *ids, const float *features, activations *a, float *merged,
                      mmn_error *error)
{
    const mmn_qformer_config *qformer = &config->qformer;
    size_t hidden = qformer->hidden_size, width = weights->projection.weight.rows;
    size_t most = larger(a->rows, a->image_rows);
    size_t widest = larger(mmn_vision_feature_width(&config->vision),
                           larger(hidden, qformer->intermediate_size));
    MMN_TRY(mmn_compute_reserve(compute, most, widest, most, qformer->head_dim, error));
    embed(compute, qformer, weights, ids, a);
    mmn_watch_values(compute, a->hidden, a->rows, hidden);
    MMN_TRY(mmn_finite_check(compute->watch, "qformer.embeddings", -1, error));
    for (uint32_t layer = 0; layer < qformer->layers; layer++)
        MMN_TRY(run_layer(compute, qformer, &weights->layers[layer], layer, features, probes, a,
                          error));
    MMN_TRY(
        mmn_show_rows(compute, probes, "qformer.out", -1, a->hidden, a->queries, hidden, error));
    mmn_apply_linear(compute, merged, a->hidden, a->queries, &weights->projection);
    MMN_TRY(mmn_show_rows(compute, probes, "projector.out", -1, merged, a->queries, width, error));
    return mmn_show_rows(compute, probes, "projector.merged", -1, merged, a->queries, width, error);
}

mmn_status mmn_qformer_run(mmn_compute *compute, const mmn_config *config,
                           const mmn_weights *weights, const mmn_probes *probes,
                           const mmn_input *input, const float *features, float **merged,
                           mmn_error *error)
{
    size_t width = weights->qformer.projection.weight.rows;
    activations a;
    MMN_NEED(*merged = mmn_allocate(config->qformer.queries, width * sizeof(float), error));
    mmn_status status = allocate_activations(&a, config, input, error);
    if (status == MMN_OK)
        status = run(compute, config, &weights->qformer, probes, input->qformer_ids, features, &a,
                     *merged, error);
    free_activations(&a);
    return status;
}
