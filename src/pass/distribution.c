/* The next token: its distribution, what rules make of that, and who draws from it. */
#include "pass/distribution.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/memory.h"

/* ---- The distribution ------------------------------------------------------------------------ */

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

/* ---- Rules ----------------------------------------------------------------------------------- */

/* One function each, as transformers 5.23's logits processors of greedy and beam search compute
 * them. */

bool mmn_ends_generation(const mmn_generation_config *generation, int32_t token)
{
    for (size_t i = 0; i < generation->eos_count; i++)
        if (generation->eos_ids[i] == token)
            return true;
    return false;
}

/* What the rules read and write. */
typedef struct scoring {
    const mmn_generation_rules *rules;
    const mmn_generation_config *eos;
    float *scores;
    size_t count;
    const mmn_scored_place *place;
} scoring;

/* scores [count] of each token among ids [length], once: divided by the penalty where positive,
 * else multiplied; nothing if it is 0. Source: CTRL (arXiv 1909.05858) as transformers'
 * RepetitionPenaltyLogitsProcessor computes it. */
static mmn_status penalise_repetition(float *scores, size_t count, float penalty,
                                      const int32_t *ids, size_t length, mmn_error *error)
{
    if (penalty == 0.0f)
        return MMN_OK;
    bool *seen = mmn_allocate(count, sizeof(*seen), error);
    MMN_NEED(seen);
    for (size_t i = 0; i < length; i++)
        seen[ids[i]] = true;
    for (size_t i = 0; i < count; i++)
        if (seen[i])
            scores[i] = scores[i] < 0.0f ? scores[i] * penalty : scores[i] / penalty;
    mmn_free(seen);
    return MMN_OK;
}

/* Ids that are no token's ask for nothing. */
static void suppress(const scoring *s, int32_t id)
{
    if (id >= 0 && (size_t)id < s->count)
        s->scores[id] = -INFINITY;
}

static void suppress_all(const scoring *s, const mmn_token_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        suppress(s, list->ids[i]);
}

/* What would end an n-gram that was there already. */
static void forbid_repeated(const scoring *s)
{
    const mmn_scored_place *place = s->place;
    size_t size = s->rules->no_repeat_ngram_size;
    if (size == 0 || place->length < size)
        return;
    const int32_t *begun = place->ids + place->length - (size - 1);
    for (size_t i = 0; i + size <= place->length; i++)
        if (memcmp(place->ids + i, begun, (size - 1) * sizeof(*begun)) == 0)
            suppress(s, place->ids[i + size - 1]);
}

/* What would complete a bad word. A word that is a stop token alone is none. */
static void forbid_bad_words(const scoring *s)
{
    const mmn_scored_place *place = s->place;
    for (size_t i = 0; i < s->rules->bad_word_count; i++) {
        const mmn_token_list *word = &s->rules->bad_words[i];
        size_t begun = word->count > 0 ? word->count - 1 : 0;
        if (word->count == 0 || begun > place->length ||
            (begun == 0 && mmn_ends_generation(s->eos, word->ids[0])))
            continue;
        if (memcmp(place->ids + place->length - begun, word->ids, begun * sizeof(*word->ids)) == 0)
            suppress(s, word->ids[begun]);
    }
}

static void delay_stop(const scoring *s)
{
    const mmn_scored_place *place = s->place;
    size_t generated = place->length - place->prompt_length;
    if (place->length >= s->rules->min_length && generated >= s->rules->min_new_tokens)
        return;
    for (size_t i = 0; i < s->eos->eos_count; i++)
        suppress(s, s->eos->eos_ids[i]);
}

/* Leaves nothing but these tokens, all alike. */
static void force(const scoring *s, const int32_t *ids, size_t count)
{
    for (size_t i = 0; i < s->count; i++)
        s->scores[i] = -INFINITY;
    for (size_t i = 0; i < count; i++)
        s->scores[ids[i]] = 0.0f;
}

static void remove_invalid(const scoring *s)
{
    for (size_t i = 0; i < s->count; i++) {
        float *score = &s->scores[i];
        if (*score != *score)
            *score = 0.0f;
        else if (isinf(*score))
            *score = *score > 0 ? FLT_MAX : -FLT_MAX;
    }
}

/* The first token is the one behind the prompt; behind one that is forced there, the next. */
static bool is_first(const scoring *s)
{
    const mmn_scored_place *place = s->place;
    bool forced = place->prompt_length <= 1 && s->rules->forced_bos != MMN_NO_TOKEN;
    return place->length == place->prompt_length + (forced ? 1 : 0);
}

mmn_status mmn_logit_rules_apply(const mmn_generation_rules *rules,
                                 const mmn_generation_config *eos, float penalty, float *scores,
                                 size_t count, const mmn_scored_place *place, mmn_error *error)
{
    const scoring s = {rules, eos, scores, count, place};
    MMN_TRY(penalise_repetition(scores, count, penalty, place->ids, place->length, error));
    forbid_repeated(&s);
    forbid_bad_words(&s);
    delay_stop(&s);
    if (rules->forced_bos != MMN_NO_TOKEN && place->length == 1)
        force(&s, &rules->forced_bos, 1);
    if (rules->forced_eos.count > 0 && place->last)
        force(&s, rules->forced_eos.ids, rules->forced_eos.count);
    if (rules->remove_invalid)
        remove_invalid(&s);
    suppress_all(&s, &rules->suppressed);
    if (is_first(&s))
        suppress_all(&s, &rules->first_suppressed);
    return MMN_OK;
}

/* ---- Sampling -------------------------------------------------------------------------------- */

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
