/* Beam search: which continuations of several beams go on, and which answers are the best so far.
 * Source: transformers 5.23's GenerationMixin._beam_search, for one prompt. */
#ifndef MMN_PASS_BEAM_SEARCH_H
#define MMN_PASS_BEAM_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "mmneuron.h"
#include "model/generation_rules.h"

/* A sequence of generated tokens. */
typedef struct mmn_beam {
    int32_t *ids; /* [limit] */
    size_t length;
    float score; /* running: the sum of log probabilities; an answer: that by the length penalty */
    bool finished;   /* an answer, not the place for one */
    uint32_t parent; /* running: the beam of the step before that it continues */
} mmn_beam;

/* A beam continued by a token. */
typedef struct mmn_beam_continuation {
    float score;
    uint32_t beam;
    int32_t token;
    bool ends; /* by a stop token or the limit */
} mmn_beam_continuation;

/* Zero-initialise; make with mmn_beams_begin, free with mmn_beams_free. */
typedef struct mmn_beams {
    mmn_beam_search search;
    const mmn_generation_config *generation;
    size_t limit;             /* tokens */
    uint32_t running_count;   /* 1 at first, then search.beams */
    mmn_beam *running, *best; /* [search.beams], the best first */
    bool improvable, done;
    /* Whether `beam`, continued by `token`, is an answer for another reason than its stop token;
     * NULL: there is none. */
    bool (*completes)(void *context, const mmn_beam *beam, int32_t token);
    void *context;

    /* Of one step: the best continuations, and the beams that they make. */
    mmn_beam_continuation *kept; /* [kept_limit], the best first */
    size_t kept_limit, kept_count;
    mmn_beam *next; /* [search.beams] of running beams, then of answers */

    mmn_beam *all; /* what the three kinds of beams are parts of */
    int32_t *ids;  /* of all of them */
} mmn_beams;

/* Checks what the caller asks for. MMN_USAGE when it cannot be. */
mmn_status mmn_beam_search_check(const mmn_beam_search *search, mmn_error *error);

mmn_status mmn_beams_begin(mmn_beams *beams, const mmn_beam_search *search,
                           const mmn_generation_config *generation, size_t limit, mmn_error *error);

/* One step: log_probabilities [running_count][vocabulary] of the next token after each running
 * beam, scores as f32. Of equal scores the lower beam's, then the lower token's comes first.
 * Afterwards `done` says whether best[0] is the answer; else each running beam has one token
 * more. */
void mmn_beams_step(mmn_beams *beams, const float *log_probabilities, size_t vocabulary);
void mmn_beams_free(mmn_beams *beams);

#endif
