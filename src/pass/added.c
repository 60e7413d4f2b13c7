/* Additions to weights in the forward pass and on the way back. */
#include "pass/added.h"

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

void mmn_added_transposed(const mmn_additions *additions, uint32_t layer, float *values,
                          const float *outputs, size_t inner, size_t rows)
{
    const size_t count = mmn_additions_in(additions, layer), width = additions->width;
    for (size_t row = 0; row < rows && count > 0; row++, outputs += width, values += inner)
        for (size_t i = 0; i < count; i++) {
            const size_t place = additions->first[layer] + i;
            float *value = values + additions->neurons[place];
            double sum = *value;
            for (size_t c = 0; c < width; c++)
                sum += additions->rows[place * width + c] * (double)outputs[c];
            *value = (float)sum;
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
