/* Sessions: their life, the end of a forward pass, and generation. */
#include "pass/session.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/stages.h"
#include "pass/beam_search.h"

/* Generates as the folder asks, until the caller says otherwise. */
static mmn_status use_own_rules(mmn_session *session, mmn_error *error)
{
    mmn_status status = mmn_session_set_sampling(session, NULL, error);
    if (status == MMN_OK)
        status = mmn_session_set_beam_search(session, NULL, error);
    if (status == MMN_OK && session->model->tokenizer)
        status = mmn_session_set_stop_strings(session, NULL, 0, error);
    return status;
}

mmn_status mmn_session_create(mmn_session **created, const mmn_model *model,
                              const mmn_session_options *options, mmn_error *error)
{
    if (created)
        *created = NULL;
    if (MMN_MISSING(error, created, model))
        return MMN_USAGE;
    mmn_session *session = mmn_allocate(1, sizeof(*session), error);
    if (!session)
        return MMN_SYSTEM;
    session->model = model;
    session->compute = model->compute;
    session->interrupt = (mmn_interrupt){.asked = model->interrupt.asked,
                                         .context = model->interrupt.context};
    session->compute.interrupt = session->probes.interrupt = &session->interrupt;
    session->language.keep_cache = !(options && options->prompt_only);
    session->pending = MMN_NO_TOKEN;
    session->last = mmn_allocate(model->config.language.hidden_size, sizeof(float), error);
    session->logits = mmn_allocate(model->config.language.vocab_size, sizeof(float), error);
    if (!session->last || !session->logits ||
        mmn_compute_reserve(&session->compute, 1, 0, 0, error) != MMN_OK) {
        mmn_session_free(session);
        return MMN_SYSTEM;
    }
    mmn_status status = MMN_OK;
    if (session->language.keep_cache)
        status = use_own_rules(session, error);
    if (status != MMN_OK) {
        mmn_session_free(session);
        return status;
    }
    *created = session;
    return MMN_OK;
}

void mmn_session_keep_input(mmn_session *session, const mmn_input *input)
{
    const mmn_input *former = session->input;
    session->input = input ? mmn_input_retain(input) : NULL;
    mmn_input_release(former);
}

/* What may not change, or begin, while stages are shown. */
static mmn_status refuse_at_work(const mmn_session *session, mmn_error *error)
{
    return session->at_work ? mmn_fail(error, MMN_USAGE, NULL, NULL,
                                       "the session is at work: a probe may not call this function "
                                       "for the session that it is shown")
                            : MMN_OK;
}

mmn_status mmn_session_enter(mmn_session *session, mmn_error *error)
{
    mmn_status status = refuse_at_work(session, error);
    if (status == MMN_OK)
        session->at_work = true;
    return status;
}

mmn_status mmn_session_leave(mmn_session *session, mmn_status status)
{
    session->at_work = false;
    return status;
}

void mmn_session_free(mmn_session *session)
{
    if (!session)
        return;
    mmn_session_keep_input(session, NULL);
    mmn_kept_stages_free(&session->kept);
    mmn_probes_free(&session->probes);
    mmn_language_free(&session->language);
    mmn_compute_free_scratch(&session->compute);
    mmn_image_features_free(&session->images);
    mmn_stopping_free(&session->stopping);
    mmn_free(session->cached_ids);
    mmn_free(session->last);
    mmn_free(session->logits);
    mmn_free(session);
}

mmn_status mmn_session_add_probe(mmn_session *session, const mmn_probe *probe, mmn_error *error)
{
    if (MMN_MISSING(error, session, probe) || MMN_MISSING(error, probe->stages))
        return MMN_USAGE;
    size_t length;
    const char *unknown = mmn_stage_pattern_unknown(probe->stages, &length);
    if (unknown)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "no stage is called \"%.*s\"",
                        (int)(length < 200 ? length : 200), unknown);
    mmn_status status = refuse_at_work(session, error);
    return status == MMN_OK ? mmn_probes_add(&session->probes, probe, error) : status;
}

mmn_status mmn_session_keep(mmn_session *session, const char *stages, mmn_error *error)
{
    if (MMN_MISSING(error, session, stages))
        return MMN_USAGE;
    if (session->keeps)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "the session keeps stages already; expected one list of them");
    const mmn_probe probe = mmn_kept_stages_probe(&session->kept, stages);
    mmn_status status = mmn_session_add_probe(session, &probe, error);
    session->keeps = status == MMN_OK;
    return status;
}

/* What is kept of the last prefill, if that has shown anything. */
static size_t kept_count(const mmn_session *session)
{
    return session && session->kept.input == session->input ? session->kept.count : 0;
}

const mmn_stage *mmn_session_stage_at(const mmn_session *session, size_t index)
{
    return index < kept_count(session) ? &session->kept.list[index] : NULL;
}

const mmn_stage *mmn_session_stage(const mmn_session *session, const char *name)
{
    for (size_t i = 0; name && i < kept_count(session); i++)
        if (strcmp(session->kept.list[i].name, name) == 0)
            return &session->kept.list[i];
    return NULL;
}

/* The folder's repetition penalty, as a sampler has it. */
static float own_penalty(const mmn_model *model)
{
    double penalty = model->rules.repetition_penalty;
    return penalty == 1 ? 0.0f : (float)penalty;
}

mmn_status mmn_session_set_sampling(mmn_session *session, const mmn_sampling *sampling,
                                    mmn_error *error)
{
    if (MMN_MISSING(error, session))
        return MMN_USAGE;
    mmn_status status = refuse_at_work(session, error);
    if (status == MMN_OK)
        status = mmn_sampler_set(&session->sampler, sampling, error);
    if (status == MMN_OK && (!sampling || sampling->repetition_penalty == 0))
        session->sampler.repetition_penalty = own_penalty(session->model);
    return status;
}

mmn_status mmn_session_set_beam_search(mmn_session *session, const mmn_beam_search *search,
                                       mmn_error *error)
{
    if (MMN_MISSING(error, session))
        return MMN_USAGE;
    mmn_status status = refuse_at_work(session, error);
    if (status == MMN_OK)
        session->beam_search = session->model->rules.beam_search;
    if (status != MMN_OK || !search || search->beams == 0)
        return status;
    status = mmn_beam_search_check(search, error);
    if (status == MMN_OK)
        session->beam_search = *search;
    return status;
}

mmn_status mmn_session_set_stop_strings(mmn_session *session, const char *const *strings,
                                        size_t count, mmn_error *error)
{
    if (MMN_MISSING(error, session) || mmn_text_is_missing(error, "string", count, strings))
        return MMN_USAGE;
    const mmn_generation_rules *rules = &session->model->rules;
    mmn_status status = refuse_at_work(session, error);
    if (status != MMN_OK)
        return status;
    if (count == 0)
        return mmn_stopping_set(&session->stopping, session->model->tokenizer,
                                (const char *const *)rules->stop_strings, rules->stop_count, error);
    return mmn_stopping_set(&session->stopping, session->model->tokenizer, strings, count, error);
}

size_t mmn_session_positions_reused(const mmn_session *session)
{
    return session ? session->positions_reused : 0;
}

int mmn_session_images_reused(const mmn_session *session)
{
    return session ? session->images_reused : 0;
}

mmn_status mmn_session_reserve_ids(mmn_session *session, size_t length, mmn_error *error)
{
    return mmn_reserve(&session->cached_ids, &session->cached_capacity, length,
                       sizeof(*session->cached_ids), error);
}

mmn_status mmn_session_show_copy(const mmn_session *session, const mmn_shown *shown, size_t bytes,
                                 mmn_error *error)
{
    if (!mmn_probes_want(&session->probes, shown->pattern, -1))
        return MMN_OK;
    mmn_shown copy = *shown;
    copy.data = mmn_allocate(bytes, 1, error);
    if (!copy.data)
        return MMN_SYSTEM;
    memcpy(copy.data, shown->data, bytes);
    mmn_status status = mmn_probes_show(&session->probes, &copy, error);
    mmn_free(copy.data);
    return status;
}

/* Ends the run if something that was made of the part's rows from `first` on is not finite. */
static mmn_status check_finite(const mmn_session_part *part, size_t first, const char *pattern,
                               mmn_error *error)
{
    mmn_finite_watch *watch = part->session->compute.watch;
    char where[48];
    if (!mmn_finite_found(watch))
        return MMN_OK;
    snprintf(where, sizeof(where), "position %zu",
             mmn_sequences_position(&part->sequences, first + watch->row));
    return mmn_finite_fail(watch, pattern, -1, where, error);
}

size_t mmn_session_bytes(const mmn_model *model, size_t positions, size_t tokens)
{
    const mmn_language_config *config = &model->config.language;
    size_t layers = tokens > 0 ? config->layers : 1;
    size_t keys = 2 * layers * mmn_language_key_width(config);
    size_t row = 6 * (size_t)config->hidden_size + 2 * (size_t)config->intermediate_size;
    size_t cached = tokens > 0 ? tokens + MMN_LANGUAGE_CACHE_STEP : 0;
    return (keys + row) * sizeof(float) * (positions + cached);
}

/* Shows what enters the language model. */
static mmn_status show_embeddings(const mmn_session_part *part, float *hidden, mmn_error *error)
{
    size_t width = part->session->model->config.language.hidden_size;
    mmn_watch_values(&part->session->compute, hidden, part->sequences.rows, width);
    mmn_status status = check_finite(part, 0, "language.embeddings", error);
    return status == MMN_OK ? mmn_sequences_show(&part->sequences, &part->session->probes,
                                                 "language.embeddings", -1, hidden, width, error)
                            : status;
}

/* Final norm and, where a probe wants them, logits of all of the part's rows, hidden [rows][width];
 * of the last one what generating needs. */
static mmn_status finish(const mmn_session_part *part, float *hidden, mmn_error *error)
{
    mmn_session *session = part->session;
    const mmn_model *model = session->model;
    const mmn_probes *probes = &session->probes;
    const mmn_sequences *sequences = &part->sequences;
    const mmn_language_config *config = &model->config.language;
    const mmn_language_weights *weights = &model->weights->language;
    size_t width = config->hidden_size, rows = sequences->rows;
    bool want_logits = mmn_probes_want(probes, "language.logits", -1);
    bool want_norm = mmn_probes_want(probes, "language.norm", -1) || want_logits;
    size_t first = want_norm ? 0 : rows - 1;
    float *normed = hidden + first * width;

    session->have_logits = false;
    mmn_language_norm(&session->compute, config, weights, normed, normed, rows - first);
    mmn_watch_values(&session->compute, normed, rows - first, width);
    mmn_status status = check_finite(part, first, "language.norm", error);
    if (status == MMN_OK && want_norm)
        status = mmn_sequences_show(sequences, probes, "language.norm", -1, normed, width, error);
    if (status != MMN_OK)
        return status;
    memcpy(session->last, hidden + (rows - 1) * width, width * sizeof(float));
    if (!want_logits)
        return MMN_OK;

    size_t vocabulary = config->vocab_size;
    float *logits = mmn_allocate(rows, vocabulary * sizeof(float), error);
    if (!logits)
        return MMN_SYSTEM;
    status = mmn_compute_reserve(&session->compute, rows, width, 0, error);
    if (status == MMN_OK) {
        mmn_language_logits(&session->compute, weights, logits, normed, rows);
        status = mmn_interrupt_check(session->compute.interrupt, error);
        if (status == MMN_OK)
            status = check_finite(part, 0, "language.logits", error);
    }
    if (status == MMN_OK) {
        status = mmn_sequences_show(sequences, probes, "language.logits", -1, logits, vocabulary,
                                    error);
        memcpy(session->logits, logits + (rows - 1) * vocabulary, vocabulary * sizeof(float));
        session->have_logits = true;
    }
    mmn_free(logits);
    return status;
}

/* All decoder layers where something depends on the last one's output, else as many as are seen. */
static uint32_t layers_needed(const mmn_session *session)
{
    uint32_t layers = session->model->config.language.layers;
    if (session->language.keep_cache || mmn_probes_want(&session->probes, "language.norm", -1) ||
        mmn_probes_want(&session->probes, "language.logits", -1))
        return layers;
    return mmn_probes_layers(&session->probes, "language.layers.", layers);
}

mmn_status mmn_session_run_language(const mmn_session_part *parts, size_t count, float *hidden,
                                    mmn_error *error)
{
    mmn_session *first = parts->session;
    const mmn_model *model = first->model;
    const mmn_language_config *config = &model->config.language;
    uint32_t layers = 0;
    mmn_language_part *run = mmn_allocate(count, sizeof(*run), error);
    mmn_status status = run ? MMN_OK : MMN_SYSTEM;
    for (size_t i = 0; i < count && status == MMN_OK; i++) {
        const mmn_session_part *part = &parts[i];
        uint32_t needed = layers_needed(part->session);
        layers = needed > layers ? needed : layers;
        run[i] = (mmn_language_part){.probes = &part->session->probes,
                                     .state = &part->session->language,
                                     .sequences = &part->sequences,
                                     .first_row = part->first_row,
                                     .first_layer = part->first_layer};
        if (part->first_layer == 0)
            status = show_embeddings(part, hidden + part->first_row * config->hidden_size, error);
    }
    if (status == MMN_OK)
        status = mmn_language_run(&first->compute, config, &model->weights->language, run, count,
                                  hidden, layers, error);
    for (size_t i = 0; i < count && status == MMN_OK && layers == config->layers; i++)
        status = finish(&parts[i], hidden + parts[i].first_row * config->hidden_size, error);
    mmn_free(run);
    return status;
}
