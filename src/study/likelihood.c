/* Likelihoods: how improbable a language model finds the tokens of a text. */
#include "study/likelihood.h"

#include <math.h>

#include "base/memory.h"
#include "base/threads.h"
#include "model/distribution.h"
#include "model/language.h"
#include "model/model.h"

mmn_status mmn_likelihood_begin(mmn_likelihood *likelihood, const mmn_model *model,
                                mmn_error *error)
{
    size_t width = model->config.language.hidden_size;
    size_t vocabulary = model->config.language.vocab_size;

    likelihood->model = model;
    likelihood->compute = model->compute;
    likelihood->logits = mmn_allocate(MMN_LIKELIHOOD_ROWS, vocabulary * sizeof(float), error);
    if (!likelihood->logits)
        return MMN_SYSTEM;
    return mmn_compute_reserve(&likelihood->compute, MMN_LIKELIHOOD_ROWS, width, 0, error);
}

void mmn_likelihood_free(mmn_likelihood *likelihood)
{
    mmn_free(likelihood->logits);
    mmn_compute_free_scratch(&likelihood->compute);
    *likelihood = (mmn_likelihood){0};
}

/* - ln softmax(logits)[target]. Changes the logits. */
static double nats_of(const mmn_kernels *kernels, float *logits, size_t count, int32_t target)
{
    size_t likeliest = mmn_likeliest(logits, count);
    return -mmn_log_probability(kernels, logits, count, likeliest, (size_t)target);
}

/* At most MMN_LIKELIHOOD_ROWS rows. */
static mmn_status add_rows(mmn_likelihood *likelihood, double *sum, const float *normed,
                           const int32_t *targets, size_t rows, mmn_error *error)
{
    const mmn_compute *compute = &likelihood->compute;
    size_t vocabulary = likelihood->model->config.language.vocab_size;

    mmn_language_logits(compute, &likelihood->model->weights->language, likelihood->logits, normed,
                        rows);
    MMN_PARALLEL_FOR(compute->threads, static)
    for (size_t row = 0; row < rows; row++)
        likelihood->nats[row] = nats_of(compute->kernels, likelihood->logits + row * vocabulary,
                                        vocabulary, targets[row]);
    for (size_t row = 0; row < rows; row++) {
        if (!isfinite(likelihood->nats[row]))
            return mmn_fail(error, MMN_INPUT, NULL, NULL, "a logit is not a finite number");
        *sum += likelihood->nats[row];
    }
    return MMN_OK;
}

mmn_status mmn_likelihood_add(mmn_likelihood *likelihood, double *sum, const float *normed,
                              const int32_t *targets, size_t rows, mmn_error *error)
{
    size_t width = likelihood->model->config.language.hidden_size;
    mmn_status status = mmn_interrupt_check_now(&likelihood->model->interrupt, error);
    for (size_t first = 0; first < rows && status == MMN_OK; first += MMN_LIKELIHOOD_ROWS) {
        size_t left = rows - first;
        status = add_rows(likelihood, sum, normed + first * width, targets + first,
                          left < MMN_LIKELIHOOD_ROWS ? left : MMN_LIKELIHOOD_ROWS, error);
        if (status == MMN_OK)
            status = mmn_interrupt_check_now(&likelihood->model->interrupt, error);
    }
    return status;
}
