/* Logit rules, one function each, as transformers 5.23's logits processors of greedy and beam
 * search compute them. */
#include "pass/logit_rules.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"

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
    if (!seen)
        return MMN_SYSTEM;
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

static bool is_stop(const scoring *s, int32_t id)
{
    for (size_t i = 0; i < s->eos->eos_count; i++)
        if (s->eos->eos_ids[i] == id)
            return true;
    return false;
}

/* What would complete a bad word. A word that is a stop token alone is none. */
static void forbid_bad_words(const scoring *s)
{
    const mmn_scored_place *place = s->place;
    for (size_t i = 0; i < s->rules->bad_word_count; i++) {
        const mmn_token_list *word = &s->rules->bad_words[i];
        size_t begun = word->count > 0 ? word->count - 1 : 0;
        if (word->count == 0 || begun > place->length ||
            (begun == 0 && is_stop(s, word->ids[0])))
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
    mmn_status status =
        penalise_repetition(scores, count, penalty, place->ids, place->length, error);
    if (status != MMN_OK)
        return status;
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
