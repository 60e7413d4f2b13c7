/* What logits say of the next token: the likeliest one, and logarithms of probabilities. */
#include "pass/distribution.h"

#include <string.h>

size_t mmn_likeliest(const float *logits, size_t count)
{
    size_t best = 0;
    while (best < count && logits[best] != logits[best])
        best++;
    if (best == count)
        return 0;
    for (size_t i = best + 1; i < count; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

/* Makes probabilities of logits [count]; the logarithm of that of the likeliest. */
static double log_greatest(const mmn_kernels *kernels, float *logits, size_t count,
                           size_t likeliest)
{
    kernels->softmax(logits, 1, count);
    double probability = (double)logits[likeliest], logarithm;
    kernels->log_f64(&logarithm, &probability, 1);
    return logarithm;
}

double mmn_log_probability(const mmn_kernels *kernels, float *logits, size_t count,
                           size_t likeliest, size_t id)
{
    double below = (double)logits[id] - (double)logits[likeliest];
    return below + log_greatest(kernels, logits, count, likeliest);
}

void mmn_log_softmax(const mmn_kernels *kernels, float *logits, size_t count, float *scratch)
{
    size_t likeliest = mmn_likeliest(logits, count);
    memcpy(scratch, logits, count * sizeof(*scratch));
    float maximum = logits[likeliest];
    float shift = (float)log_greatest(kernels, scratch, count, likeliest);
    for (size_t i = 0; i < count; i++)
        logits[i] = (logits[i] - maximum) + shift;
}
