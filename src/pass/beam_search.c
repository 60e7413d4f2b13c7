/* Beam search: the bookkeeping of beams and answers. */
#include "pass/beam_search.h"

#include <string.h>

#include "base/memory.h"
#include "pass/distribution.h"

/* Where transformers wants a score out of the way it adds this, in f32. */
static const float OUT_OF_THE_WAY = -1e9f;

mmn_status mmn_beam_search_check(const mmn_beam_search *search, mmn_error *error)
{
    if (search->beams > MMN_BEAMS_LIMIT)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "%u beams are too many; at most %d",
                        search->beams, MMN_BEAMS_LIMIT);
    if (!(search->length_penalty >= -100 && search->length_penalty <= 100))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "a length penalty is between -100 and 100, not %g", search->length_penalty);
    if ((unsigned)search->early_stopping > MMN_EARLY_STOPPING_NEVER)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "%d is no rule of early stopping",
                        (int)search->early_stopping);
    return MMN_OK;
}

void mmn_beams_free(mmn_beams *beams)
{
    mmn_free(beams->all);
    mmn_free(beams->ids);
    mmn_free(beams->kept);
    *beams = (mmn_beams){0};
}

mmn_status mmn_beams_begin(mmn_beams *beams, const mmn_beam_search *search,
                           const mmn_generation_config *generation, size_t limit, mmn_error *error)
{
    /* Enough that as many as there are beams go on even if all the best ones end. */
    size_t eos = generation->eos_count > 0 ? generation->eos_count : 1;
    *beams = (mmn_beams){.search = *search,
                         .generation = generation,
                         .limit = limit,
                         .kept_limit = (1 + eos) * search->beams,
                         .running_count = 1,
                         .improvable = true};
    size_t count = search->beams, all = 3 * count;
    if (!(beams->all = mmn_allocate(all, sizeof(*beams->all), error)) ||
        !(beams->ids = mmn_allocate(limit, all * sizeof(*beams->ids), error)) ||
        !(beams->kept = mmn_allocate(beams->kept_limit, sizeof(*beams->kept), error))) {
        mmn_beams_free(beams);
        return MMN_SYSTEM;
    }
    for (size_t i = 0; i < all; i++)
        beams->all[i].ids = beams->ids + i * limit;
    beams->running = beams->all;
    beams->best = beams->all + count;
    beams->next = beams->all + 2 * count;
    for (size_t i = 0; i < count; i++)
        beams->best[i].score = OUT_OF_THE_WAY;
    return MMN_OK;
}

static bool ends(const mmn_beams *beams, const mmn_beam *beam, int32_t token)
{
    return mmn_ends_generation(beams->generation, token) || beam->length + 1 == beams->limit ||
           (beams->completes && beams->completes(beams->context, beam, token));
}

/* Puts a continuation where it belongs among those kept; what is behind the last place is lost. */
static void keep(mmn_beams *beams, const mmn_beam_continuation *added)
{
    size_t at = beams->kept_count;
    if (at == beams->kept_limit && !(added->score > beams->kept[at - 1].score))
        return;
    if (at < beams->kept_limit)
        beams->kept_count++;
    else
        at--;
    for (; at > 0 && added->score > beams->kept[at - 1].score; at--)
        beams->kept[at] = beams->kept[at - 1];
    beams->kept[at] = *added;
}

static void keep_the_best(mmn_beams *beams, const float *log_probabilities, size_t vocabulary)
{
    beams->kept_count = 0;
    for (uint32_t beam = 0; beam < beams->running_count; beam++)
        for (size_t token = 0; token < vocabulary; token++) {
            const mmn_beam_continuation added = {
                .score = log_probabilities[beam * vocabulary + token] + beams->running[beam].score,
                .beam = beam,
                .token = (int32_t)token,
            };
            if (added.score == added.score) /* NaN is no score */
                keep(beams, &added);
        }
    for (size_t i = 0; i < beams->kept_count; i++) {
        mmn_beam_continuation *kept = &beams->kept[i];
        kept->ends = ends(beams, &beams->running[kept->beam], kept->token);
    }
}

/* Makes `to` what `from`, continued by a token, is; both keep their own memory. */
static void continue_beam(mmn_beam *to, const mmn_beam *from, const mmn_beam_continuation *by,
                          float score)
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
    const mmn_beam_continuation *kept = &beams->kept[index];
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
    bool full = all_finished(beams);
    bool taken[MMN_BEAMS_LIMIT * (MMN_EOS_IDS + 1)] = {false};
    uint32_t old = 0;
    for (uint32_t place = 0; place < beams->search.beams; place++) {
        size_t best = beams->kept_count;
        float best_score = 0;
        for (size_t i = 0; i < beams->kept_count; i++) {
            float score = answer_score(beams, i, full);
            if (!taken[i] && (best == beams->kept_count || score > best_score)) {
                best = i;
                best_score = score;
            }
        }
        if (best == beams->kept_count || !(best_score > beams->best[old].score)) {
            copy_answer(&beams->next[place], &beams->best[old++]);
            continue;
        }
        const mmn_beam_continuation *kept = &beams->kept[best];
        continue_beam(&beams->next[place], &beams->running[kept->beam], kept, best_score);
        beams->next[place].finished = kept->ends && best < beams->search.beams;
        taken[best] = true;
    }
    swap(&beams->best, &beams->next);
}

/* The best continuations that do not end go on. */
static void update_running(mmn_beams *beams)
{
    uint32_t place = 0;
    /* Those that end come behind all others, by the score that they would have. */
    for (int ending = 0; ending < 2; ending++)
        for (size_t i = 0; i < beams->kept_count && place < beams->search.beams; i++) {
            const mmn_beam_continuation *kept = &beams->kept[i];
            if (kept->ends != (ending == 1))
                continue;
            float score = kept->ends ? kept->score + OUT_OF_THE_WAY : kept->score;
            continue_beam(&beams->next[place++], &beams->running[kept->beam], kept, score);
        }
    beams->running_count = place;
    swap(&beams->running, &beams->next);
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
    bool all_end = true;
    keep_the_best(beams, log_probabilities, vocabulary);
    for (size_t i = 0; i < beams->kept_count; i++)
        all_end = all_end && beams->kept[i].ends;
    update_answers(beams); /* reads the running beams, which change afterwards */
    update_running(beams);
    if (beams->running_count > 0)
        beams->improvable = beams->improvable && could_improve(beams);
    bool closed = beams->search.early_stopping == MMN_EARLY_STOPPING_TRUE && all_finished(beams);
    beams->done = all_end || !beams->improvable || closed || beams->running_count == 0;
}
