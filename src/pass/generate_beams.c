/* Generating by beam search: the beams are sessions of their own that share the prompt's cache. */
#include "pass/generate_beams.h"

#include <string.h>

#include "base/memory.h"
#include "pass/beam_search.h"
#include "pass/distribution.h"
#include "pass/generate_step.h"
#include "pass/logit_rules.h"

/* A search at work. */
typedef struct searching {
    mmn_session *prompt;
    mmn_beams beams;
    mmn_session **sessions; /* [beams], in the order of the running beams */
    mmn_session **reordered; /* [beams] */
    float *log_probabilities; /* [beams][vocab_size] */
    float *scratch;           /* [vocab_size] */
    int32_t *ids;             /* [prompt and longest answer]: of the beam last asked about */
    mmn_status status;        /* and error: what asking about stop strings came to */
    mmn_error *error;
} searching;

/* Whether the beam, continued by the token, has a stop string at its end. */
static bool completes_stop_string(void *context, const mmn_beam *beam, int32_t token)
{
    searching *s = context;
    const mmn_session *prompt = s->prompt;
    size_t length = prompt->language.length;
    bool reached = false;
    memcpy(s->ids, prompt->cached_ids, length * sizeof(*s->ids));
    memcpy(s->ids + length, beam->ids, beam->length * sizeof(*s->ids));
    s->ids[length + beam->length] = token;
    if (s->status == MMN_OK)
        s->status = mmn_stopping_reached(&reached, &prompt->stopping, prompt->model->tokenizer,
                                         s->ids, length + beam->length + 1, s->error);
    return reached;
}

/* A session for a beam: it has the prompt's probes, and goes on from its cache. */
static mmn_status make_session(mmn_session **made, const searching *s, mmn_error *error)
{
    mmn_session *prompt = s->prompt;
    size_t length = prompt->language.length;
    mmn_status status = mmn_session_create(made, prompt->model, NULL, error);
    if (status == MMN_OK)
        status = mmn_session_reserve_ids(*made, length + s->beams.limit, error);
    if (status != MMN_OK)
        return status;
    mmn_session *session = *made;
    memcpy(session->cached_ids, prompt->cached_ids, length * sizeof(*session->cached_ids));
    session->probes = prompt->probes;
    session->compute.interrupt = prompt->compute.interrupt;
    session->probes.generating = true;
    mmn_session_keep_input(session, prompt->input);
    session->language.trunk = &prompt->language;
    session->language.trunk_length = length;
    return MMN_OK;
}

static mmn_status begin(searching *s, size_t limit, mmn_error *error)
{
    const mmn_session *prompt = s->prompt;
    uint32_t count = prompt->beam_search.beams;
    size_t vocabulary = prompt->model->config.language.vocab_size;
    mmn_status status = mmn_beams_begin(&s->beams, &prompt->beam_search,
                                        &prompt->model->config.generation, limit, error);
    if (status != MMN_OK)
        return status;
    bool complete =
        (s->sessions = mmn_allocate(count, sizeof(mmn_session *), error)) &&
        (s->reordered = mmn_allocate(count, sizeof(mmn_session *), error)) &&
        (s->log_probabilities = mmn_allocate(count, vocabulary * sizeof(float), error)) &&
        (s->scratch = mmn_allocate(vocabulary, sizeof(float), error)) &&
        (s->ids = mmn_allocate(prompt->language.length + limit, sizeof(*s->ids), error));
    if (prompt->stopping.count > 0) {
        s->beams.completes = completes_stop_string;
        s->beams.context = s;
    }
    for (uint32_t i = 0; i < count && complete; i++)
        complete = make_session(&s->sessions[i], s, error) == MMN_OK;
    return complete ? MMN_OK : MMN_SYSTEM;
}

static void end(searching *s)
{
    for (uint32_t i = 0; s->sessions && i < s->beams.search.beams; i++) {
        if (s->sessions[i])
            s->sessions[i]->probes = (mmn_probes){0}; /* they are the prompt's */
        mmn_session_free(s->sessions[i]);
    }
    mmn_free(s->sessions);
    mmn_free(s->reordered);
    mmn_free(s->log_probabilities);
    mmn_free(s->scratch);
    mmn_free(s->ids);
    mmn_beams_free(&s->beams);
}

/* Puts a session's log probabilities, as the rules leave them, where the beam with this number
 * has them. */
static mmn_status take_scores(const searching *s, mmn_session *session, size_t beam,
                              mmn_error *error)
{
    const mmn_model *model = session->model;
    size_t vocabulary = model->config.language.vocab_size;
    size_t length = mmn_language_position(&session->language);
    size_t prompt_length = s->prompt->language.length;
    const mmn_scored_place place = {.ids = session->cached_ids,
                                    .length = length,
                                    .prompt_length = prompt_length,
                                    .last = length - prompt_length + 1 == s->beams.limit};
    float *scores = s->log_probabilities + beam * vocabulary;
    memcpy(scores, session->logits, vocabulary * sizeof(*scores));
    mmn_log_softmax(session->compute.kernels, scores, vocabulary, s->scratch);
    return mmn_logit_rules_apply(&model->rules, &model->config.generation,
                                 s->prompt->sampler.repetition_penalty, scores, vocabulary,
                                 &place, error);
}

/* Gives each running beam the session with the cache of the beam that it continues. The first that
 * continues a beam takes over its session; others copy what is behind the prompt. */
static void reorder(searching *s)
{
    const mmn_language_config *config = &s->prompt->model->config.language;
    uint32_t count = s->beams.search.beams;
    memset(s->reordered, 0, count * sizeof(*s->reordered));
    mmn_session *parents[MMN_BEAMS_LIMIT];
    memcpy(parents, s->sessions, count * sizeof(*parents));
    for (uint32_t i = 0; i < s->beams.running_count; i++) {
        uint32_t parent = s->beams.running[i].parent;
        s->reordered[i] = s->sessions[parent];
        s->sessions[parent] = NULL;
    }
    uint32_t spare = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (s->reordered[i])
            continue;
        while (!s->sessions[spare])
            spare++;
        mmn_session *session = s->reordered[i] = s->sessions[spare++];
        if (i >= s->beams.running_count)
            continue;
        const mmn_session *from = parents[s->beams.running[i].parent];
        size_t first = from->language.trunk_length;
        mmn_language_copy_cache(&session->language, &from->language, config);
        memcpy(session->cached_ids + first, from->cached_ids + first,
               from->language.length * sizeof(*session->cached_ids));
    }
    mmn_session **kept = s->sessions;
    s->sessions = s->reordered;
    s->reordered = kept;
}

/* Runs each running beam's last token and takes the scores of what may follow. */
static mmn_status run(searching *s, mmn_generating *g, mmn_error *error)
{
    mmn_status status = MMN_OK;
    g->sessions = s->sessions;
    g->count = s->beams.running_count;
    for (uint32_t i = 0; i < s->beams.running_count; i++) {
        const mmn_beam *beam = &s->beams.running[i];
        s->sessions[i]->pending = beam->ids[beam->length - 1];
    }
    status = mmn_generating_run(g, error);
    if (status == MMN_OK)
        status = mmn_generating_make_logits(g, error);
    for (uint32_t i = 0; i < s->beams.running_count && status == MMN_OK; i++)
        status = take_scores(s, s->sessions[i], i, error);
    return status;
}

static mmn_status search(searching *s, mmn_generating *g, mmn_error *error)
{
    size_t vocabulary = s->prompt->model->config.language.vocab_size;
    mmn_session *const prompt = s->prompt;
    g->sessions = &prompt;
    g->count = 1;
    mmn_status status = mmn_generating_make_logits(g, error);
    if (status == MMN_OK)
        status = take_scores(s, prompt, 0, error);
    while (status == MMN_OK) {
        mmn_beams_step(&s->beams, s->log_probabilities, vocabulary);
        status = s->status;
        if (s->beams.done || status != MMN_OK)
            break;
        reorder(s);
        status = run(s, g, error);
    }
    return status;
}

static mmn_status check(const mmn_session *session, mmn_error *error)
{
    if (session->pending != MMN_NO_TOKEN)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "beam search goes on from a prefill, not from generated tokens");
    if (session->sampler.temperature != 0)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "%u beams were asked for, and beam search does not sample: the "
                        "temperature must be 0, or the beams 1",
                        session->beam_search.beams);
    return MMN_OK;
}

mmn_status mmn_session_generate_beams(mmn_session *session, size_t limit, int32_t *ids,
                                      size_t *count, mmn_error *error)
{
    const mmn_language_config *config = &session->model->config.language;
    uint32_t beams = session->beam_search.beams;
    bool stopped[MMN_BEAMS_LIMIT] = {false};
    searching s = {.prompt = session, .error = error};
    mmn_generating g = {.model = session->model, .stopped = stopped};
    *count = 0;
    mmn_status status = check(session, error);
    if (status != MMN_OK || limit == 0)
        return status;
    status = begin(&s, limit, error);
    if (status == MMN_OK) {
        status = MMN_SYSTEM;
        if ((g.parts = mmn_allocate(beams, sizeof(*g.parts), error)) &&
            (g.rows = mmn_allocate(beams, config->hidden_size * sizeof(float), error)) &&
            (g.logits = mmn_allocate(beams, config->vocab_size * sizeof(float), error)))
            status = search(&s, &g, error);
    }
    if (status == MMN_OK) {
        *count = s.beams.best[0].length;
        memcpy(ids, s.beams.best[0].ids, *count * sizeof(*ids));
        session->generated += *count;
    }
    session->prefilled = false; /* the cache holds the prompt alone, and not what was generated */
    end(&s);
    mmn_free(g.parts);
    mmn_free(g.rows);
    mmn_free(g.logits);
    return status;
}
