/* Choosing the next token from logits: the likeliest, or at random by temperature, top-k and
 * top-p. */
#ifndef MMN_PASS_SAMPLING_H
#define MMN_PASS_SAMPLING_H

#include <stddef.h>
#include <stdint.h>

#include "base/random.h"
#include "kernels.h"
#include "mmneuron.h"

/* Zero-initialise: greedy. */
typedef struct mmn_sampler {
    double temperature, top_p;
    uint64_t top_k;           /* 0: all */
    float repetition_penalty; /* 0: none */
    mmn_random_place place; /* at[2] is the token's number */
} mmn_sampler;

/* Checks what the caller asks for. MMN_USAGE when it cannot be. */
mmn_status mmn_sampler_set(mmn_sampler *sampler, const mmn_sampling *sampling, mmn_error *error);

/* Chooses a token from logits [count], the `number`-th after the prompt. Greedy: the first of the
 * largest; NaN is never chosen before a number. Else: softmax(logits / temperature) in f32,
 * tokens by descending probability, then id; of the first top_k, and those as likely as the last
 * of them, the fewest whose sum reaches top_p of theirs; each of these by its probability. */
mmn_status mmn_sampler_choose(int32_t *token, const mmn_sampler *sampler,
                              const mmn_kernels *kernels, const float *logits, size_t count,
                              size_t number, mmn_error *error);

#endif
