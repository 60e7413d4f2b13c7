/* Noise in weights: what it does to what matrices give, without a weight that changes. Row k of an
 * output matrix with n added to it adds p n more than before, where p is what neuron k gives to the
 * matrix. */
#include "study/contribution.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text_buffer.h"
#include "model/model.h"
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
        double point[2], logarithm;
        mmn_random_disc(&place, point);
        const double square = point[0] * point[0] + point[1] * point[1];
        kernels->log_f64(&logarithm, &square, 1);
        const double factor = deviation * sqrt(-2.0 * logarithm / square);
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

/* ---- The probe ------------------------------------------------------------------------------- */

/* Keeps what the chosen neurons give to their layer's matrix. */
static void keep_products(const mmn_weight_noise *noise, const mmn_stage *stage)
{
    const size_t first = noise->first[stage->layer], count = noise->first[stage->layer + 1] - first;
    const float *values = stage->data;
    for (size_t row = 0; row < stage->shape[0]; row++, values += stage->shape[1])
        for (size_t i = 0; i < count; i++)
            noise->products[row * noise->most + i] = values[noise->neurons[first + i]];
}

/* Sums are binary64, neuron by neuron. */
static void add_products(const mmn_weight_noise *noise, const mmn_stage *stage)
{
    const size_t first = noise->first[stage->layer], count = noise->first[stage->layer + 1] - first;
    float *values = stage->data;
    for (size_t row = 0; row < stage->shape[0]; row++, values += noise->width)
        for (size_t c = 0; c < noise->width; c++) {
            double sum = values[c];
            for (size_t i = 0; i < count; i++)
                sum += (double)noise->products[row * noise->most + i] *
                       noise->rows[(first + i) * noise->width + c];
            values[c] = (float)sum;
        }
}

/* An mmn_see_function. */
static mmn_status see(void *context, const mmn_stage *stage, mmn_error *error)
{
    (void)error;
    if (strstr(stage->name, ".mlp.out"))
        add_products(context, stage);
    else
        keep_products(context, stage);
    return MMN_OK;
}

/* ---- Setting up ------------------------------------------------------------------------------ */

/* Puts the neurons in order, by insertion, and makes their rows. */
static void place_neurons(mmn_weight_noise *noise, const mmn_contributor *neurons, size_t count,
                          const mmn_model *model)
{
    const uint32_t layers = model->config.language.layers;
    size_t placed = 0;
    for (uint32_t layer = 0; layer < layers; layer++) {
        noise->first[layer] = placed;
        for (size_t i = 0; i < count; i++) {
            size_t at = placed;
            if (neurons[i].layer != layer)
                continue;
            for (; at > noise->first[layer] && noise->neurons[at - 1] > neurons[i].neuron; at--)
                noise->neurons[at] = noise->neurons[at - 1];
            noise->neurons[at] = neurons[i].neuron;
            placed++;
        }
        if (placed - noise->first[layer] > noise->most)
            noise->most = placed - noise->first[layer];
    }
    noise->first[layers] = placed;
}

static void draw_rows(const mmn_weight_noise *noise, const mmn_model *model, double deviation,
                      uint64_t seed)
{
    for (uint32_t layer = 0; layer < model->config.language.layers; layer++)
        for (size_t i = noise->first[layer]; i < noise->first[layer + 1]; i++) {
            const mmn_contributor neuron = {.layer = layer, .neuron = noise->neurons[i]};
            draw_row(noise->rows + i * noise->width, noise->width, &neuron, deviation, seed,
                     model->compute.kernels);
        }
}

/* What enters the output matrix is the product with what the gate is for, where there is one. */
static mmn_status name_stages(mmn_weight_noise *noise, const mmn_language_config *config,
                              mmn_error *error)
{
    mmn_text text = {0};
    for (uint32_t layer = 0; layer < config->layers; layer++)
        if (noise->first[layer + 1] > noise->first[layer])
            mmn_text_add(&text, "%slanguage.layers.%u.mlp.%s,language.layers.%u.mlp.out",
                         text.length > 0 ? "," : "", layer, config->gated ? "product" : "act",
                         layer);
    return mmn_text_finish(&text, &noise->stages, error);
}

mmn_status mmn_weight_noise_add(mmn_weight_noise *noise, mmn_session *session,
                                const mmn_contributor *neurons, size_t count, double deviation,
                                uint64_t seed, size_t positions, mmn_error *error)
{
    const mmn_model *model = session->model;
    const mmn_language_config *config = &model->config.language;
    noise->width = config->hidden_size;
    noise->neurons = mmn_allocate(count, sizeof(*noise->neurons), error);
    noise->first = mmn_allocate(config->layers + (size_t)1, sizeof(*noise->first), error);
    noise->rows = mmn_allocate(count, noise->width * sizeof(*noise->rows), error);
    MMN_NEED(noise->neurons && noise->first && noise->rows);
    place_neurons(noise, neurons, count, model);
    MMN_NEED(noise->products =
                 mmn_allocate(positions, noise->most * sizeof(*noise->products), error));
    draw_rows(noise, model, deviation, seed);
    MMN_TRY(name_stages(noise, config, error));
    const mmn_probe probe = {.stages = noise->stages, .writes = 1, .see = see, .context = noise};
    return mmn_session_add_probe(session, &probe, error);
}

void mmn_weight_noise_free(mmn_weight_noise *noise)
{
    mmn_free(noise->neurons);
    mmn_free(noise->first);
    mmn_free(noise->rows);
    mmn_free(noise->products);
    mmn_free(noise->stages);
    *noise = (mmn_weight_noise){0};
}
