/* Generating: the tokens that follow a prefill, in sessions side by side the likeliest ones or
 * drawn ones, in one session also by beam search. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "pass/beam_search.h"
#include "pass/distribution.h"
#include "pass/session.h"

/* ---- One token more -------------------------------------------------------------------------- */

/* Sequences that go on by a token each: those of sessions, or the beams of one. */
typedef struct continuing {
    mmn_batch batch; /* a row each */
    float *logits;   /* [room][vocab_size]; NULL where there is room for one */
} continuing;

/* Makes room for `room` sequences; the first session's memory works for all. */
static mmn_status make_room(continuing *c, mmn_session *first, size_t room, mmn_error *error)
{
    const mmn_language_config *config = &first->model->config.language;
    *c = (continuing){
        .batch = {.model = first->model, .compute = &first->compute, .memory = &first->memory}};
    if (!(c->batch.list = mmn_allocate(room, sizeof(*c->batch.list), error)) ||
        !(c->batch.hidden = mmn_allocate(room, config->hidden_size * sizeof(float), error)))
        return MMN_SYSTEM;
    if (room > 1 && !(c->logits = mmn_allocate(room, config->vocab_size * sizeof(float), error)))
        return MMN_SYSTEM;
    return MMN_OK;
}

static void free_room(continuing *c)
{
    mmn_free(c->batch.list);
    mmn_free(c->batch.hidden);
    mmn_free(c->logits);
}

/* Adds a sequence of the session that ends in `span`, to run `token`, behind which `to_come` may
 * follow, or (MMN_NO_TOKEN) for its logits alone. */
static void add(continuing *c, mmn_session *session, mmn_span *span, size_t to_come,
                mmn_ending *ending, int32_t token)
{
    size_t row = c->batch.count++, width = c->batch.model->config.language.hidden_size;
    c->batch.list[row] = (mmn_sequence){.probes = &session->probes,
                                        .input = session->input,
                                        .span = span,
                                        .to_come = to_come,
                                        .ending = ending,
                                        .first_row = row,
                                        .rows = 1};
    if (token != MMN_NO_TOKEN)
        mmn_language_embed(c->batch.compute, c->batch.model, c->batch.hidden + row * width, &token,
                           1);
}

/* Ends if a logit, row by row of the list, is not finite. */
static mmn_status check_logits(const continuing *c, mmn_error *error)
{
    mmn_finite_watch *watch = c->batch.compute->watch;
    char where[48];
    if (!mmn_finite_found(watch))
        return MMN_OK;
    snprintf(where, sizeof(where), "position %zu",
             mmn_sequence_position(&c->batch.list[watch->row]) - 1);
    return mmn_finite_fail(watch, "language.logits", -1, where, error);
}

/* Makes the logits that are not there yet, in one product. */
static mmn_status make_logits(continuing *c, mmn_error *error)
{
    const mmn_model *model = c->batch.model;
    size_t width = model->config.language.hidden_size, wanted = 0;
    size_t vocabulary = model->config.language.vocab_size;
    mmn_sequence *list = c->batch.list;
    for (size_t i = 0; i < c->batch.count; i++) {
        if (list[i].ending->have_logits)
            continue;
        memcpy(c->batch.hidden + wanted * width, list[i].ending->last, width * sizeof(float));
        list[wanted++] = list[i];
    }
    if (wanted == 0)
        return MMN_OK;
    float *logits = c->logits ? c->logits : list[0].ending->logits;
    MMN_TRY(mmn_compute_reserve(c->batch.compute, wanted, width, 0, 0, error));
    mmn_language_logits(c->batch.compute, &model->weights->language, logits, c->batch.hidden,
                        wanted);
    MMN_TRY(mmn_interrupt_check(c->batch.compute->interrupt, error));
    MMN_TRY(check_logits(c, error));
    for (size_t i = 0; i < wanted; i++) {
        if (c->logits)
            memcpy(list[i].ending->logits, logits + i * vocabulary, vocabulary * sizeof(float));
        list[i].ending->have_logits = true;
    }
    return MMN_OK;
}

/* ---- One token after the other --------------------------------------------------------------- */

/* The answers of sessions side by side. */
typedef struct answers {
    mmn_session *const *sessions;
    size_t count, limit;
    int32_t *ids;   /* [count][limit] */
    size_t *counts; /* [count] */
    bool *stopped;  /* [count] */
} answers;

static mmn_status choose(const answers *a, size_t i, mmn_error *error)
{
    mmn_session *session = a->sessions[i];
    const mmn_model *model = session->model;
    size_t vocabulary = model->config.language.vocab_size, length = session->language.length;
    const mmn_scored_place place = {.ids = session->cached_ids,
                                    .length = length,
                                    .prompt_length = length - session->generated,
                                    .last = a->counts[i] + 1 == a->limit};
    float *logits = session->ending.logits;
    MMN_TRY(mmn_logit_rules_apply(&model->rules, &model->config.generation,
                                  session->sampler.repetition_penalty, logits, vocabulary, &place,
                                  error));
    MMN_TRY(mmn_sampler_choose(&session->pending, &session->sampler, session->compute.kernels,
                               logits, vocabulary, session->generated, error));
    MMN_TRY(mmn_session_reserve_ids(session, length + 1, error));
    session->generated++;
    session->cached_ids[length] = session->pending;
    a->ids[i * a->limit + a->counts[i]++] = session->pending;
    a->stopped[i] = a->counts[i] == a->limit ||
                    mmn_ends_generation(&model->config.generation, session->pending);
    return a->stopped[i]
               ? MMN_OK
               : mmn_stopping_reached(&a->stopped[i], &session->stopping, model->tokenizer,
                                      session->cached_ids, length + 1, error);
}

/* Runs what was chosen last, and chooses the next token of each session that has not stopped. */
static mmn_status go_on(const answers *a, continuing *c, bool *done, mmn_error *error)
{
    c->batch.count = 0;
    for (size_t i = 0; i < a->count; i++) {
        mmn_session *session = a->sessions[i];
        if (!a->stopped[i] && session->pending != MMN_NO_TOKEN)
            add(c, session, &session->language, mmn_session_to_come(session), &session->ending,
                session->pending);
    }
    if (c->batch.count > 0)
        MMN_TRY(mmn_language_run(&c->batch, error));
    c->batch.count = 0;
    for (size_t i = 0; i < a->count; i++) {
        mmn_session *session = a->sessions[i];
        if (a->stopped[i])
            continue;
        session->pending = MMN_NO_TOKEN;
        add(c, session, &session->language, 0, &session->ending, MMN_NO_TOKEN);
    }
    MMN_TRY(make_logits(c, error));
    *done = true;
    for (size_t i = 0; i < a->count; i++) {
        if (!a->stopped[i])
            MMN_TRY(choose(a, i, error));
        *done = *done && a->stopped[i];
    }
    return MMN_OK;
}

static mmn_status generate_side_by_side(answers *a, mmn_error *error)
{
    continuing c = {0};
    mmn_status status = MMN_SYSTEM;
    if ((a->stopped = mmn_allocate(a->count, sizeof(*a->stopped), error)))
        status = make_room(&c, a->sessions[0], a->count, error);
    for (bool done = a->limit == 0; !done && status == MMN_OK;)
        status = go_on(a, &c, &done, error);
    mmn_free(a->stopped);
    free_room(&c);
    return status;
}

/* ---- Beam search ----------------------------------------------------------------------------- */

/* A search at work. */
typedef struct searching {
    mmn_session *prompt;
    mmn_beams beams;
    continuing continuing;
    /* Of the running beams, in their order: what follows the prompt, and what they end in. */
    mmn_span spans[MMN_BEAMS_LIMIT];
    mmn_ending endings[MMN_BEAMS_LIMIT];
    float *last, *scores; /* [beams][hidden_size] and [beams][vocab_size]: of the endings */
    float *scratch;       /* [vocab_size] */
    int32_t *ids;      /* [prompt and longest answer]: the prompt, and a beam that is asked about */
    mmn_status status; /* and error: what asking about stop strings came to */
    mmn_error *error;
} searching;

/* Puts the beam's ids behind the prompt's; returns how many there are together. */
static size_t write_ids(searching *s, const mmn_beam *beam)
{
    size_t length = s->prompt->language.length;
    memcpy(s->ids + length, beam->ids, beam->length * sizeof(*s->ids));
    return length + beam->length;
}

/* Whether the beam, continued by the token, has a stop string at its end. */
static bool completes_stop_string(void *context, const mmn_beam *beam, int32_t token)
{
    searching *s = context;
    size_t length = write_ids(s, beam);
    bool reached = false;
    s->ids[length] = token;
    if (s->status == MMN_OK)
        s->status = mmn_stopping_reached(&reached, &s->prompt->stopping,
                                         s->prompt->model->tokenizer, s->ids, length + 1, s->error);
    return reached;
}

static mmn_status begin_search(searching *s, size_t limit, mmn_error *error)
{
    const mmn_session *prompt = s->prompt;
    const mmn_language_config *config = &prompt->model->config.language;
    uint32_t count = prompt->beam_search.beams;
    size_t length = prompt->language.length, width = config->hidden_size;
    MMN_TRY(mmn_beams_begin(&s->beams, &prompt->beam_search, &prompt->model->config.generation,
                            limit, error));
    MMN_TRY(make_room(&s->continuing, s->prompt, count, error));
    if (!(s->last = mmn_allocate(count, width * sizeof(float), error)) ||
        !(s->scores = mmn_allocate(count, config->vocab_size * sizeof(float), error)) ||
        !(s->scratch = mmn_allocate(config->vocab_size, sizeof(float), error)) ||
        !(s->ids = mmn_allocate(length + limit, sizeof(*s->ids), error)))
        return MMN_SYSTEM;
    memcpy(s->ids, prompt->cached_ids, length * sizeof(*s->ids));
    if (prompt->stopping.count > 0) {
        s->beams.completes = completes_stop_string;
        s->beams.context = s;
    }
    for (uint32_t i = 0; i < count; i++) {
        s->spans[i] = (mmn_span){.beginning = &prompt->language, .shared = length};
        s->endings[i] = (mmn_ending){.last = s->last + i * width,
                                     .logits = s->scores + i * (size_t)config->vocab_size};
    }
    return MMN_OK;
}

static void end_search(searching *s)
{
    for (uint32_t i = 0; i < s->beams.search.beams; i++)
        mmn_span_free(&s->spans[i]);
    free_room(&s->continuing);
    mmn_free(s->last);
    mmn_free(s->scores);
    mmn_free(s->scratch);
    mmn_free(s->ids);
    mmn_beams_free(&s->beams);
}

/* Makes log probabilities of the logits behind each running beam, as the rules leave them. */
static mmn_status make_scores(searching *s, mmn_error *error)
{
    const mmn_model *model = s->prompt->model;
    size_t vocabulary = model->config.language.vocab_size;
    for (uint32_t i = 0; i < s->beams.running_count; i++) {
        const mmn_beam *beam = &s->beams.running[i];
        float *scores = s->endings[i].logits;
        const mmn_scored_place place = {.ids = s->ids,
                                        .length = write_ids(s, beam),
                                        .prompt_length = s->prompt->language.length,
                                        .last = beam->length + 1 == s->beams.limit};
        mmn_log_softmax(s->prompt->compute.kernels, scores, vocabulary, s->scratch);
        MMN_TRY(mmn_logit_rules_apply(&model->rules, &model->config.generation,
                                      s->prompt->sampler.repetition_penalty, scores, vocabulary,
                                      &place, error));
    }
    return MMN_OK;
}

/* Gives each running beam a span with what the beam that it continues has. The first that continues
 * a beam takes over its span; others copy it. */
static mmn_status reorder(searching *s, mmn_error *error)
{
    const mmn_language_config *config = &s->prompt->model->config.language;
    uint32_t count = s->beams.search.beams, spare = 0;
    mmn_span parents[MMN_BEAMS_LIMIT];
    bool placed[MMN_BEAMS_LIMIT] = {false}, taken[MMN_BEAMS_LIMIT] = {false};
    memcpy(parents, s->spans, sizeof(parents));
    for (uint32_t i = 0; i < s->beams.running_count; i++) {
        uint32_t parent = s->beams.running[i].parent;
        placed[i] = !taken[parent];
        taken[parent] = true;
        if (placed[i])
            s->spans[i] = parents[parent];
    }
    for (uint32_t i = 0; i < count; i++) {
        if (placed[i])
            continue;
        while (taken[spare])
            spare++;
        s->spans[i] = parents[spare++];
    }
    for (uint32_t i = 0; i < s->beams.running_count; i++)
        if (!placed[i])
            MMN_TRY(
                mmn_span_copy(&s->spans[i], &parents[s->beams.running[i].parent], config, error));
    return MMN_OK;
}

static mmn_status search(searching *s, mmn_error *error)
{
    mmn_session *prompt = s->prompt;
    continuing *c = &s->continuing;
    add(c, prompt, &prompt->language, 0, &prompt->ending, MMN_NO_TOKEN);
    MMN_TRY(make_logits(c, error));
    memcpy(s->scores, prompt->ending.logits,
           prompt->model->config.language.vocab_size * sizeof(float));
    for (;;) {
        MMN_TRY(make_scores(s, error));
        mmn_beams_step(&s->beams, s->scores, prompt->model->config.language.vocab_size);
        if (s->beams.done || s->status != MMN_OK)
            return s->status;
        MMN_TRY(reorder(s, error));
        c->batch.count = 0;
        for (uint32_t i = 0; i < s->beams.running_count; i++) {
            const mmn_beam *beam = &s->beams.running[i];
            add(c, prompt, &s->spans[i], s->beams.limit - beam->length, &s->endings[i],
                beam->ids[beam->length - 1]);
        }
        MMN_TRY(mmn_language_run(&c->batch, error));
        MMN_TRY(make_logits(c, error));
    }
}

static mmn_status generate_by_beams(mmn_session *session, size_t limit, int32_t *ids, size_t *count,
                                    mmn_error *error)
{
    searching s = {.prompt = session, .error = error};
    if (session->pending != MMN_NO_TOKEN)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "beam search goes on from a prefill, not from generated tokens");
    if (session->sampler.temperature != 0)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "%u beams were asked for, and beam search does not sample: the "
                        "temperature must be 0, or the beams 1",
                        session->beam_search.beams);
    if (limit == 0)
        return MMN_OK;
    mmn_status status = begin_search(&s, limit, error);
    if (status == MMN_OK)
        status = search(&s, error);
    if (status == MMN_OK) {
        *count = s.beams.best[0].length;
        memcpy(ids, s.beams.best[0].ids, *count * sizeof(*ids));
        session->generated += *count;
    }
    session->prefilled = false; /* the cache holds the prompt alone, and not what was generated */
    end_search(&s);
    return status;
}

/* ---- Sessions -------------------------------------------------------------------------------- */

static mmn_status begin(mmn_session *session, mmn_error *error)
{
    const mmn_model *model = session->model;
    if (!session->prefilled)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "nothing has been prefilled to go on from");
    if (session->prompt_only)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "this session was made for prompts only and cannot generate");
    if (!model->tokenizer && model->rules.stop_count > 0)
        MMN_TRY(mmn_stopping_set(&session->stopping, NULL, NULL, model->rules.stop_count, error));
    return mmn_generation_rules_check(&model->rules, model->folder, error);
}

static mmn_status show_ids(const mmn_session *session, int32_t *ids, size_t count, mmn_error *error)
{
    const mmn_shown shown = {.pattern = "generated_ids",
                             .layer = -1,
                             .data = ids,
                             .shape = {count},
                             .input = session->input};
    return mmn_session_show_copy(session, &shown, count * sizeof(*ids), error);
}

mmn_status mmn_sessions_generate(mmn_session *const *sessions, size_t count, size_t limit,
                                 int32_t *ids, size_t *counts, mmn_error *error)
{
    answers a = {
        .sessions = sessions, .count = count, .limit = limit, .ids = ids, .counts = counts};
    memset(counts, 0, count * sizeof(*counts));
    MMN_TRY(mmn_model_check_language(sessions[0]->model, error));
    for (size_t i = 0; i < count; i++) {
        MMN_TRY(begin(sessions[i], error));
        sessions[i]->probes.generating = true;
    }
    if (sessions[0]->beam_search.beams < 2)
        MMN_TRY(generate_side_by_side(&a, error));
    else
        for (size_t i = 0; i < count; i++)
            MMN_TRY(generate_by_beams(sessions[i], limit, ids + i * limit, &counts[i], error));
    for (size_t i = 0; i < count; i++)
        MMN_TRY(show_ids(sessions[i], ids + i * limit, counts[i], error));
    return MMN_OK;
}

mmn_status mmn_session_generate(mmn_session *session, size_t limit, int32_t *ids, size_t *count,
                                mmn_error *error)
{
    MMN_GIVEN(error, session, count);
    *count = 0;
    if (limit > 0 && MMN_MISSING(error, ids))
        return MMN_USAGE;
    MMN_TRY(mmn_session_enter(session, error));
    return mmn_session_leave(session, mmn_sessions_generate(&session, 1, limit, ids, count, error));
}
