/* The language model: decoder layers over the keys and values of what came before. */
#include "pass/language.h"

#include <string.h>

#include "base/memory.h"
#include "pass/added.h"
#include "pass/positions.h"

void mmn_language_logits(const mmn_compute *compute, const mmn_language_weights *weights,
                         float *logits, const float *normed, size_t rows)
{
    const mmn_linear head = {weights->head, weights->head_bias};
    mmn_apply_linear(compute, logits, normed, rows, &head);
}

void mmn_language_embed(const mmn_compute *compute, const mmn_model *model, float *hidden,
                        const int32_t *ids, size_t rows)
{
    const mmn_language_config *config = &model->config.language;
    const mmn_language_weights *weights = &model->weights->language;
    mmn_widen_rows(compute, hidden, &weights->embedding, ids, rows);
    if (config->embedding_norm)
        mmn_language_normalise(compute, config, hidden, hidden, &weights->embedding_norm, rows);
}

/* ---- Before the layers ----------------------------------------------------------------------- */

/* The most numbers that a row of a matrix product's input has, but for those of the MLP's output,
 * which are packed into the rows' own memory. */
static size_t widest(const mmn_language_config *config)
{
    const size_t query = mmn_language_query_width(config);
    return config->hidden_size > query ? config->hidden_size : query;
}

/* Makes room for all rows, and in the spans that get them. */
static mmn_status reserve(const mmn_batch *batch, mmn_error *error)
{
    const mmn_language_config *config = &batch->model->config.language;
    size_t rows = 0, longest = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const mmn_sequence *sequence = &batch->list[i];
        size_t end = mmn_sequence_position(sequence) + sequence->rows;
        if (end < sequence->rows || rows + sequence->rows < rows)
            return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "the sequence is too long");
        rows += sequence->rows;
        longest = end > longest ? end : longest;
        if (sequence->span)
            MMN_TRY(mmn_span_reserve(sequence->span, config,
                                     sequence->span->length + sequence->rows, sequence->to_come,
                                     error));
    }
    MMN_TRY(mmn_row_memory_reserve(batch->memory, config, rows, error));
    return mmn_compute_reserve(batch->compute, rows, widest(config), longest + MMN_SPAN_STEP,
                               config->head_dim, error);
}

/* All decoder layers where something depends on the last one's output, else as many as are seen. */
static uint32_t layers_needed(const mmn_batch *batch)
{
    uint32_t layers = batch->model->config.language.layers, needed = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const mmn_sequence *sequence = &batch->list[i];
        if (i > 0 && sequence->probes == sequence[-1].probes)
            continue;
        if (batch->all_rows || batch->states || sequence->span ||
            mmn_probes_want(sequence->probes, "language.norm", -1) ||
            mmn_probes_want(sequence->probes, "language.logits", -1))
            return layers;
        uint32_t seen = mmn_probes_layers(sequence->probes, "language.layers.", layers);
        needed = seen > needed ? seen : needed;
    }
    return needed;
}

/* The cosines and sines of all rows, those that begin later too. */
static void make_rope_tables(const mmn_batch *batch)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_row_memory *memory = batch->memory;
    size_t half = config->rotary_dim / 2;
    for (size_t i = 0; i < batch->count && half > 0; i++) {
        const mmn_sequence *sequence = &batch->list[i];
        size_t position = mmn_sequence_position(sequence), rows = sequence->rows;
        float *cosine = memory->cosine + sequence->first_row * half;
        float *sine = memory->sine + sequence->first_row * half;
        if (mmn_rotary_constant_length(config) != SIZE_MAX)
            mmn_rotary_frequencies(memory->frequencies, config, position + rows);
        batch->compute->kernels->rope_table(cosine, sine, position, rows, config->rotary_dim,
                                            memory->frequencies);
        for (size_t k = 0; k < rows * half && memory->rotary_attention != 1.0f; k++) {
            cosine[k] *= memory->rotary_attention;
            sine[k] *= memory->rotary_attention;
        }
    }
}

/* Adds the positions' embeddings to the rows that have begun. */
static mmn_status add_positions(const mmn_batch *batch, mmn_error *error)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_matrix *matrix = &batch->model->weights->language.position_embedding;
    const size_t width = config->hidden_size, most = config->max_position_embeddings;
    for (size_t i = 0; i < batch->begun && config->learned_positions; i++) {
        const mmn_sequence *sequence = &batch->list[i];
        size_t position = mmn_sequence_position(sequence), values = sequence->rows * width;
        if (position + sequence->rows > most)
            return mmn_fail(error, MMN_INPUT, NULL, "language.embeddings",
                            "the text has %zu positions or more, but the model has embeddings for "
                            "%zu",
                            position + sequence->rows, most);
        size_t first = (config->first_position_row + position) * width;
        batch->compute->kernels->widen(batch->memory->normed,
                                       (const uint8_t *)matrix->data +
                                           first * mmn_weight_size(matrix->type),
                                       matrix->type, values);
        mmn_accumulate(batch->compute, batch->hidden + sequence->first_row * width,
                       batch->memory->normed, values);
    }
    return MMN_OK;
}

/* Gives a sequence what the first one has made in the layers before `layer`. */
static void branch_off(const mmn_batch *batch, const mmn_sequence *sequence, uint32_t layer)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_sequence *first = batch->list;
    size_t width = config->hidden_size;
    memcpy(batch->hidden + sequence->first_row * width, batch->hidden + first->first_row * width,
           sequence->rows * width * sizeof(float));
    for (uint32_t i = 0; i < layer && sequence->span; i++) {
        const mmn_key_span made =
            mmn_span_keys(first->span, config, i, first->span->length, sequence->rows);
        mmn_span_append(sequence->span, config, i, &made, batch->compute->threads);
    }
}

static void begin_layer(mmn_batch *batch, uint32_t layer)
{
    while (batch->begun < batch->count && batch->list[batch->begun].first_layer <= layer) {
        const mmn_sequence *sequence = &batch->list[batch->begun++];
        if (layer > 0)
            branch_off(batch, sequence, layer);
        batch->rows += sequence->rows;
    }
}

/* ---- Behind the layers ----------------------------------------------------------------------- */

/* The final norm of `rows` rows from `row` on, in place. */
static mmn_status make_norm(const mmn_batch *batch, size_t row, size_t rows, mmn_error *error)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_language_weights *weights = &batch->model->weights->language;
    float *normed = batch->hidden + row * config->hidden_size;
    mmn_language_normalise(batch->compute, config, normed, normed, &weights->norm, rows);
    mmn_watch_values(batch->compute, normed, rows, config->hidden_size);
    return mmn_batch_check(batch, row, "language.norm", -1, error);
}

/* Logits [rows of all][vocab_size] of normalised rows, for the probes and for the endings. */
static mmn_status make_logits(const mmn_batch *batch, float *logits, const float *normed,
                              mmn_error *error)
{
    size_t vocabulary = batch->model->config.language.vocab_size;
    mmn_language_logits(batch->compute, &batch->model->weights->language, logits, normed,
                        batch->rows);
    MMN_TRY(mmn_interrupt_check(batch->compute->interrupt, error));
    MMN_TRY(mmn_batch_show(batch, "language.logits", -1, logits, vocabulary, error));
    for (size_t i = 0; i < batch->count; i++) {
        const mmn_sequence *sequence = &batch->list[i];
        size_t end = sequence->first_row + sequence->rows - batch->list->first_row;
        if (!sequence->ending)
            continue;
        memcpy(sequence->ending->logits, logits + (end - 1) * vocabulary,
               vocabulary * sizeof(float));
        sequence->ending->have_logits = true;
    }
    return MMN_OK;
}

/* Final norm and, where a probe wants them, logits of all rows of sequences that have the same
 * probes; of each one's last row what its ending needs. */
static mmn_status finish(const mmn_batch *batch, mmn_error *error)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_probes *probes = batch->list->probes;
    size_t width = config->hidden_size, first_row = batch->list->first_row;
    float *normed = batch->hidden + first_row * width;
    /* A detector's tower of texts has no head. */
    bool want_logits = batch->model->weights->language.head.data &&
                       mmn_probes_want(probes, "language.logits", -1);
    bool want_norm = want_logits || batch->all_rows || mmn_probes_want(probes, "language.norm", -1);
    if (want_norm) {
        MMN_TRY(make_norm(batch, first_row, batch->rows, error));
        MMN_TRY(mmn_batch_show(batch, "language.norm", -1, normed, width, error));
    }
    for (size_t i = 0; i < batch->count; i++) {
        const mmn_sequence *sequence = &batch->list[i];
        size_t last = sequence->first_row + sequence->rows - 1;
        if (!want_norm)
            MMN_TRY(make_norm(batch, last, 1, error));
        if (!sequence->ending)
            continue;
        memcpy(sequence->ending->last, batch->hidden + last * width, width * sizeof(float));
        sequence->ending->have_logits = false;
    }
    if (!want_logits)
        return MMN_OK;
    float *logits = mmn_allocate(batch->rows, config->vocab_size * sizeof(float), error);
    mmn_status status = logits ? make_logits(batch, logits, normed, error) : MMN_SYSTEM;
    mmn_free(logits);
    return status;
}

/* The sequences with the same probes, which follow each other, from number `first` on. */
static mmn_batch group_of(const mmn_batch *batch, size_t first)
{
    mmn_batch group = *batch;
    group.list += first;
    group.count = group.rows = 0;
    for (size_t i = first; i < batch->count && batch->list[i].probes == group.list->probes; i++) {
        group.rows += batch->list[i].rows;
        group.count++;
    }
    group.begun = group.count;
    return group;
}

/* Keeps what enters layer number `layer`. */
static void keep_state(const mmn_batch *batch, uint32_t layer)
{
    size_t values = batch->rows * batch->model->config.language.hidden_size;
    if (batch->states)
        memcpy(batch->states + layer * values, batch->hidden, values * sizeof(float));
}

mmn_status mmn_language_run(mmn_batch *batch, mmn_error *error)
{
    size_t width = batch->model->config.language.hidden_size;
    uint32_t layers = layers_needed(batch);
    batch->begun = batch->rows = 0;
    MMN_TRY(reserve(batch, error));
    make_rope_tables(batch);
    begin_layer(batch, 0);
    MMN_TRY(add_positions(batch, error));
    mmn_watch_values(batch->compute, batch->hidden, batch->rows, width);
    MMN_TRY(mmn_batch_show(batch, "language.embeddings", -1, batch->hidden, width, error));
    for (uint32_t layer = 0; layer < layers; layer++) {
        begin_layer(batch, layer);
        mmn_interrupt_tell(batch->compute->interrupt, layer, layers);
        MMN_TRY(mmn_interrupt_check(batch->compute->interrupt, error));
        keep_state(batch, layer);
        MMN_TRY(mmn_language_layer(batch, layer, error));
    }
    begin_layer(batch, layers);
    keep_state(batch, layers);
    mmn_interrupt_tell(batch->compute->interrupt, layers, layers);
    MMN_TRY(mmn_interrupt_check(batch->compute->interrupt, error));
    for (size_t i = 0; i < batch->count && layers == batch->model->config.language.layers;) {
        const mmn_batch group = group_of(batch, i);
        MMN_TRY(finish(&group, error));
        i += group.count;
    }
    for (size_t i = 0; i < batch->count; i++)
        if (batch->list[i].span)
            batch->list[i].span->length += batch->list[i].rows;
    return MMN_OK;
}

/* ---- Neurons and words ----------------------------------------------------------------------- */

void mmn_word_space_scores(const mmn_compute *compute, const mmn_model *model, uint32_t layer,
                           const int32_t *ids, size_t count, float *rows, float *scores)
{
    const mmn_language_weights *weights = &model->weights->language;
    const mmn_matrix *down = &weights->layers[layer].down.weight;

    mmn_widen_rows(compute, rows, &weights->head, ids, count);
    mmn_apply_transposed(compute, scores, rows, count, down);
    mmn_added_transposed(&model->deltas.additions, layer, scores, rows, down->columns, count);
}

void mmn_word_space_column(const mmn_compute *compute, const mmn_model *model, uint32_t layer,
                           uint32_t neuron, float *column)
{
    const mmn_matrix *down = &model->weights->language.layers[layer].down.weight;
    size_t size = mmn_weight_size(down->type);
    const uint8_t *stored = (const uint8_t *)down->data + neuron * size;

    for (size_t i = 0; i < down->rows; i++)
        compute->kernels->widen(column + i, stored + i * down->columns * size, down->type, 1);
    mmn_added_column(&model->deltas.additions, layer, neuron, column);
}

void mmn_word_space_products(const mmn_compute *compute, const mmn_model *model, float *products,
                             const float *columns, size_t count)
{
    const mmn_linear words = {model->weights->language.head, NULL};
    mmn_apply_linear(compute, products, columns, count, &words);
}

void mmn_word_space_factors(const mmn_compute *compute, const mmn_model *model, uint32_t layer,
                            const float *state, size_t rows, float *normed, float *factors)
{
    const mmn_language_config *config = &model->config.language;
    const mmn_language_layer_weights *weights = &model->weights->language.layers[layer];

    if (!weights->up.weight.data) {
        for (size_t i = 0; i < rows * config->intermediate_size; i++)
            factors[i] = 1.0f;
        return;
    }
    mmn_language_normalise(compute, config, normed, state, &weights->mlp_norm, rows);
    mmn_apply_linear(compute, factors, normed, rows, &weights->up);
}
