/* The readout of the logit lens: what the final norm and the language model's head make of hidden
 * states. */
#include "study/readout.h"

#include <math.h>

#include "base/memory.h"
#include "base/threads.h"
#include "model/model.h"
#include "pass/language.h"

mmn_status mmn_readout_begin(mmn_readout *readout, const mmn_model *model, size_t top,
                             mmn_error *error)
{
    size_t width = model->config.language.hidden_size;
    size_t vocabulary = model->config.language.vocab_size;

    readout->model = model;
    readout->compute = model->compute;
    readout->top = top;
    if (top < 1 || top > vocabulary)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "%zu words are asked for of a vocabulary of %zu", top, vocabulary);
    bool complete =
        (readout->normed = mmn_allocate(MMN_READOUT_ROWS, width * sizeof(float), error)) &&
        (readout->logits = mmn_allocate(MMN_READOUT_ROWS, vocabulary * sizeof(float), error)) &&
        (readout->entropy = mmn_allocate(MMN_READOUT_ROWS, sizeof(double), error)) &&
        (readout->words = mmn_allocate(MMN_READOUT_ROWS, top * sizeof(mmn_word), error));
    if (!complete)
        return MMN_SYSTEM;
    return mmn_compute_reserve(&readout->compute, MMN_READOUT_ROWS, width, 0, error);
}

void mmn_readout_free(mmn_readout *readout)
{
    mmn_free(readout->normed);
    mmn_free(readout->logits);
    mmn_free(readout->entropy);
    mmn_free(readout->words);
    mmn_compute_free_scratch(&readout->compute);
    *readout = (mmn_readout){0};
}

/* - sum of p ln p, ascending; where p is 0 the term is 0. */
static double entropy_of(const mmn_kernels *kernels, const float *probabilities, size_t count)
{
    enum { PIECE = 512 };
    double values[PIECE], logarithms[PIECE], sum = 0.0;

    for (size_t first = 0; first < count; first += PIECE) {
        size_t length = count - first < PIECE ? count - first : PIECE;
        for (size_t i = 0; i < length; i++)
            values[i] = probabilities[first + i];
        kernels->log_f64(logarithms, values, length);
        for (size_t i = 0; i < length; i++)
            if (values[i] > 0.0)
                sum += values[i] * logarithms[i];
    }
    return sum == 0.0 ? 0.0 : -sum;
}

static void choose_words(mmn_word *words, size_t top, const float *probabilities, size_t count)
{
    size_t found = 0;

    for (size_t id = 0; id < count; id++) {
        float probability = probabilities[id];
        if (found == top && !(probability > words[top - 1].probability))
            continue;
        size_t place = found < top ? found++ : top - 1;
        for (; place > 0 && words[place - 1].probability < probability; place--)
            words[place] = words[place - 1];
        words[place] = (mmn_word){.id = (int32_t)id, .probability = probability};
    }
}

mmn_status mmn_readout_run(mmn_readout *readout, const float *hidden, size_t rows,
                           mmn_error *error)
{
    const mmn_model *model = readout->model;
    const mmn_compute *compute = &readout->compute;
    const mmn_language_weights *weights = &model->weights->language;
    size_t vocabulary = model->config.language.vocab_size;

    mmn_language_norm(compute, &model->config.language, weights, readout->normed, hidden, rows);
    mmn_language_logits(compute, weights, readout->logits, readout->normed, rows);
    MMN_PARALLEL_FOR(compute->threads, static)
    for (size_t row = 0; row < rows; row++) {
        float *logits = readout->logits + row * vocabulary;
        compute->kernels->softmax(logits, 1, vocabulary);
        readout->entropy[row] = entropy_of(compute->kernels, logits, vocabulary);
        choose_words(readout->words + row * readout->top, readout->top, logits, vocabulary);
    }
    mmn_status status = mmn_interrupt_check_now(&model->interrupt, error);
    if (status != MMN_OK)
        return status;
    /* A single NaN among the logits makes all probabilities NaN. */
    for (size_t row = 0; row < rows; row++)
        if (isnan(readout->logits[row * vocabulary]))
            return mmn_fail(error, MMN_INPUT, NULL, NULL, "a logit is not a number");
    return MMN_OK;
}
