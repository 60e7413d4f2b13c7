/* The Q-Former: what the queries of an instruction read of an image, as language features. */
#include "pass/qformer.h"

#include <string.h>

#include "base/memory.h"
#include "pass/bert.h"
#include "pass/vision.h"

static size_t most_rows(const mmn_qformer_rows *a)
{
    return mmn_larger(a->rows, a->image_rows);
}

static float *take(float **rest, size_t floats)
{
    float *taken = *rest;
    *rest += floats;
    return taken;
}

static mmn_qformer_attention take_attention(float **rest, size_t floats, float *sum)
{
    return (mmn_qformer_attention){.query = take(rest, floats),
                                   .key = take(rest, floats),
                                   .value = take(rest, floats),
                                   .context = take(rest, floats),
                                   .sum = sum};
}

static mmn_status make_rows(mmn_qformer_rows *a, const mmn_config *config, const mmn_input *input,
                            bool kept, mmn_error *error)
{
    const mmn_qformer_config *qformer = &config->qformer;
    *a = (mmn_qformer_rows){.queries = qformer->queries,
                            .words = input->qformer_length,
                            .rows = qformer->queries + input->qformer_length,
                            .image_rows = mmn_vision_feature_tokens(&config->vision)};
    const size_t most = most_rows(a), wide = most * qformer->hidden_size;
    const size_t inner = most * qformer->intermediate_size;
    const size_t width = (kept ? 12 : 6) * (size_t)qformer->hidden_size +
                         (kept ? 2 : 1) * (size_t)qformer->intermediate_size;
    MMN_NEED(a->memory = mmn_allocate(most, width * sizeof(float), error));
    float *rest = a->memory;
    a->hidden = take(&rest, wide);
    a->sum = take(&rest, wide);
    a->inner = take(&rest, inner);
    a->own = a->cross = take_attention(&rest, wide, a->sum);
    if (kept) {
        a->own.sum = take(&rest, wide);
        a->cross = take_attention(&rest, wide, take(&rest, wide));
        a->before = take(&rest, inner);
    }
    return MMN_OK;
}

void mmn_qformer_rows_free(mmn_qformer_rows *rows)
{
    mmn_free(rows->memory);
}

/* layer_norm(queries, word embeddings + positions); queries have no positions. */
static void embed(const mmn_compute *compute, const mmn_qformer_config *config,
                  const mmn_qformer_weights *weights, const int32_t *ids, const mmn_qformer_rows *a)
{
    size_t width = config->hidden_size;
    float *words = a->sum + a->queries * width, *positions = a->own.context;
    memcpy(a->sum, weights->queries, a->queries * width * sizeof(float));
    mmn_widen_rows(compute, words, &weights->word_embedding, ids, a->words);
    compute->kernels->widen(positions, weights->position_embedding.data,
                            weights->position_embedding.type, a->words * width);
    mmn_accumulate(compute, words, positions, a->words * width);
    mmn_layer_norm(compute, a->hidden, a->sum, &weights->embedding_norm, a->rows, width,
                   config->layer_norm_eps);
}

mmn_status mmn_qformer_begin(mmn_compute *compute, const mmn_config *config,
                             const mmn_qformer_weights *weights, const mmn_input *input, bool kept,
                             mmn_qformer_rows *a, mmn_error *error)
{
    const mmn_qformer_config *qformer = &config->qformer;
    const size_t widest = mmn_larger(mmn_vision_feature_width(&config->vision),
                                     mmn_larger(qformer->hidden_size, qformer->intermediate_size));
    MMN_TRY(make_rows(a, config, input, kept, error));
    const size_t most = most_rows(a);
    MMN_TRY(mmn_compute_reserve(compute, most, widest, most, qformer->head_dim, error));
    embed(compute, qformer, weights, input->qformer_ids, a);
    mmn_watch_values(compute, a->hidden, a->rows, qformer->hidden_size);
    return mmn_finite_check(compute->watch, "qformer.embeddings", -1, error);
}

/* The first `rows` rows: hidden = layer_norm(output(attention over what is read) + hidden). */
static void attend(const mmn_compute *compute, const mmn_qformer_config *config,
                   const mmn_bert_attention_weights *weights, const mmn_qformer_attention *a,
                   float *hidden, size_t rows, const float *read, size_t read_rows)
{
    size_t width = config->hidden_size;
    mmn_apply_linear(compute, a->query, hidden, rows, &weights->query);
    const mmn_product products[] = {{a->key, &weights->key, NULL},
                                    {a->value, &weights->value, NULL}};
    mmn_apply_linears(compute, products, 2, read, read_rows);
    const mmn_key_span span =
        mmn_key_rows(a->key, a->value, read_rows, config->heads, config->head_dim);
    const mmn_heads heads = {
        .query = a->query,
        .spans = &span,
        .output = a->context,
        .rows = rows,
        .key_count = read_rows,
        .heads = config->heads,
        .kv_heads = config->heads,
        .head_dim = config->head_dim,
    };
    mmn_attend(compute, &heads, 1);
    mmn_apply_linear(compute, a->sum, a->context, rows, &weights->output);
    mmn_bert_add_norm(compute, hidden, a->sum, &weights->norm, rows, width, config->layer_norm_eps);
}

/* `rows` rows from `first` on through a branch's feed-forward layer. */
static mmn_status feed_forward(const mmn_compute *compute, const mmn_qformer_config *config,
                               const mmn_bert_mlp_weights *weights, const mmn_qformer_rows *a,
                               size_t first, size_t rows, const char *pattern, int layer,
                               const mmn_probes *probes, mmn_error *error)
{
    const size_t wide = first * config->hidden_size, inner = first * config->intermediate_size;
    const mmn_bert_rows own = {.hidden = a->hidden + wide,
                               .sum = a->sum + wide,
                               .inner = a->inner + inner,
                               .before = a->before ? a->before + inner : NULL,
                               .rows = rows};
    return mmn_bert_feed_forward(compute, weights, config->activation, config->layer_norm_eps, &own,
                                 pattern, layer, probes, error);
}

bool mmn_qformer_layer_reads_image(const mmn_qformer_config *config, uint32_t layer)
{
    return layer % config->cross_attention_frequency == 0;
}

mmn_status mmn_qformer_layer(const mmn_compute *compute, const mmn_qformer_config *config,
                             const mmn_qformer_layer_weights *weights, uint32_t layer,
                             const float *features, const mmn_probes *probes, mmn_qformer_rows *a,
                             mmn_error *error)
{
    attend(compute, config, &weights->attention, &a->own, a->hidden, a->rows, a->hidden, a->rows);
    if (mmn_qformer_layer_reads_image(config, layer))
        attend(compute, config, &weights->cross_attention, &a->cross, a->hidden, a->queries,
               features, a->image_rows);
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
                      const mmn_input *input, const float *features, mmn_qformer_rows *a,
                      float *merged, mmn_error *error)
{
    const mmn_qformer_config *qformer = &config->qformer;
    size_t hidden = qformer->hidden_size, width = weights->projection.weight.rows;
    MMN_TRY(mmn_qformer_begin(compute, config, weights, input, false, a, error));
    for (uint32_t layer = 0; layer < qformer->layers; layer++)
        MMN_TRY(mmn_qformer_layer(compute, qformer, &weights->layers[layer], layer, features,
                                  probes, a, error));
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
    mmn_qformer_rows a = {0};
    MMN_NEED(*merged = mmn_allocate(config->qformer.queries, width * sizeof(float), error));
    mmn_status status =
        run(compute, config, &weights->qformer, probes, input, features, &a, *merged, error);
    mmn_qformer_rows_free(&a);
    return status;
}
