/* Judges of answers: DeBERTa's encoder over all positions at once, and a classifier. */
#include "pass/judge.h"

#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "pass/bert.h"
#include "pass/disentangled.h"

enum { ARRAYS = 8 };

/* The activations of one run. */
typedef struct activations {
    size_t rows;
    uint32_t *places; /* of distances, as mmn_disentangled has them */
    union {
        struct {
            float *hidden, *sum, *query, *key, *value, *attention, *inner, *scratch;
        };
        float *arrays[ARRAYS];
    };
} activations;

void mmn_judge_state_free(mmn_judge_state *state)
{
    mmn_free(state->distances);
    mmn_free(state->logits);
    *state = (mmn_judge_state){0};
}

/* ---- Distances ------------------------------------------------------------------------------- */

/* The bytes of one layer's keys, or queries, of distances. */
static size_t distance_bytes(const mmn_judge_config *config)
{
    return 2 * (size_t)config->span * config->hidden_size * sizeof(float);
}

/* Stores rows [2 * span][heads * head_dim] head by head, as weights. */
static void store_by_head(uint8_t *stored, const float *rows, const mmn_judge_config *config)
{
    const size_t count = 2 * (size_t)config->span, length = config->head_dim;
    for (size_t head = 0; head < config->heads; head++)
        for (size_t row = 0; row < count; row++)
            for (size_t i = 0; i < length; i++, stored += sizeof(float))
                mmn_store_f32(stored, rows[row * config->hidden_size + head * length + i]);
}

/* Keys and queries of distances: the layer's projections of layer_norm(embeddings). `room` is for
 * two arrays of as many rows. */
static mmn_status make_distances(const mmn_compute *compute, const mmn_judge_config *config,
                                 const mmn_judge_weights *weights, uint8_t *distances, float *room,
                                 mmn_error *error)
{
    const size_t count = 2 * (size_t)config->span, width = config->hidden_size;
    const size_t bytes = distance_bytes(config);
    float *products = room, *hidden = room + count * width;
    compute->kernels->widen(products, weights->distance_embedding.data,
                            weights->distance_embedding.type, count * width);
    mmn_layer_norm(compute, hidden, products, &weights->distance_norm, count, width,
                   config->layer_norm_eps);
    mmn_watch_values(compute, hidden, count, width);
    for (uint32_t layer = 0; layer < config->layers; layer++) {
        const mmn_bert_attention_weights *attention = &weights->layers[layer].attention;
        const mmn_linear *projections[2] = {&attention->key, &attention->query};
        for (size_t i = 0; i < 2; i++) {
            mmn_apply_linear(compute, products, hidden, count, projections[i]);
            store_by_head(distances + (2 * (size_t)layer + i) * bytes, products, config);
        }
        MMN_TRY(mmn_finite_check(compute->watch, "judge.distances", (int)layer, error));
        MMN_TRY(mmn_interrupt_check(compute->interrupt, error));
    }
    return MMN_OK;
}

/* Makes what all texts have in common, once. */
static mmn_status prepare(mmn_compute *compute, const mmn_judge_config *config,
                          const mmn_judge_weights *weights, mmn_judge_state *state,
                          mmn_error *error)
{
    const size_t count = 2 * (size_t)config->span, width = config->hidden_size;
    if (state->distances)
        return MMN_OK;
    if (!state->logits)
        MMN_NEED(state->logits = mmn_allocate(config->labels, sizeof(float), error));
    MMN_TRY(mmn_compute_reserve(compute, count, width, 0, 0, error));
    float *room = mmn_allocate(2 * count, width * sizeof(float), error);
    uint8_t *distances = mmn_allocate(2 * (size_t)config->layers, distance_bytes(config), error);
    mmn_status status = room && distances
                            ? make_distances(compute, config, weights, distances, room, error)
                            : MMN_SYSTEM;
    mmn_free(room);
    if (status == MMN_OK)
        state->distances = distances;
    else
        mmn_free(distances);
    return status;
}

/* ---- One text -------------------------------------------------------------------------------- */

static void free_activations(activations *a)
{
    mmn_free(a->places);
    for (size_t i = 0; i < ARRAYS; i++)
        mmn_free(a->arrays[i]);
}

static mmn_disentangled heads_of(const activations *a, const mmn_judge_config *config)
{
    return (mmn_disentangled){.query = a->query,
                              .keys = a->key,
                              .values = a->value,
                              .output = a->attention,
                              .rows = a->rows,
                              .heads = config->heads,
                              .head_dim = config->head_dim,
                              .span = config->span,
                              .places = a->places,
                              .scratch = a->scratch};
}

static mmn_status allocate_activations(activations *a, const mmn_compute *compute,
                                       const mmn_judge_config *config, size_t rows,
                                       mmn_error *error)
{
    const mmn_distances distances = {config->span, config->buckets, config->farthest};
    const size_t width = config->hidden_size;
    const size_t widths[ARRAYS - 1] = {
        width, width, width, width, width, width, config->intermediate_size};
    *a = (activations){.rows = rows};
    MMN_NEED(a->places = mmn_allocate(2 * rows - 1, sizeof(*a->places), error));
    for (size_t i = 0; i < 2 * rows - 1; i++)
        a->places[i] = (uint32_t)mmn_distance_place(&distances, (int64_t)i - (int64_t)(rows - 1));
    for (size_t i = 0; i < ARRAYS - 1; i++)
        MMN_NEED(a->arrays[i] = mmn_allocate(rows, widths[i] * sizeof(float), error));
    const mmn_disentangled heads = heads_of(a, config);
    MMN_NEED(a->scratch = mmn_allocate((size_t)compute->threads,
                                       mmn_disentangled_scratch(&heads) * sizeof(float), error));
    return MMN_OK;
}

/* hidden = layer_norm(output(attention) + hidden) */
static mmn_status attend(const mmn_compute *compute, const mmn_judge_config *config,
                         const mmn_bert_attention_weights *weights, const uint8_t *distances,
                         uint32_t layer, const mmn_probes *probes, activations *a, mmn_error *error)
{
    const size_t width = config->hidden_size;
    const mmn_product products[] = {{a->query, &weights->query, NULL},
                                    {a->key, &weights->key, NULL},
                                    {a->value, &weights->value, NULL}};
    mmn_disentangled heads = heads_of(a, config);
    heads.distance_keys = distances;
    heads.distance_queries = distances + distance_bytes(config);
    mmn_apply_linears(compute, products, 3, a->hidden, a->rows);
    mmn_attend_disentangled(compute, &heads);
    mmn_apply_linear(compute, a->sum, a->attention, a->rows, &weights->output);
    MMN_TRY(mmn_show_rows(compute, probes, "judge.layers.{i}.attn.out", (int)layer, a->sum, a->rows,
                          width, error));
    mmn_bert_add_norm(compute, a->hidden, a->sum, &weights->norm, a->rows, width,
                      config->layer_norm_eps);
    return MMN_OK;
}

static mmn_status run_layer(const mmn_compute *compute, const mmn_judge_config *config,
                            const mmn_judge_weights *weights, const mmn_judge_state *state,
                            uint32_t layer, const mmn_probes *probes, activations *a,
                            mmn_error *error)
{
    const mmn_judge_layer_weights *own = &weights->layers[layer];
    const mmn_bert_rows rows = {
        .hidden = a->hidden, .sum = a->sum, .inner = a->inner, .rows = a->rows};
    MMN_TRY(attend(compute, config, &own->attention,
                   state->distances + 2 * (size_t)layer * distance_bytes(config), layer, probes, a,
                   error));
    MMN_TRY(mmn_bert_feed_forward(compute, &own->mlp, config->activation, config->layer_norm_eps,
                                  &rows, "judge.layers.{i}.mlp.act", (int)layer, probes, error));
    mmn_watch_values(compute, a->hidden, a->rows, config->hidden_size);
    return mmn_show_rows(compute, probes, "judge.layers.{i}.out", (int)layer, a->hidden, a->rows,
                         config->hidden_size, error);
}

/* The classifier reads the first row. */
static mmn_status classify(const mmn_compute *compute, const mmn_judge_config *config,
                           const mmn_judge_weights *weights, const mmn_judge_state *state,
                           const mmn_probes *probes, activations *a, mmn_error *error)
{
    const size_t width = config->hidden_size;
    mmn_apply_activated(compute, a->sum, a->hidden, 1, &weights->pooler, config->pooler_activation);
    MMN_TRY(mmn_show_rows(compute, probes, "judge.pooled", -1, a->sum, 1, width, error));
    mmn_apply_linear(compute, state->logits, a->sum, 1, &weights->classifier);
    return mmn_show_rows(compute, probes, "judge.logits", -1, state->logits, 1, config->labels,
                         error);
}

static mmn_status run(mmn_compute *compute, const mmn_judge_config *config,
                      const mmn_judge_weights *weights, mmn_judge_state *state,
                      const mmn_probes *probes, const int32_t *ids, activations *a,
                      mmn_error *error)
{
    const size_t width = config->hidden_size, inner = config->intermediate_size;
    MMN_TRY(mmn_compute_reserve(compute, a->rows, width > inner ? width : inner, 0, 0, error));
    mmn_widen_rows(compute, a->sum, &weights->word_embedding, ids, a->rows);
    mmn_layer_norm(compute, a->hidden, a->sum, &weights->embedding_norm, a->rows, width,
                   config->layer_norm_eps);
    mmn_watch_values(compute, a->hidden, a->rows, width);
    MMN_TRY(
        mmn_show_rows(compute, probes, "judge.embeddings", -1, a->hidden, a->rows, width, error));
    for (uint32_t layer = 0; layer < config->layers; layer++) {
        mmn_interrupt_tell(compute->interrupt, layer, config->layers);
        MMN_TRY(run_layer(compute, config, weights, state, layer, probes, a, error));
    }
    return classify(compute, config, weights, state, probes, a, error);
}

mmn_status mmn_judge_run(mmn_compute *compute, const mmn_judge_config *config,
                         const mmn_judge_weights *weights, mmn_judge_state *state,
                         const mmn_probes *probes, const mmn_input *input, mmn_error *error)
{
    activations a;
    MMN_TRY(prepare(compute, config, weights, state, error));
    mmn_status status = allocate_activations(&a, compute, config, input->length, error);
    if (status == MMN_OK)
        status = run(compute, config, weights, state, probes, input->ids, &a, error);
    free_activations(&a);
    return status;
}
