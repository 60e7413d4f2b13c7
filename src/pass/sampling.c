/* Choosing the next token from logits: the likeliest, or at random by temperature, top-k and
 * top-p. */
#include "pass/sampling.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/memory.h"
#include "pass/distribution.h"

typedef struct candidate {
    float probability;
    int32_t token;
} candidate;

/* A sample's name as two words: those that its digest begins with. */
static void name_words(uint32_t words[2], const char *name)
{
    char digest[MMN_DIGEST_SIZE];
    mmn_digest_of(name, strlen(name), digest);
    digest[16] = '\0';
    uint64_t both = strtoull(digest, NULL, 16);
    words[0] = (uint32_t)(both >> 32);
    words[1] = (uint32_t)both;
}

mmn_status mmn_sampler_set(mmn_sampler *sampler, const mmn_sampling *sampling, mmn_error *error)
{
    *sampler = (mmn_sampler){0};
    if (!sampling)
        return MMN_OK;
    double penalty = sampling->repetition_penalty;
    if (penalty != 0 && !(penalty >= 1e-3 && penalty <= 1e3))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "a repetition penalty is between 0.001 and 1000, not %g", penalty);
    sampler->repetition_penalty = penalty == 1 ? 0.0f : (float)penalty;
    if (sampling->temperature == 0)
        return MMN_OK;
    double top_p = sampling->top_p == 0 ? 1 : sampling->top_p;
    if (!(sampling->temperature >= 1e-3 && sampling->temperature <= 1e3))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "a temperature is 0 or between 0.001 and 1000, not %g",
                        sampling->temperature);
    if (!(top_p > 0 && top_p <= 1))
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "top-p is above 0 and at most 1, not %g",
                        top_p);
    sampler->temperature = sampling->temperature;
    sampler->top_p = top_p;
    sampler->top_k = sampling->top_k;
    sampler->place = (mmn_random_place){.seed = sampling->seed};
    name_words(sampler->place.at, sampling->sample ? sampling->sample : "");
    return MMN_OK;
}

static int compare_candidates(const void *a, const void *b)
{
    const candidate *first = a, *second = b;
    if (first->probability != second->probability)
        return first->probability > second->probability ? -1 : 1;
    return first->token < second->token ? -1 : 1;
}

/* How many of the candidates, which are in their order, top-k leaves: ties stay together. */
static size_t among_top(const mmn_sampler *sampler, const candidate *candidates, size_t count)
{
    if (sampler->top_k == 0 || sampler->top_k >= count)
        return count;
    size_t kept = (size_t)sampler->top_k;
    while (kept < count && candidates[kept].probability == candidates[kept - 1].probability)
        kept++;
    return kept;
}

/* `candidates` [count] are in their order. */
static int32_t draw(const mmn_sampler *sampler, const candidate *candidates, size_t count,
                    size_t number)
{
    mmn_random_place place = sampler->place;
    place.at[2] = (uint32_t)number;
    double kept = 0, passed = 0, all = 1;
    size_t keep = 0;
    if (sampler->top_k > 0) {
        count = among_top(sampler, candidates, count);
        all = 0;
        for (size_t i = 0; i < count; i++)
            all += (double)candidates[i].probability;
    }
    while (keep < count && (keep == 0 || kept < sampler->top_p * all))
        kept += (double)candidates[keep++].probability;
    double aim = mmn_random_unit(&place) * kept;
    for (size_t i = 0; i + 1 < keep; i++) {
        passed += (double)candidates[i].probability;
        if (aim < passed)
            return candidates[i].token;
    }
    return candidates[keep - 1].token;
}

mmn_status mmn_sampler_choose(int32_t *token, const mmn_sampler *sampler,
                              const mmn_kernels *kernels, const float *logits, size_t count,
                              size_t number, mmn_error *error)
{
    *token = (int32_t)mmn_likeliest(logits, count);
    /* Where a logit is infinite or none is a number there are no probabilities. */
    if (sampler->temperature == 0 || !(logits[*token] - logits[*token] == 0.0f))
        return MMN_OK;
    float *probabilities = mmn_allocate(count, sizeof(*probabilities), error);
    candidate *candidates = mmn_allocate(count, sizeof(*candidates), error);
    mmn_status status = probabilities && candidates ? MMN_OK : MMN_SYSTEM;
    if (status == MMN_OK) {
        size_t numbers = 0;
        for (size_t i = 0; i < count; i++)
            probabilities[i] = logits[i] == logits[i] ? logits[i] / (float)sampler->temperature
                                                      : -INFINITY;
        kernels->softmax(probabilities, 1, count);
        for (size_t i = 0; i < count; i++)
            if (logits[i] == logits[i])
                candidates[numbers++] = (candidate){probabilities[i], (int32_t)i};
        qsort(candidates, numbers, sizeof(*candidates), compare_candidates);
        *token = draw(sampler, candidates, numbers, number);
    }
    mmn_free(probabilities);
    mmn_free(candidates);
    return status;
}
