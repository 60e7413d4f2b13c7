/* The words that a neuron stands for: those that its output column points at most. */
#include <math.h>

#include "base/memory.h"
#include "pass/language.h"
#include "pass/word_space.h"
#include "study/contribution_scores.h"

static mmn_status choose_names(mmn_contributor *neuron, size_t names, const float *values,
                               size_t vocabulary, mmn_error *error)
{
    size_t found = 0;

    for (size_t id = 0; id < vocabulary; id++) {
        float value = values[id];
        if (!isfinite(value))
            return mmn_fail(error, MMN_INPUT, NULL, NULL,
                            "the product of neuron %u of layer %u with word %zu is not finite",
                            neuron->neuron, neuron->layer, id);
        if (found == names && !(value > neuron->names[names - 1].value))
            continue;
        size_t place = found < names ? found++ : names - 1;
        for (; place > 0 && neuron->names[place - 1].value < value; place--)
            neuron->names[place] = neuron->names[place - 1];
        neuron->names[place] = (mmn_named_word){(int32_t)id, value};
    }
    return MMN_OK;
}

/* All neurons of one word, whose columns are multiplied with the head together. */
static mmn_status name_neurons(const mmn_compute *compute, const mmn_contributions *result,
                               mmn_answer_word *word, float *columns, float *values,
                               mmn_error *error)
{
    const mmn_language_config *config = &result->study.model->config.language;
    mmn_status status = MMN_OK;

    for (size_t i = 0; i < word->neuron_count; i++)
        mmn_word_space_column(compute, result->study.model, word->neurons[i].layer,
                              word->neurons[i].neuron, columns + i * config->hidden_size);
    mmn_language_logits(compute, &result->study.model->weights->language, values, columns,
                        word->neuron_count);
    for (size_t i = 0; i < word->neuron_count && status == MMN_OK; i++)
        status = choose_names(&word->neurons[i], result->names, values + i * config->vocab_size,
                              config->vocab_size, error);
    return status;
}

mmn_status mmn_contribution_names(mmn_contributions *result, mmn_error *error)
{
    const mmn_language_config *config = &result->study.model->config.language;
    mmn_compute compute = result->study.model->compute;
    float *columns = mmn_allocate(result->top, config->hidden_size * sizeof(float), error);
    float *values = columns ? mmn_allocate(result->top, config->vocab_size * sizeof(float), error)
                            : NULL;
    mmn_status status =
        values ? mmn_compute_reserve(&compute, result->top, config->hidden_size, 0, error)
               : MMN_SYSTEM;

    for (size_t w = 0; w < result->word_count && status == MMN_OK; w++) {
        status = name_neurons(&compute, result, &result->words[w], columns, values, error);
        if (status == MMN_OK)
            status = mmn_interrupt_check_now(&result->study.model->interrupt, error);
    }
    mmn_free(columns);
    mmn_free(values);
    mmn_compute_free_scratch(&compute);
    return status;
}
