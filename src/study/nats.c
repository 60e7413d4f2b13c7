/* How improbable a text's tokens are to a model. */
#include "study/nats.h"

#include <math.h>

#include "base/threads.h"
#include "model/input.h"
#include "model/model.h"
#include "pass/distribution.h"

/* - ln softmax(logits)[target]. Changes the logits. */
static double nats_of(const mmn_kernels *kernels, float *logits, size_t count, int32_t target)
{
    size_t likeliest = mmn_likeliest(logits, count);
    return -mmn_log_probability(kernels, logits, count, likeliest, (size_t)target);
}

mmn_status mmn_nats_add(mmn_nats *sum, const mmn_study *study, const mmn_input *input, size_t first,
                        float *logits, size_t rows, mmn_error *error)
{
    const mmn_compute *compute = &study->compute;
    const int32_t *targets = input->ids + first + 1;
    const size_t vocabulary = study->model->config.language.vocab_size;
    double nats[MMN_STUDY_ROWS];
    MMN_PARALLEL_FOR(compute->threads, static)
    for (size_t i = 0; i < rows; i++)
        nats[i] = nats_of(compute->kernels, logits + i * vocabulary, vocabulary, targets[i]);
    for (size_t i = 0; i < rows; i++) {
        if (!isfinite(nats[i]))
            return mmn_fail(error, MMN_INPUT, NULL, NULL, "a logit is not a finite number");
        sum->nats += nats[i];
    }
    sum->tokens += rows;
    return MMN_OK;
}

double mmn_nats_mean(const mmn_nats *sum)
{
    return sum->nats / (double)sum->tokens;
}

mmn_status mmn_nats_check(const mmn_study *study, const mmn_nats *nats, mmn_error *error)
{
    const mmn_samples *samples = &study->samples;
    for (size_t d = 0; d < samples->domains.domain_count; d++)
        if (nats[mmn_plan_find(&study->plan, 0, MMN_OFF_NOTHING, d, d)].tokens == 0)
            return mmn_fail(error, MMN_INPUT, samples->file, NULL,
                            "the domain \"%s\" has no token to predict: the first of each window "
                            "is not",
                            samples->domains.domains[d].name);
    return MMN_OK;
}
