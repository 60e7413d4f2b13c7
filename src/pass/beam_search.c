/* Beam search: the bookkeeping of beams and answers. */
#include "pass/beam_search.h"

#include <string.h>

#include "base/memory.h"
#include "pass/distribution.h"

/* Where transformers wants a score out of the way it adds this, in f32. */
static const float OUT_OF_THE_WAY = -1e9f;

/* A beam continued by a token. */
typedef struct continuation {
    float score;
    uint32_t beam;
    int32_t token;
    bool ends; /* by a stop token or the limit */
} continuation;

struct mmn_beams_scratch {
    continuation *kept; /* [kept_limit], the best first */
    size_t kept_limit, kept_count;
    mmn_beam *next; /* [search.beams] of running beams, then of answers */
};

mmn_status mmn_beam_search_check(const mmn_beam_search *search, mmn_error *error)
{
    if (search->beams > MMN_BEAMS_LIMIT)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "%u beams are too many; at most %d",
                        search->beams, MMN_BEAMS_LIMIT);
    if (!(search->length_penalty >= -100 && search->length_penalty <= 100))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "a length penalty is between -100 and 100, not %g",
                        search->length_penalty);
    if ((unsigned)search->early_stopping > MMN_EARLY_STOPPING_NEVER)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "%d is no rule of early stopping",
                        (int)search->early_stopping);
    return MMN_OK;
}

static mmn_beam *make_beams(uint32_t count, size_t limit, mmn_error *error)
{
    mmn_beam *beams = mmn_allocate(count, sizeof(*beams), error);
    for (uint32_t i = 0; beams && i < count; i++) {
        beams[i].ids = mmn_allocate(limit, sizeof(*beams[i].ids), error);
        if (beams[i].ids)
            continue;
        while (i > 0)
            mmn_free(beams[--i].ids);
        mmn_free(beams);
        return NULL;
    }
    return beams;
}

static void free_beams(mmn_beam *beams, uint32_t count)
{
    for (uint32_t i = 0; beams && i < count; i++)
        mmn_free(beams[i].ids);
    mmn_free(beams);
}

void mmn_beams_free(mmn_beams *beams)
{
    uint32_t count = beams->search.beams;
    free_beams(beams->running, count);
    free_beams(beams->best, count);
    if (beams->scratch) {
        mmn_free(beams->scratch->kept);
        free_beams(beams->scratch->next, count);
    }
    mmn_free(beams->scratch);
    *beams = (mmn_beams){0};
}

mmn_status mmn_beams_begin(mmn_beams *beams, const mmn_beam_search *search,
                           const mmn_generation_config *generation, size_t limit,
                           mmn_error *error)
{
    /* Enough that as many as there are beams go on even if all the best ones end. */
    size_t eos = generation->eos_count > 0 ? generation->eos_count : 1;
    *beams = (mmn_beams){.search = *search,
                         .generation = generation,
                         .limit = limit,
                         .running_count = 1,
                         .improvable = true};
    bool complete =
        (beams->running = make_beams(search->beams, limit, error)) &&
        (beams->best = make_beams(search->beams, limit, error)) &&
        (beams->scratch = mmn_allocate(1, sizeof(*beams->scratch), error)) &&
        (beams->scratch->next = make_beams(search->beams, limit, error)) &&
        (beams->scratch->kept = mmn_allocate((1 + eos) * search->beams,
                                             sizeof(*beams->scratch->kept), error));
    if (!complete) {
        mmn_beams_free(beams);
        return MMN_SYSTEM;
    }
    beams->scratch->kept_limit = (1 + eos) * search->beams;
    for (uint32_t i = 0; i < search->beams; i++)
        beams->best[i].score = OUT_OF_THE_WAY;
    return MMN_OK;
}

static bool ends(const mmn_beams *beams, const mmn_beam *beam, int32_t token)
{
    return mmn_ends_generation(beams->generation, token) || beam->length + 1 == beams->limit ||
           (beams->completes && beams->completes(beams->context, beam, token));
}

/* Puts a continuation where it belongs among those kept; what is behind the last place is lost. */
static void keep(struct mmn_beams_scratch *scratch, const continuation *added)
{
    size_t at = scratch->kept_count;
    if (at == scratch->kept_limit && !(added->score > scratch->kept[at - 1].score))
        return;
    if (at < scratch->kept_limit)
        scratch->kept_count++;
    else
        at--;
    for (; at > 0 && added->score > scratch->kept[at - 1].score; at--)
        scratch->kept[at] = scratch->kept[at - 1];
    scratch->kept[at] = *added;
}

static void keep_the_best(mmn_beams *beams, const float *log_probabilities, size_t vocabulary)
{
    struct mmn_beams_scratch *scratch = beams->scratch;
    scratch->kept_count = 0;
    for (uint32_t beam = 0; beam < beams->running_count; beam++)
        for (size_t token = 0; token < vocabulary; token++) {
            const continuation added = {
                .score = log_probabilities[beam * vocabulary + token] + beams->running[beam].score,
                .beam = beam,
                .token = (int32_t)token,
            };
            if (added.score == added.score) /* NaN is no score */
                keep(scratch, &added);
        }
    for (size_t i = 0; i < scratch->kept_count; i++) {
        continuation *kept = &scratch->kept[i];
        kept->ends = ends(beams, &beams->running[kept->beam], kept->token);
    }
}

/* Makes `to` what `from`, continued by a token, is; both keep their own memory. */
static void continue_beam(mmn_beam *to, const mmn_beam *from, const continuation *by, float score)
{
    memcpy(to->ids, from->ids, from->length * sizeof(*to->ids));
    to->ids[from->length] = by->token;
    to->length = from->length + 1;
    to->score = score;
    to->parent = by->beam;
}

/* n to the power p. Whole powers by multiplication, as everybody has them. */
static double power_of(double n, double p)
{
    double result = 1.0, count = p < 0 ? -p : p;
    if (count != (double)(int)count)
        return mmn_power(n, p);
    for (int i = 0; i < (int)count; i++)
        result = result * n;
    return p < 0 ? 1.0 / result : result;
}

static bool all_finished(const mmn_beams *beams)
{
    for (uint32_t i = 0; i < beams->search.beams; i++)
        if (!beams->best[i].finished)
            return false;
    return true;
}

static void swap(mmn_beam **a, mmn_beam **b)
{
    mmn_beam *kept = *a;
    *a = *b;
    *b = kept;
}

/* The score of the kept continuation `index` as an answer; far down unless it is one. */
static float answer_score(const mmn_beams *beams, size_t index, bool full)
{
    const continuation *kept = &beams->scratch->kept[index];
    double length = (double)(beams->running[kept->beam].length + 1);
    float score = kept->score / (float)power_of(length, beams->search.length_penalty);
    if (full && beams->search.early_stopping == MMN_EARLY_STOPPING_TRUE)
        score += OUT_OF_THE_WAY;
    if (!beams->improvable)
        score += OUT_OF_THE_WAY;
    if (!kept->ends || index >= beams->search.beams)
        score += OUT_OF_THE_WAY;
    return score;
}

static void copy_answer(mmn_beam *to, const mmn_beam *from)
{
    memcpy(to->ids, from->ids, from->length * sizeof(*to->ids));
    to->length = from->length;
    to->score = from->score;
    to->finished = from->finished;
}

/* The best of old answers and new ones, an old one first among equals. */
static void update_answers(mmn_beams *beams)
{
    struct mmn_beams_scratch *scratch = beams->scratch;
    bool full = all_finished(beams);
    bool taken[MMN_BEAMS_LIMIT * (MMN_EOS_IDS + 1)] = {false};
    uint32_t old = 0;
    for (uint32_t place = 0; place < beams->search.beams; place++) {
        size_t best = scratch->kept_count;
        float best_score = 0;
        for (size_t i = 0; i < scratch->kept_count; i++) {
            float score = answer_score(beams, i, full);
            if (!taken[i] && (best == scratch->kept_count || score > best_score)) {
                best = i;
                best_score = score;
            }
        }
        if (best == scratch->kept_count || !(best_score > beams->best[old].score)) {
            copy_answer(&scratch->next[place], &beams->best[old++]);
            continue;
        }
        const continuation *kept = &scratch->kept[best];
        continue_beam(&scratch->next[place], &beams->running[kept->beam], kept, best_score);
        scratch->next[place].finished = kept->ends && best < beams->search.beams;
        taken[best] = true;
    }
    swap(&beams->best, &scratch->next);
}

/* The best continuations that do not end go on. */
static void update_running(mmn_beams *beams)
{
    struct mmn_beams_scratch *scratch = beams->scratch;
    uint32_t place = 0;
    /* Those that end come behind all others, by the score that they would have. */
    for (int ending = 0; ending < 2; ending++)
        for (size_t i = 0; i < scratch->kept_count && place < beams->search.beams; i++) {
            const continuation *kept = &scratch->kept[i];
            if (kept->ends != (ending == 1))
                continue;
            float score = kept->ends ? kept->score + OUT_OF_THE_WAY : kept->score;
            continue_beam(&scratch->next[place++], &beams->running[kept->beam], kept, score);
        }
    beams->running_count = place;
    swap(&beams->running, &scratch->next);
}

/* Whether the best running beam could still be better than the worst answer. */
static bool could_improve(const mmn_beams *beams)
{
    const mmn_beam_search *search = &beams->search;
    size_t length = beams->running[0].length;
    if (search->early_stopping == MMN_EARLY_STOPPING_NEVER && search->length_penalty > 0)
        length = beams->limit;
    float possible =
        beams->running[0].score / (float)power_of((double)length, search->length_penalty);
    /* While there is a place without an answer, anything is better. */
    float worst = OUT_OF_THE_WAY;
    if (all_finished(beams))
        worst = beams->best[search->beams - 1].score;
    return possible > worst;
}

void mmn_beams_step(mmn_beams *beams, const float *log_probabilities, size_t vocabulary)
{
    struct mmn_beams_scratch *scratch = beams->scratch;
    bool all_end = true;
    keep_the_best(beams, log_probabilities, vocabulary);
    for (size_t i = 0; i < scratch->kept_count; i++)
        all_end = all_end && scratch->kept[i].ends;
    update_answers(beams); /* reads the running beams, which change afterwards */
    update_running(beams);
    if (beams->running_count > 0)
        beams->improvable = beams->improvable && could_improve(beams);
    bool closed = beams->search.early_stopping == MMN_EARLY_STOPPING_TRUE && all_finished(beams);
    beams->done = all_end || !beams->improvable || closed || beams->running_count == 0;
}
