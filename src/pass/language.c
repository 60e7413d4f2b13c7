/* The language model: decoder layers over a cache of keys and values. */
#include "pass/language.h"

#include <string.h>

#include "pass/positions.h"

/* The most numbers that a row of a matrix product's input has. */
static size_t widest(const mmn_language_config *config)
{
    size_t most = mmn_language_query_width(config);
    if (config->hidden_size > most)
        most = config->hidden_size;
    return config->intermediate_size > most ? config->intermediate_size : most;
}

/* ---- Parts ----------------------------------------------------------------------------------- */

/* Gives a part what the first one has made in the layers before `layer`. */
static void branch_off(const mmn_language_rows *run, const mmn_language_part *part, uint32_t layer)
{
    const mmn_language_part *first = run->parts;
    size_t rows = part->sequences->rows, width = mmn_language_key_width(run->config);
    memcpy(run->hidden + part->first_row * run->config->hidden_size,
           run->hidden + first->first_row * run->config->hidden_size,
           rows * run->config->hidden_size * sizeof(float));
    for (uint32_t i = 0; i < layer && part->state->keep_cache; i++) {
        memcpy(part->state->keys[i] + part->state->length * width,
               first->state->keys[i] + first->state->length * width,
               rows * width * sizeof(float));
        memcpy(part->state->values[i] + part->state->length * width,
               first->state->values[i] + first->state->length * width,
               rows * width * sizeof(float));
    }
}

static void begin_layer(mmn_language_rows *run, uint32_t layer)
{
    while (run->begun < run->part_count && run->parts[run->begun].first_layer <= layer) {
        const mmn_language_part *part = &run->parts[run->begun++];
        if (layer > 0)
            branch_off(run, part, layer);
        run->rows += part->sequences->rows;
    }
}

static void scale_rope_tables(const mmn_language_state *scratch, size_t first, size_t count)
{
    float scale = scratch->rotary_attention;
    for (size_t i = first; i < first + count && scale != 1.0f; i++) {
        scratch->cosine[i] *= scale;
        scratch->sine[i] *= scale;
    }
}

/* The cosines and sines of all rows, those that begin later too. */
static void make_rope_tables(const mmn_language_rows *run)
{
    size_t head_dim = run->config->head_dim;
    for (size_t p = 0; p < run->part_count && !run->config->alibi; p++) {
        const mmn_language_part *part = &run->parts[p];
        for (size_t i = 0; i < part->sequences->count; i++) {
            const mmn_sequence *sequence = &part->sequences->list[i];
            size_t first = (part->first_row + sequence->first_row) * (head_dim / 2);
            size_t position = part->sequences->first_position + sequence->shared;
            if (mmn_rotary_constant_length(run->config) != SIZE_MAX)
                mmn_rotary_frequencies(run->scratch->frequencies, run->config,
                                       position + sequence->rows);
            run->compute->kernels->rope_table(run->scratch->cosine + first,
                                              run->scratch->sine + first, position, sequence->rows,
                                              head_dim, run->scratch->frequencies);
            scale_rope_tables(run->scratch, first, sequence->rows * (head_dim / 2));
        }
    }
}

static mmn_status run_layers(mmn_language_rows *run, const mmn_language_weights *weights,
                             uint32_t layers, mmn_error *error)
{
    make_rope_tables(run);
    for (uint32_t layer = 0; layer < layers; layer++) {
        begin_layer(run, layer);
        mmn_status status = mmn_interrupt_check(run->compute->interrupt, error);
        if (status == MMN_OK)
            status = mmn_language_layer(run, &weights->layers[layer], layer, error);
        if (status != MMN_OK)
            return status;
    }
    begin_layer(run, layers);
    return mmn_interrupt_check(run->compute->interrupt, error);
}

/* Makes room for all parts, and for the scratch memory of the first, in which all of them run. */
static mmn_status reserve(mmn_compute *compute, const mmn_language_config *config,
                          const mmn_language_part *parts, size_t count, mmn_error *error)
{
    size_t rows = 0, longest = 0;
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < count && status == MMN_OK; i++) {
        const mmn_sequences *sequences = parts[i].sequences;
        size_t needed = parts[i].state->length + sequences->rows;
        if (needed < sequences->rows || rows + sequences->rows < rows)
            return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "the sequence is too long");
        rows += sequences->rows;
        size_t positions = parts[i].state->trunk_length + needed;
        longest = positions > longest ? positions : longest;
        longest = sequences->longest > longest ? sequences->longest : longest;
        status = mmn_language_reserve_cache(parts[i].state, config, needed, error);
    }
    if (status == MMN_OK)
        status = mmn_language_reserve_scratch(parts->state, config, rows, count > 1 ? rows : 0,
                                              error);
    if (status == MMN_OK)
        status = mmn_compute_reserve(compute, rows, widest(config),
                                     longest + MMN_LANGUAGE_CACHE_STEP, error);
    return status;
}

mmn_status mmn_language_run(mmn_compute *compute, const mmn_language_config *config,
                            const mmn_language_weights *weights, const mmn_language_part *parts,
                            size_t count, float *hidden, uint32_t layers, mmn_error *error)
{
    mmn_language_rows run = {.compute = compute,
                        .config = config,
                        .parts = parts,
                        .part_count = count,
                        .scratch = parts->state,
                        .hidden = hidden};
    mmn_status status = reserve(compute, config, parts, count, error);
    if (status == MMN_OK)
        status = run_layers(&run, weights, layers, error);
    for (size_t i = 0; i < count && status == MMN_OK; i++)
        parts[i].state->length += parts[i].sequences->rows;
    return status;
}

void mmn_language_norm(const mmn_compute *compute, const mmn_language_config *config,
                       const mmn_language_weights *weights, float *normed, const float *hidden,
                       size_t rows)
{
    mmn_language_normalise(compute, config, normed, hidden, &weights->norm, rows);
}

void mmn_language_logits(const mmn_compute *compute, const mmn_language_weights *weights,
                         float *logits, const float *normed, size_t rows)
{
    const mmn_linear head = {weights->head, NULL};
    mmn_apply_linear(compute, logits, normed, rows, &head);
}

void mmn_language_embed(const mmn_compute *compute, const mmn_language_config *config,
                        const mmn_language_weights *weights, float *hidden, const int32_t *ids,
                        size_t rows)
{
    const mmn_matrix *embedding = &weights->embedding;
    size_t width = embedding->columns;
    size_t bytes = width * mmn_weight_size(embedding->type);
    for (size_t row = 0; row < rows; row++)
        compute->kernels->widen(hidden + row * width,
                                (const uint8_t *)embedding->data + (size_t)ids[row] * bytes,
                                embedding->type, width);
    if (config->embedding_norm)
        mmn_language_normalise(compute, config, hidden, hidden, &weights->embedding_norm, rows);
}
