/* The next token: its distribution, what rules make of that, and who draws from it. */
#ifndef MMN_PASS_DISTRIBUTION_H
#define MMN_PASS_DISTRIBUTION_H

#include "base/random.h"
#include "kernels.h"
#include "model/generation_rules.h"

/* ---- The distribution ------------------------------------------------------------------------ */

/* ln softmax(x)[i] is (x[i] - greatest) + ln p, p being the softmax of the greatest: the
 * logarithm's argument is never near 0. */

/* The first of the largest of logits [count]; NaN never, unless there is nothing else. */
size_t mmn_likeliest(const float *logits, size_t count);

/* ln softmax(logits)[id] in binary64. logits [count] become probabilities; `likeliest` is which is
 * the greatest. */
double mmn_log_probability(const mmn_kernels *kernels, float *logits, size_t count,
                           size_t likeliest, size_t id);

/* logits [count] become their log softmax in f32, ln p being rounded before it is added. scratch
 * [count]. */
void mmn_log_softmax(const mmn_kernels *kernels, float *logits, size_t count, float *scratch);

/* ---- Rules ----------------------------------------------------------------------------------- */

/* Whether the token is one of those that end an answer. */
bool mmn_ends_generation(const mmn_generation_config *generation, int32_t token);

/* The sequence whose next token is scored. */
typedef struct mmn_scored_place {
    const int32_t *ids; /* [length]: prompt, with its image positions, and what was generated */
    size_t length, prompt_length;
    bool last; /* the limit allows no token behind the next one */
} mmn_scored_place;

/* scores [count], logits or (beam search) log probabilities, as transformers 5.23's processors
 * leave them, in their order: repetition penalty (of 0: none), repeated n-grams, bad words, least
 * lengths, forced tokens, invalid values, tokens suppressed. What is never chosen is -infinity.
 * `eos` are the stop tokens. */
mmn_status mmn_logit_rules_apply(const mmn_generation_rules *rules,
                                 const mmn_generation_config *eos, float penalty, float *scores,
                                 size_t count, const mmn_scored_place *place, mmn_error *error);

/* ---- Sampling -------------------------------------------------------------------------------- */

/* Zero-initialise: greedy. */
typedef struct mmn_sampler {
    double temperature, top_p;
    uint64_t top_k;           /* 0: all */
    float repetition_penalty; /* 0: none */
    mmn_random_place place;   /* at[2] is the token's number */
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
