/* Sessions: their life, and what is asked of them between prefills. */
#include "pass/session.h"

#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/stages.h"
#include "pass/beam_search.h"

/* Generates as the folder asks, until the caller says otherwise. */
static mmn_status use_own_rules(mmn_session *session, mmn_error *error)
{
    MMN_TRY(mmn_session_set_sampling(session, NULL, error));
    MMN_TRY(mmn_session_set_beam_search(session, NULL, error));
    return session->model->tokenizer ? mmn_session_set_stop_strings(session, NULL, 0, error)
                                     : MMN_OK;
}

mmn_status mmn_session_create(mmn_session **created, const mmn_model *model,
                              const mmn_session_options *options, mmn_error *error)
{
    MMN_CLEAR(created);
    MMN_GIVEN(error, created, model);
    mmn_session_options own;
    MMN_TRY(mmn_take_options(&own, sizeof(own), offsetof(mmn_session_options, max_new_tokens),
                             options, error));
    const mmn_language_config *config = &model->config.language;
    mmn_session *session = mmn_allocate(1, sizeof(*session), error);
    MMN_NEED(session);
    session->model = model;
    session->compute = model->compute;
    session->interrupt =
        (mmn_interrupt){.asked = model->interrupt.asked, .context = model->interrupt.context};
    session->compute.interrupt = session->probes.interrupt = &session->interrupt;
    session->prompt_only = own.prompt_only != 0;
    session->max_new_tokens = own.max_new_tokens;
    session->pending = MMN_NO_TOKEN;
    session->ending.last = mmn_allocate(config->hidden_size, sizeof(float), error);
    session->ending.logits = mmn_allocate(config->vocab_size, sizeof(float), error);
    mmn_status status = session->ending.last && session->ending.logits
                            ? mmn_compute_reserve(&session->compute, 1, 0, 0, 0, error)
                            : MMN_SYSTEM;
    if (status == MMN_OK && !session->prompt_only)
        status = use_own_rules(session, error);
    if (status != MMN_OK) {
        mmn_session_free(session);
        return status;
    }
    *created = session;
    return MMN_OK;
}

/* Beams have spans of their own. */
size_t mmn_session_to_come(const mmn_session *session)
{
    if (!session->prefilled)
        return session->beam_search.beams < 2 ? session->max_new_tokens : 0;
    return session->generated < session->max_new_tokens
               ? session->max_new_tokens - session->generated
               : SIZE_MAX;
}

void mmn_session_keep_input(mmn_session *session, const mmn_input *input)
{
    const mmn_input *former = session->input;
    session->input = input ? mmn_input_retain(input) : NULL;
    mmn_input_release(former);
}

void mmn_session_forget_images(mmn_session *session)
{
    mmn_free(session->images.tower);
    mmn_free(session->images.merged);
    mmn_input_release(session->images.input);
    session->images = (mmn_image_features){0};
}

mmn_status mmn_session_take_features(mmn_session *session, const mmn_input *input,
                                     const float *features, mmn_error *error)
{
    const size_t width = session->model->config.language.hidden_size * sizeof(float);
    mmn_session_forget_images(session);
    session->language.length = 0; /* its image positions have read other features */
    MMN_NEED(session->images.merged = mmn_allocate(input->image_positions, width, error));
    memcpy(session->images.merged, features, input->image_positions * width);
    session->images.input = mmn_input_retain(input);
    return MMN_OK;
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
    MMN_TRY(refuse_at_work(session, error));
    session->at_work = true;
    return MMN_OK;
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
    mmn_span_free(&session->language);
    mmn_row_memory_free(&session->memory);
    mmn_reverse_memory_free(&session->reverse);
    mmn_compute_free_scratch(&session->compute);
    mmn_session_forget_images(session);
    mmn_stopping_free(&session->stopping);
    mmn_judge_state_free(&session->judge);
    mmn_detector_state_free(&session->detector);
    mmn_free(session->cached_ids);
    mmn_free(session->ending.last);
    mmn_free(session->ending.logits);
    mmn_free(session);
}

mmn_status mmn_session_add_probe(mmn_session *session, const mmn_probe *probe, mmn_error *error)
{
    MMN_GIVEN(error, session, probe);
    MMN_GIVEN(error, probe->stages);
    size_t length;
    const char *unknown = mmn_stage_pattern_unknown(probe->stages, &length);
    if (unknown)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "no stage is called \"%.*s\"",
                        (int)(length < 200 ? length : 200), unknown);
    MMN_TRY(refuse_at_work(session, error));
    return mmn_probes_add(&session->probes, probe, error);
}

mmn_status mmn_session_keep(mmn_session *session, const char *stages, mmn_error *error)
{
    MMN_GIVEN(error, session, stages);
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

mmn_status mmn_session_set_sampling(mmn_session *session, const mmn_sampling *sampling,
                                    mmn_error *error)
{
    MMN_GIVEN(error, session);
    MMN_TRY(refuse_at_work(session, error));
    MMN_TRY(mmn_sampler_set(&session->sampler, sampling, error));
    const double penalty = session->model->rules.repetition_penalty;
    if (!sampling || sampling->repetition_penalty == 0)
        session->sampler.repetition_penalty = penalty == 1 ? 0.0f : (float)penalty;
    return MMN_OK;
}

mmn_status mmn_session_set_beam_search(mmn_session *session, const mmn_beam_search *search,
                                       mmn_error *error)
{
    MMN_GIVEN(error, session);
    MMN_TRY(refuse_at_work(session, error));
    session->beam_search = session->model->rules.beam_search;
    if (!search || search->beams == 0)
        return MMN_OK;
    MMN_TRY(mmn_beam_search_check(search, error));
    session->beam_search = *search;
    return MMN_OK;
}

mmn_status mmn_session_set_stop_strings(mmn_session *session, const char *const *strings,
                                        size_t count, mmn_error *error)
{
    MMN_GIVEN(error, session);
    MMN_GIVEN_TEXTS(error, "string", count, strings);
    const mmn_generation_rules *rules = &session->model->rules;
    MMN_TRY(refuse_at_work(session, error));
    if (count == 0) {
        strings = (const char *const *)rules->stop_strings;
        count = rules->stop_count;
    }
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
    return MMN_RESERVE(session->cached_ids, session->cached_capacity, length, error);
}

mmn_status mmn_session_show_copy(const mmn_session *session, const mmn_shown *shown, size_t bytes,
                                 mmn_error *error)
{
    if (!mmn_probes_want(&session->probes, shown->pattern, -1))
        return MMN_OK;
    mmn_shown copy = *shown;
    MMN_NEED(copy.data = mmn_allocate(bytes, 1, error));
    memcpy(copy.data, shown->data, bytes);
    mmn_status status = mmn_probes_show(&session->probes, &copy, error);
    mmn_free(copy.data);
    return status;
}

size_t mmn_session_bytes(const mmn_model *model, size_t positions, size_t tokens)
{
    const mmn_language_config *config = &model->config.language;
    size_t layers = tokens > 0 ? config->layers : 1;
    size_t keys = 2 * layers * mmn_language_key_width(config);
    size_t row = 6 * (size_t)config->hidden_size + 2 * (size_t)config->intermediate_size;
    return (keys + row) * sizeof(float) * (positions + tokens);
}
