/* The readout of the logit lens: what the final norm and the language model's head make of hidden
 * states, and which words come out most. */
#include "study/readout.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "model/model.h"
#include "pass/language.h"

size_t mmn_word_choose(mmn_word *words, size_t count, size_t limit, mmn_word word)
{
    if (count == limit && !(word.value > words[limit - 1].value))
        return count;
    size_t place = count < limit ? count++ : limit - 1;
    for (; place > 0 && words[place - 1].value < word.value; place--)
        words[place] = words[place - 1];
    words[place] = word;
    return count;
}

mmn_status mmn_readout_begin(mmn_readout *readout, mmn_study *study, size_t top, mmn_error *error)
{
    const mmn_language_config *config = &study->model->config.language;
    *readout = (mmn_readout){.study = study, .top = top};
    if (top < 1 || top > config->vocab_size)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "%zu words are asked for of a vocabulary of %u", top, config->vocab_size);
    readout->normed =
        mmn_study_allocate(study, MMN_STUDY_ROWS, config->hidden_size * sizeof(float), error);
    readout->entropy = mmn_study_allocate(study, MMN_STUDY_ROWS, sizeof(double), error);
    readout->words = mmn_study_allocate(study, MMN_STUDY_ROWS, top * sizeof(mmn_word), error);
    MMN_NEED(readout->normed && readout->entropy && readout->words);
    return mmn_study_reserve_logits(study, MMN_STUDY_ROWS, error);
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

mmn_status mmn_readout_run(mmn_readout *readout, const float *hidden, size_t rows, mmn_error *error)
{
    const mmn_model *model = readout->study->model;
    const mmn_compute *compute = &readout->study->compute;
    const mmn_language_config *config = &model->config.language;
    const size_t vocabulary = config->vocab_size, top = readout->top;

    mmn_language_normalise(compute, config, readout->normed, hidden, &model->weights->language.norm,
                           rows);
    float *all = mmn_study_logits(readout->study, readout->normed, rows);
    MMN_PARALLEL_FOR(compute->threads, static)
    for (size_t row = 0; row < rows; row++) {
        float *logits = all + row * vocabulary;
        mmn_word *words = readout->words + row * top;
        size_t found = 0;
        compute->kernels->softmax(logits, 1, vocabulary);
        readout->entropy[row] = entropy_of(compute->kernels, logits, vocabulary);
        for (size_t id = 0; id < vocabulary; id++)
            if (found < top || logits[id] > words[top - 1].value) /* few are: no call for others */
                found = mmn_word_choose(words, found, top, (mmn_word){(int32_t)id, logits[id]});
    }
    MMN_TRY(mmn_interrupt_check_now(&model->interrupt, error));
    /* A single NaN among the logits makes all probabilities NaN. */
    for (size_t row = 0; row < rows; row++)
        if (isnan(all[row * vocabulary]))
            return mmn_fail(error, MMN_INPUT, NULL, NULL, "a logit is not a number");
    return MMN_OK;
}

/* ---- Word counts ----------------------------------------------------------------------------- */

mmn_status mmn_word_counts_add(mmn_word_counts *counts, int32_t id, double times, mmn_error *error)
{
    size_t low = 0, high = counts->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (counts->list[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == counts->count || counts->list[low].id != id) {
        MMN_TRY(MMN_RESERVE(counts->list, counts->capacity, counts->count + 1, error));
        memmove(counts->list + low + 1, counts->list + low,
                (counts->count - low) * sizeof(*counts->list));
        counts->list[low] = (mmn_word){.id = id};
        counts->count++;
    }
    counts->list[low].value += times;
    return MMN_OK;
}

void mmn_word_counts_free(mmn_word_counts *counts)
{
    mmn_free(counts->list);
    *counts = (mmn_word_counts){0};
}

size_t mmn_word_counts_most(const mmn_word_counts *counts, mmn_word *most, size_t limit)
{
    size_t found = 0;
    for (size_t i = 0; i < counts->count; i++)
        found = mmn_word_choose(most, found, limit, counts->list[i]);
    return found;
}
