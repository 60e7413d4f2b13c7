/* Additions to the rows of chosen neurons' weights, and noise as such: no weight changes. */
#include "study/contribution.h"

#include "model/model.h"
#include "model/random_normal.h"
#include "pass/session.h"

/* ---- Random numbers -------------------------------------------------------------------------- */

/* Other draws that have the same seed, layer and neuron end with smaller numbers. */
#define OF_WEIGHTS 0x80000000u

/* row [width]: normal numbers, two from each point of a disc. The place of a point is layer, neuron
 * and, with OF_WEIGHTS, its number. */
static void draw_row(double *row, size_t width, const mmn_contributor *neuron, double deviation,
                     uint64_t seed, const mmn_kernels *kernels)
{
    for (size_t i = 0; i < width; i += 2) {
        const mmn_random_place place = {
            .seed = seed, .at = {neuron->layer, neuron->neuron, OF_WEIGHTS | (uint32_t)(i / 2)}};
        double point[2];
        const double factor = deviation * mmn_random_normal(point, &place, kernels);
        row[i] = factor * point[0];
        if (i + 1 < width)
            row[i + 1] = factor * point[1];
    }
}

static bool is_among(const mmn_contributor *neurons, size_t count, uint32_t layer, uint32_t neuron)
{
    size_t i = 0;
    while (i < count && (neurons[i].layer != layer || neurons[i].neuron != neuron))
        i++;
    return i < count;
}

/* Floyd's choice: Bentley and Floyd, "Programming pearls: a sample of brilliance" (1987). */
void mmn_random_contributors(mmn_contributor *neurons, size_t count, const mmn_model *model,
                             uint64_t seed)
{
    const mmn_language_config *config = &model->config.language;
    const uint32_t width = config->intermediate_size, all = config->layers * width;
    for (size_t i = 0; i < count; i++) {
        const uint32_t last = all - (uint32_t)(count - i);
        const mmn_random_place place = {.seed = seed, .at = {UINT32_MAX, 0, (uint32_t)i}};
        uint32_t number = mmn_random_below(&place, last + 1);
        if (is_among(neurons, i, number / width, number % width))
            number = last;
        neurons[i] = (mmn_contributor){.layer = number / width, .neuron = number % width};
    }
}

/* ---- Setting up ------------------------------------------------------------------------------ */

mmn_status mmn_contributors_place(mmn_additions *additions, const mmn_contributor *neurons,
                                  size_t count, const mmn_model *model, mmn_error *error)
{
    const mmn_language_config *config = &model->config.language;
    size_t placed = 0;
    MMN_TRY(mmn_additions_reserve(additions, config, count, error));
    for (uint32_t layer = 0; layer < config->layers; layer++) {
        for (size_t i = 0; i < count; i++) {
            size_t at = placed;
            if (neurons[i].layer != layer)
                continue;
            for (; at > additions->first[layer] && additions->neurons[at - 1] > neurons[i].neuron;
                 at--)
                additions->neurons[at] = additions->neurons[at - 1];
            additions->neurons[at] = neurons[i].neuron;
            placed++;
        }
        additions->first[layer + 1] = placed;
    }
    return MMN_OK;
}

static void draw_rows(const mmn_additions *noise, const mmn_model *model, double deviation,
                      uint64_t seed)
{
    for (uint32_t layer = 0; layer < model->config.language.layers; layer++)
        for (size_t i = noise->first[layer]; i < noise->first[layer + 1]; i++) {
            const mmn_contributor neuron = {.layer = layer, .neuron = noise->neurons[i]};
            draw_row(noise->rows + i * noise->width, noise->width, &neuron, deviation, seed,
                     model->compute.kernels);
        }
}

mmn_status mmn_weight_noise_add(mmn_weight_noise *noise, mmn_session *session,
                                const mmn_contributor *neurons, size_t count, double deviation,
                                uint64_t seed, size_t positions, mmn_error *error)
{
    MMN_TRY(mmn_contributors_place(&noise->additions, neurons, count, session->model, error));
    draw_rows(&noise->additions, session->model, deviation, seed);
    return mmn_added_add(&noise->added, session, &noise->additions, positions, error);
}

void mmn_weight_noise_free(mmn_weight_noise *noise)
{
    mmn_added_free(&noise->added);
    mmn_additions_free(&noise->additions);
}
