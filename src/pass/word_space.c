/* The language model's MLPs as seen from its vocabulary. */
#include "pass/word_space.h"

#include "base/threads.h"
#include "pass/language.h"

/* Outputs of a piece of work: so many that a thread is worth waking. */
enum { PIECE = 1024 };

void mmn_word_space_scores(const mmn_compute *compute, const mmn_model *model, uint32_t layer,
                           const int32_t *ids, size_t count, float *rows, float *scores)
{
    const mmn_language_weights *weights = &model->weights->language;
    const mmn_matrix *head = &weights->head, *down = &weights->layers[layer].down.weight;
    size_t width = down->rows, neurons = down->columns;
    size_t row_bytes = width * mmn_weight_size(head->type);

    for (size_t i = 0; i < count; i++)
        compute->kernels->widen(rows + i * width,
                                (const uint8_t *)head->data + (size_t)ids[i] * row_bytes,
                                head->type, width);
    MMN_PARALLEL_FOR(compute->threads, static)
    for (size_t first = 0; first < neurons; first += PIECE)
        compute->kernels->transposed_product(
            scores + first, neurons, rows, width,
            (const uint8_t *)down->data + first * mmn_weight_size(down->type), down->type, neurons,
            count, neurons - first < PIECE ? neurons - first : PIECE, width);
}

void mmn_word_space_column(const mmn_compute *compute, const mmn_model *model, uint32_t layer,
                           uint32_t neuron, float *column)
{
    const mmn_matrix *down = &model->weights->language.layers[layer].down.weight;
    size_t size = mmn_weight_size(down->type);
    const uint8_t *stored = (const uint8_t *)down->data + neuron * size;

    for (size_t i = 0; i < down->rows; i++)
        compute->kernels->widen(column + i, stored + i * down->columns * size, down->type, 1);
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
