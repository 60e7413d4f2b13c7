/* Generating: the tokens that follow a prefill, of one session or of several side by side. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "pass/generate_beams.h"
#include "pass/generate_step.h"
#include "pass/logit_rules.h"

static bool stops(const mmn_generation_config *generation, int32_t token)
{
    for (size_t i = 0; i < generation->eos_count; i++)
        if (generation->eos_ids[i] == token)
            return true;
    return false;
}

static mmn_status choose(const mmn_generating *g, size_t i, mmn_error *error)
{
    mmn_session *session = g->sessions[i];
    const mmn_model *model = g->model;
    size_t vocabulary = model->config.language.vocab_size, length = session->language.length;
    const mmn_scored_place place = {.ids = session->cached_ids,
                                    .length = length,
                                    .prompt_length = length - session->generated,
                                    .last = g->counts[i] + 1 == g->limit};
    mmn_status status = mmn_logit_rules_apply(&model->rules, &model->config.generation,
                                              session->sampler.repetition_penalty,
                                              session->logits, vocabulary, &place, error);
    if (status == MMN_OK)
        status = mmn_sampler_choose(&session->pending, &session->sampler,
                                    session->compute.kernels, session->logits, vocabulary,
                                    session->generated, error);
    if (status == MMN_OK)
        status = mmn_session_reserve_ids(session, length + 1, error);
    if (status != MMN_OK)
        return status;
    session->generated++;
    session->cached_ids[length] = session->pending;
    g->ids[i * g->limit + g->counts[i]++] = session->pending;
    g->stopped[i] =
        g->counts[i] == g->limit || stops(&model->config.generation, session->pending);
    if (g->stopped[i])
        return MMN_OK;
    return mmn_stopping_reached(&g->stopped[i], &session->stopping, model->tokenizer,
                                session->cached_ids, length + 1, error);
}

static mmn_status generate(const mmn_generating *g, mmn_error *error)
{
    for (bool done = g->limit == 0; !done;) {
        mmn_status status = mmn_generating_run(g, error);
        if (status == MMN_OK)
            status = mmn_generating_make_logits(g, error);
        done = true;
        for (size_t i = 0; i < g->count && status == MMN_OK; i++) {
            if (!g->stopped[i])
                status = choose(g, i, error);
            done = done && g->stopped[i];
        }
        if (status != MMN_OK)
            return status;
    }
    return MMN_OK;
}

static mmn_status begin(mmn_session *session, mmn_error *error)
{
    if (!session->prefilled)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "nothing has been prefilled to go on from");
    if (!session->language.keep_cache)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "this session was made for prompts only and cannot generate");
    const mmn_model *model = session->model;
    mmn_status status = MMN_OK;
    if (!model->tokenizer && model->rules.stop_count > 0)
        status = mmn_stopping_set(&session->stopping, NULL, NULL, model->rules.stop_count, error);
    return status == MMN_OK ? mmn_generation_rules_check(&model->rules, model->folder, error)
                            : status;
}

static mmn_status show_ids(const mmn_generating *g, size_t i, mmn_error *error)
{
    return mmn_session_show_copy(g->sessions[i],
                                 &(mmn_shown){.pattern = "generated_ids",
                                              .layer = -1,
                                              .data = g->ids + i * g->limit,
                                              .shape = {g->counts[i]}},
                                 g->counts[i] * sizeof(*g->ids), error);
}

/* All sessions together, token by token. */
static mmn_status generate_side_by_side(mmn_generating *g, mmn_error *error)
{
    const mmn_language_config *config = &g->model->config.language;
    mmn_status status = MMN_SYSTEM;
    if ((g->stopped = mmn_allocate(g->count, sizeof(*g->stopped), error)) &&
        (g->parts = mmn_allocate(g->count, sizeof(*g->parts), error)) &&
        (g->rows = mmn_allocate(g->count, config->hidden_size * sizeof(float), error)) &&
        (g->count == 1 ||
         (g->logits = mmn_allocate(g->count, config->vocab_size * sizeof(float), error))))
        status = generate(g, error);
    mmn_free(g->stopped);
    mmn_free(g->parts);
    mmn_free(g->rows);
    mmn_free(g->logits);
    return status;
}

mmn_status mmn_sessions_generate(mmn_session *const *sessions, size_t count, size_t limit,
                                 int32_t *ids, size_t *counts, mmn_error *error)
{
    mmn_generating g = {.model = sessions[0]->model,
                        .sessions = sessions,
                        .count = count,
                        .limit = limit,
                        .ids = ids,
                        .counts = counts};
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < count && status == MMN_OK; i++) {
        counts[i] = 0;
        status = begin(sessions[i], error);
        sessions[i]->probes.generating = true;
    }
    if (status == MMN_OK && sessions[0]->beam_search.beams < 2)
        status = generate_side_by_side(&g, error);
    else
        for (size_t i = 0; i < count && status == MMN_OK; i++)
            status = mmn_session_generate_beams(sessions[i], limit, ids + i * limit, &counts[i],
                                                error);
    for (size_t i = 0; i < count && status == MMN_OK; i++)
        status = show_ids(&g, i, error);
    return status;
}

mmn_status mmn_session_generate(mmn_session *session, size_t limit, int32_t *ids, size_t *count,
                                mmn_error *error)
{
    if (MMN_MISSING(error, session, count))
        return MMN_USAGE;
    *count = 0;
    if (limit > 0 && MMN_MISSING(error, ids))
        return MMN_USAGE;
    mmn_status status = mmn_session_enter(session, error);
    if (status != MMN_OK)
        return status;
    return mmn_session_leave(session,
                             mmn_sessions_generate(&session, 1, limit, ids, count, error));
}
