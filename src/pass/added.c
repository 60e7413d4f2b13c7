/* Additions to weights in the forward pass, of a model or of one session. */
#include "pass/added.h"

#include "base/memory.h"
#include "base/text_buffer.h"
#include "model/model.h"
#include "model/stages.h"
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

void mmn_added_reverse(const mmn_additions *additions, uint32_t layer, float *values,
                       const float *gradient, size_t inner, size_t rows)
{
    const size_t count = mmn_additions_in(additions, layer), width = additions->width;
    for (size_t row = 0; row < rows && count > 0; row++, gradient += width, values += inner)
        for (size_t i = 0; i < count; i++) {
            const size_t place = additions->first[layer] + i;
            float *value = values + additions->neurons[place];
            double sum = *value;
            for (size_t c = 0; c < width; c++)
                sum += additions->rows[place * width + c] * (double)gradient[c];
            *value = (float)sum;
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

/* mmn_see_functions. */

static mmn_status see_inputs(void *context, const mmn_stage *stage, mmn_error *error)
{
    const mmn_added *added = context;
    (void)error;
    mmn_added_products(added->additions, (uint32_t)stage->layer, added->products, stage->data,
                       stage->shape[1], stage->shape[0]);
    return MMN_OK;
}

static mmn_status see_output(void *context, const mmn_stage *stage, mmn_error *error)
{
    const mmn_added *added = context;
    (void)error;
    mmn_added_output(added->additions, (uint32_t)stage->layer, stage->data, added->products,
                     stage->shape[0]);
    return MMN_OK;
}

mmn_status mmn_added_stages(char **stages, const mmn_additions *additions, uint32_t layers,
                            const char *name, mmn_error *error)
{
    mmn_text text = {0};
    for (uint32_t layer = 0; layer < layers; layer++)
        if (mmn_additions_in(additions, layer) > 0) {
            char stage[MMN_STAGE_NAME_SIZE];
            mmn_stage_name(stage, name, (int)layer);
            mmn_text_add(&text, "%s%s", text.length > 0 ? "," : "", stage);
        }
    return mmn_text_finish(&text, stages, error);
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
    MMN_TRY(mmn_added_stages(&added->inputs, additions, config->layers, mmn_added_input(config),
                             error));
    MMN_TRY(mmn_added_stages(&added->outputs, additions, config->layers,
                             "language.layers.{i}.mlp.out", error));
    const mmn_probe inputs = {.stages = added->inputs, .see = see_inputs, .context = added};
    const mmn_probe outputs = {
        .stages = added->outputs, .writes = 1, .see = see_output, .context = added};
    MMN_TRY(mmn_session_add_probe(session, &inputs, error));
    return mmn_session_add_probe(session, &outputs, error);
}

void mmn_added_free(mmn_added *added)
{
    mmn_free(added->products);
    mmn_free(added->inputs);
    mmn_free(added->outputs);
    *added = (mmn_added){0};
}
