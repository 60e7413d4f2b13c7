/* What a prefill has to run: what somebody wants of it, but for what was made before. */
#include "pass/prefill_needs.h"

#include "pass/positions.h"

/* ---- What is wanted -------------------------------------------------------------------------- */

bool mmn_prefill_needs_language(const mmn_session *session)
{
    return !session->prompt_only || session->loss ||
           mmn_probes_want_any(&session->probes, "language.",
                               session->model->config.language.layers);
}

/* What the stages between vision tower and language model begin with. */
static const char *const between[] = {"qformer.", "query.", "projector."};
enum { BETWEEN = sizeof between / sizeof between[0] };

bool mmn_prefill_needs_projector(const mmn_session *session)
{
    bool needed = mmn_prefill_needs_language(session);
    for (size_t i = 0; i < BETWEEN && !needed; i++)
        needed = mmn_probes_want_any(&session->probes, between[i],
                                     session->model->config.qformer.layers);
    return needed;
}

bool mmn_prefill_needs_vision(const mmn_session *session)
{
    return mmn_prefill_needs_projector(session) ||
           mmn_probes_want_any(&session->probes, "vision.", session->model->config.vision.layers);
}

/* ---- What was made before -------------------------------------------------------------------- */

bool mmn_prefill_has_features(const mmn_image_features *images, const mmn_input *input)
{
    return images->input && mmn_inputs_share_features(images->input, input);
}

size_t mmn_prefill_cached_beginning(const mmn_session *session, const mmn_input *input)
{
    const mmn_config *config = &session->model->config;
    size_t limit = input->length - 1, same = 0;
    size_t constant = mmn_rotary_constant_length(&config->language);
    if (session->prompt_only || session->loss || mmn_probes_write(&session->probes) ||
        !mmn_probes_allow_reuse(&session->probes, "language.", config->language.layers) ||
        input->length > constant || session->language.length > constant)
        return 0;
    if (limit > session->language.length)
        limit = session->language.length;
    bool same_images = session->cached_images && input->image_count > 0 &&
                       mmn_prefill_has_features(&session->images, input);
    while (same < limit && session->cached_ids[same] == input->ids[same] &&
           (same_images || input->ids[same] != input->image_token))
        same++;
    return same;
}

static bool tower_is_reusable(const mmn_session *session)
{
    return mmn_probes_allow_reuse(&session->probes, "vision.",
                                  session->model->config.vision.layers);
}

bool mmn_prefill_reuses_images(const mmn_session *session)
{
    bool reusable = tower_is_reusable(session);
    for (size_t i = 0; i < BETWEEN && reusable; i++)
        reusable = mmn_probes_allow_reuse(&session->probes, between[i],
                                          session->model->config.qformer.layers);
    return reusable;
}

const mmn_image_features *mmn_prefill_find_features(const mmn_session *session,
                                                    const mmn_session *plain,
                                                    const mmn_input *input)
{
    const mmn_image_features *const kept[2] = {&session->images, &plain->images};
    if (input->image_count == 0 || !tower_is_reusable(session))
        return NULL;
    for (size_t i = 0; i < 2; i++)
        if (mmn_prefill_has_features(kept[i], input))
            return kept[i];
    for (size_t i = 0; i < 2; i++)
        if (kept[i]->input && mmn_inputs_share_images(kept[i]->input, input))
            return kept[i];
    return NULL;
}
