/* The words nearest to image tokens before the first layer: those whose input embeddings have the
 * largest cosines with what the projector made of the picture. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "model/model.h"
#include "pass/operations.h"
#include "study/lens.h"

/* The square root of the sum of squares, ascending in binary64. */
static double norm_of(const float *values, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += (double)values[i] * (double)values[i];
    return sqrt(sum);
}

mmn_status mmn_lens_begin_nearest(mmn_lens *lens, mmn_error *error)
{
    mmn_study *study = &lens->study;
    const size_t width = study->model->config.language.hidden_size;
    const mmn_matrix *embedding = &study->model->weights->language.embedding;
    if (lens->nearest == 0)
        return MMN_OK;
    lens->norms = mmn_study_allocate(study, lens->vocabulary, sizeof(*lens->norms), error);
    MMN_NEED(lens->norms);
    for (size_t id = 0; id < lens->vocabulary; id++) {
        const int32_t row = (int32_t)id;
        mmn_widen_rows(&study->compute, lens->readout.normed, embedding, &row, 1);
        lens->norms[id] = norm_of(lens->readout.normed, width);
    }
    return MMN_OK;
}

/* The nearest words of the token in row `row` of the readout's rows, which has these products with
 * the embeddings. */
static mmn_status choose(mmn_word *nearest, const mmn_lens *lens, size_t row, const float *products,
                         mmn_error *error)
{
    const size_t width = lens->study.model->config.language.hidden_size;
    const double norm = norm_of(lens->readout.normed + row * width, width);
    size_t found = 0;
    for (size_t id = 0; id < lens->vocabulary; id++) {
        const double both = norm * lens->norms[id];
        const double cosine = both > 0 ? (double)products[id] / both : 0;
        if (isnan(cosine))
            return mmn_fail(error, MMN_INPUT, NULL, NULL,
                            "the cosine of an image token and a word is not a number");
        if (found < lens->nearest || cosine > nearest[found - 1].value)
            found = mmn_word_choose(nearest, found, lens->nearest, (mmn_word){(int32_t)id, cosine});
    }
    return MMN_OK;
}

mmn_status mmn_lens_keep_nearest(mmn_lens *lens, const mmn_stage *shown, mmn_error *error)
{
    const size_t width = shown->shape[1];
    const mmn_linear words = {lens->study.model->weights->language.embedding, NULL};
    const float *values = shown->data;
    mmn_lens_example *example = lens->example;
    for (size_t i = 0; i < example->count;) {
        size_t taken[MMN_STUDY_ROWS], rows = 0;
        for (; i < example->count && rows < MMN_STUDY_ROWS; i++) {
            const size_t row = example->positions[i].position - shown->first_position;
            if (!example->positions[i].is_image || row >= shown->shape[0])
                continue;
            memcpy(lens->readout.normed + rows * width, values + row * width,
                   width * sizeof(float));
            taken[rows++] = i;
        }
        if (rows == 0)
            break;
        MMN_TRY(mmn_study_advance(&lens->study, 0, error));
        mmn_apply_linear(&lens->study.compute, lens->study.logits, lens->readout.normed, rows,
                         &words);
        for (size_t row = 0; row < rows; row++)
            MMN_TRY(choose(example->nearest + taken[row] * lens->nearest, lens, row,
                           lens->study.logits + row * lens->vocabulary, error));
    }
    return MMN_OK;
}
