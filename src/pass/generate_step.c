/* One token more for sessions side by side: running what was chosen, and the logits of what follows. */
#include "pass/generate_step.h"

#include <stdio.h>
#include <string.h>

mmn_status mmn_generating_run(const mmn_generating *g, mmn_error *error)
{
    const mmn_language_weights *weights = &g->model->weights->language;
    size_t width = g->model->config.language.hidden_size, running = 0;
    for (size_t i = 0; i < g->count; i++) {
        mmn_session *session = g->sessions[i];
        size_t position = mmn_language_position(&session->language);
        if (g->stopped[i] || session->pending == MMN_NO_TOKEN)
            continue;
        mmn_status status = mmn_session_reserve_ids(session, position + 1, error);
        if (status != MMN_OK)
            return status;
        mmn_session_part *part = &g->parts[running];
        *part = (mmn_session_part){.session = session, .first_row = running};
        part->sequences = mmn_sequences_of_one(&part->alone, position, 1);
        session->cached_ids[position] = session->pending;
        mmn_language_embed(&session->compute, &g->model->config.language, weights,
                           g->rows + running * width, &session->pending, 1);
        running++;
    }
    if (running == 0)
        return MMN_OK;
    mmn_status status = mmn_session_run_language(g->parts, running, g->rows, error);
    for (size_t i = 0; i < running && status == MMN_OK; i++)
        g->parts[i].session->pending = MMN_NO_TOKEN;
    return status;
}

/* Ends if a logit, row by row of `parts`, is not finite. */
static mmn_status check_logits(const mmn_generating *g, mmn_finite_watch *watch, mmn_error *error)
{
    char where[48];
    if (!mmn_finite_found(watch))
        return MMN_OK;
    size_t length = mmn_language_position(&g->parts[watch->row].session->language);
    snprintf(where, sizeof(where), "position %zu", length - 1);
    return mmn_finite_fail(watch, "language.logits", -1, where, error);
}

mmn_status mmn_generating_make_logits(const mmn_generating *g, mmn_error *error)
{
    const mmn_language_config *config = &g->model->config.language;
    const mmn_language_weights *weights = &g->model->weights->language;
    mmn_compute *compute = &g->sessions[0]->compute;
    size_t wanted = 0;
    for (size_t i = 0; i < g->count; i++) {
        mmn_session *session = g->sessions[i];
        if (g->stopped[i] || session->have_logits)
            continue;
        memcpy(g->rows + wanted * config->hidden_size, session->last,
               config->hidden_size * sizeof(float));
        g->parts[wanted++].session = session;
    }
    if (wanted == 0)
        return MMN_OK;
    mmn_status status = mmn_compute_reserve(compute, wanted, config->hidden_size, 0, error);
    if (status != MMN_OK)
        return status;
    float *logits = g->logits ? g->logits : g->parts[0].session->logits;
    mmn_language_logits(compute, weights, logits, g->rows, wanted);
    status = mmn_interrupt_check(compute->interrupt, error);
    if (status == MMN_OK)
        status = check_logits(g, compute->watch, error);
    if (status != MMN_OK)
        return status;
    for (size_t i = 0; i < wanted; i++) {
        mmn_session *session = g->parts[i].session;
        if (g->logits)
            memcpy(session->logits, logits + i * config->vocab_size,
                   config->vocab_size * sizeof(float));
        session->have_logits = true;
    }
    return MMN_OK;
}
