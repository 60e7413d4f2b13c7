/* Additions to weights in the forward pass, of a model or of one session. */
#include "pass/added.h"

#include <string.h>

#include "base/memory.h"
#include "base/text_buffer.h"
#include "model/model.h"
#include "pass/session.h"

void mmn_added_products(const mmn_additions *additions, uint32_t layer, float *products,
                        const float *values, size_t inner, size_t rows)
{
    const size_t count = mmn_additions_in(additions, layer);
    const uint32_t *neurons = additions->neurons + additions->first[layer];
    for (size_t row = 0; row < rows; row++, values += inner)
        for (size_t i = 0; i < count; i++)
            *products++ = values[neurons[i]];
}

void mmn_added_output(const mmn_additions *additions, uint32_t layer, float *output,
                      const float *products, size_t rows)
{
    const size_t count = mmn_additions_in(additions, layer), width = additions->width;
    const double *added = additions->rows + additions->first[layer] * width;
    for (size_t row = 0; row < rows; row++, output += width, products += count)
        for (size_t c = 0; c < width; c++) {
            double sum = output[c];
            for (size_t i = 0; i < count; i++)
                sum += (double)products[i] * added[i * width + c];
            output[c] = (float)sum;
        }
}

void mmn_added_scores(const mmn_additions *additions, uint32_t layer, float *scores, size_t inner,
                      const float *words, size_t count)
{
    const size_t chosen = mmn_additions_in(additions, layer), width = additions->width;
    for (size_t i = 0; i < chosen; i++) {
        const size_t place = additions->first[layer] + i;
        const double *row = additions->rows + place * width;
        for (size_t w = 0; w < count; w++) {
            float *score = scores + w * inner + additions->neurons[place];
            double sum = *score;
            for (size_t c = 0; c < width; c++)
                sum += (double)words[w * width + c] * row[c];
            *score = (float)sum;
        }
    }
}

void mmn_added_column(const mmn_additions *additions, uint32_t layer, uint32_t neuron,
                      float *column)
{
    const size_t width = additions->width;
    for (size_t i = 0; i < mmn_additions_in(additions, layer); i++) {
        const size_t place = additions->first[layer] + i;
        for (size_t c = 0; c < width && additions->neurons[place] == neuron; c++)
            column[c] = (float)((double)column[c] + additions->rows[place * width + c]);
    }
}

/* An mmn_see_function. */
static mmn_status see(void *context, const mmn_stage *stage, mmn_error *error)
{
    const mmn_added *added = context;
    const uint32_t layer = (uint32_t)stage->layer;
    (void)error;
    if (strstr(stage->name, ".mlp.out"))
        mmn_added_output(added->additions, layer, stage->data, added->products, stage->shape[0]);
    else
        mmn_added_products(added->additions, layer, added->products, stage->data, stage->shape[1],
                           stage->shape[0]);
    return MMN_OK;
}

/* What enters the output matrix is the product with what the gate is for, where there is one. */
static mmn_status name_stages(mmn_added *added, const mmn_language_config *config, mmn_error *error)
{
    mmn_text text = {0};
    for (uint32_t layer = 0; layer < config->layers; layer++)
        if (mmn_additions_in(added->additions, layer) > 0)
            mmn_text_add(&text, "%slanguage.layers.%u.mlp.%s,language.layers.%u.mlp.out",
                         text.length > 0 ? "," : "", layer, config->gated ? "product" : "act",
                         layer);
    return mmn_text_finish(&text, &added->stages, error);
}

mmn_status mmn_added_add(mmn_added *added, mmn_session *session, const mmn_additions *additions,
                         size_t positions, mmn_error *error)
{
    const mmn_language_config *config = &session->model->config.language;
    size_t most = 0;
    added->additions = additions;
    for (uint32_t layer = 0; layer < config->layers; layer++)
        if (mmn_additions_in(additions, layer) > most)
            most = mmn_additions_in(additions, layer);
    MMN_NEED(added->products = mmn_allocate(positions, most * sizeof(*added->products), error));
    MMN_TRY(name_stages(added, config, error));
    const mmn_probe probe = {.stages = added->stages, .writes = 1, .see = see, .context = added};
    return mmn_session_add_probe(session, &probe, error);
}

void mmn_added_free(mmn_added *added)
{
    mmn_free(added->products);
    mmn_free(added->stages);
    *added = (mmn_added){0};
}
