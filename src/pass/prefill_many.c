/* Prefilling several inputs together in one session, for what its probes see. */
#include "pass/prefill.h"

#include "base/error.h"
#include "base/memory.h"
#include "pass/positions.h"

/* Inputs of one prefill, and what is made of their images. */
typedef struct group {
    const mmn_input *const *inputs;
    size_t count;
    const mmn_input **sharing; /* [count]: those that have the same images, for a while */
    bool *done;                /* [count]: whether the images have been run */
    float **owned;             /* [count]: features of the images of an input, or NULL */
    const float **features;    /* [count]: the same, or those of an input with the same images */
} group;

/* Lists in g->sharing, and makes the inputs of the session's probes, input number `first` and those
 * after it that are not done and have the same images; with `features`, also the same instruction. */
static void gather(mmn_session *session, group *g, size_t first, bool features)
{
    size_t sharing = 0;
    for (size_t i = first; i < g->count; i++)
        if (!g->done[i] && (features ? mmn_inputs_share_features(g->inputs[first], g->inputs[i])
                                     : mmn_inputs_share_images(g->inputs[first], g->inputs[i])))
            g->sharing[sharing++] = g->inputs[i];
    session->probes.inputs = g->sharing;
    session->probes.input_count = sharing;
}

/* Gives input number `first` and those that share its features what enters the language model. */
static mmn_status project_shared(mmn_session *session, group *g, size_t first, const float *tower,
                                 mmn_error *error)
{
    size_t rows;
    gather(session, g, first, true);
    mmn_status status = mmn_session_project(session, g->inputs[first], tower, &g->owned[first],
                                            &rows, error);
    for (size_t i = first, k = 0; i < g->count && k < session->probes.input_count; i++)
        if (g->inputs[i] == g->sharing[k]) {
            g->features[i] = g->owned[first];
            g->done[i] = true;
            k++;
        }
    return status;
}

/* Runs the images of input number `first` for it and all after it that have the same. */
static mmn_status run_shared_images(mmn_session *session, group *g, size_t first,
                                    mmn_error *error)
{
    float *tower = NULL;
    gather(session, g, first, false);
    mmn_status status = mmn_session_run_tower(session, g->inputs[first], &tower, error);
    for (size_t i = first; i < g->count && status == MMN_OK; i++)
        if (!g->done[i] && mmn_inputs_share_images(g->inputs[first], g->inputs[i]))
            status = project_shared(session, g, i, tower, error);
    mmn_free(tower);
    return status;
}

static mmn_status run_together(mmn_session *session, group *g, mmn_error *error)
{
    size_t width = session->model->config.language.hidden_size;
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < g->count && status == MMN_OK; i++)
        status = mmn_session_show_input(session, g->inputs[i], error);
    for (size_t i = 0; i < g->count && status == MMN_OK && mmn_session_needs_vision(session); i++)
        if (!g->done[i] && g->inputs[i]->image_count > 0)
            status = run_shared_images(session, g, i, error);
    if (status != MMN_OK || !mmn_session_needs_language(session))
        return status;

    mmn_session_part part = {.session = session};
    float *hidden = NULL;
    status = mmn_sequences_plan(&part.sequences, g->inputs, g->count, error);
    if (status == MMN_OK &&
        !(hidden = mmn_allocate(part.sequences.rows, width * sizeof(float), error)))
        status = MMN_SYSTEM;
    if (status == MMN_OK) {
        for (size_t i = 0; i < g->count; i++) {
            const mmn_sequence *sequence = &part.sequences.list[i];
            mmn_session_embed(session, g->inputs[i], sequence->shared, g->features[i],
                              hidden + sequence->first_row * width);
        }
        status = mmn_session_run_language(&part, 1, hidden, error);
    }
    mmn_free(hidden);
    mmn_sequences_free(&part.sequences);
    return status;
}

static mmn_status prefill_in_turn(mmn_session *session, const mmn_input *const *inputs,
                                  size_t count, mmn_error *error)
{
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < count && status == MMN_OK; i++)
        status = mmn_sessions_prefill(&session, 1, NULL, inputs[i], error);
    return status;
}

/* Whether the inputs' beginnings give the same bits in each of them. */
static bool can_share(const mmn_session *session, const mmn_input *const *inputs, size_t count)
{
    size_t constant = mmn_rotary_constant_length(&session->model->config.language);
    for (size_t i = 0; i < count; i++)
        if (inputs[i]->length > constant)
            return false;
    return !mmn_probes_write(&session->probes);
}

static mmn_status prefill_many(mmn_session *session, const mmn_input *const *inputs, size_t count,
                               mmn_error *error)
{
    if (count < 2 || !can_share(session, inputs, count))
        return prefill_in_turn(session, inputs, count, error);
    mmn_session_begin(session, 0);
    session->images_reused = false;
    group g = {.inputs = inputs, .count = count};
    mmn_status status = MMN_SYSTEM;
    if ((g.sharing = mmn_allocate(count, sizeof(*g.sharing), error)) &&
        (g.done = mmn_allocate(count, sizeof(*g.done), error)) &&
        (g.owned = mmn_allocate(count, sizeof(*g.owned), error)) &&
        (g.features = mmn_allocate(count, sizeof(*g.features), error)))
        status = run_together(session, &g, error);
    session->probes.inputs = NULL;
    session->probes.input_count = 0;
    session->prefilled = status == MMN_OK;
    for (size_t i = 0; i < count && g.owned; i++)
        mmn_free(g.owned[i]);
    mmn_free(g.sharing);
    mmn_free(g.done);
    mmn_free(g.owned);
    mmn_free(g.features);
    return status;
}

mmn_status mmn_session_prefill_many(mmn_session *session, const mmn_input *const *inputs,
                                    size_t count, mmn_error *error)
{
    if (MMN_MISSING(error, session))
        return MMN_USAGE;
    if (session->language.keep_cache)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "several inputs together are for a session for prompts only");
    if (session->keeps)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "a session that keeps stages runs one input at a time");
    if (count > MMN_MAXIMUM_POSITIONS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "%zu inputs are too many; at most %d", count,
                        MMN_MAXIMUM_POSITIONS);
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < count && status == MMN_OK; i++)
        status = MMN_MISSING(error, inputs) || MMN_MISSING(error, inputs[i])
                     ? MMN_USAGE
                     : mmn_input_check_model(inputs[i], session->model, error);
    if (status == MMN_OK)
        status = mmn_session_enter(session, error);
    if (status != MMN_OK)
        return status;
    return mmn_session_leave(session, prefill_many(session, inputs, count, error));
}
