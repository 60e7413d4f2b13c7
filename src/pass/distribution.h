/* What logits say of the next token: the likeliest one, and logarithms of probabilities.
 *
 * ln softmax(x)[i] is (x[i] - greatest) + ln p, p being the softmax of the greatest: the logarithm's
 * argument is never near 0. */
#ifndef MMN_PASS_DISTRIBUTION_H
#define MMN_PASS_DISTRIBUTION_H

#include <stddef.h>
#include <stdint.h>

#include "kernels.h"

/* The first of the largest of logits [count]; NaN never, unless there is nothing else. */
size_t mmn_likeliest(const float *logits, size_t count);

/* ln softmax(logits)[id] in binary64. logits [count] become probabilities; `likeliest` is which is the
 * greatest. */
double mmn_log_probability(const mmn_kernels *kernels, float *logits, size_t count,
                           size_t likeliest, size_t id);

/* logits [count] become their log softmax in f32, ln p being rounded before it is added. scratch
 * [count]. */
void mmn_log_softmax(const mmn_kernels *kernels, float *logits, size_t count, float *scratch);

#endif
