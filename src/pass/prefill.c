/* Prefill: images and positions of inputs through the model, except what has been made before: an
 * input in one session or in several side by side, or several inputs in one. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "pass/positions.h"
#include "pass/prefill_needs.h"
#include "pass/reverse_images.h"
#include "pass/session.h"
#include "pass/vision.h"

/* A prefill at work. Either it has one session or one input. */
typedef struct prefilling {
    mmn_session *const *sessions;
    size_t session_count;
    const mmn_input *const *inputs;
    size_t input_count;
    const mmn_session *plain;  /* whose images' features others may take over */
    const mmn_input **sharing; /* [input_count]: those that have the same images, for a while */
    bool *done;      /* [input_count]: whether the images have been run, in the session at work */
    mmn_batch batch; /* a sequence for each input in each session that runs the language model */
    float *gradient; /* [rows][hidden_size], by embeddings, where the session has a loss */
    size_t rows;     /* of the batch, those that are placed */
    const mmn_session *trunk;    /* whose sequence is the batch's first... */
    const float *trunk_features; /* ...and what that has of the images */
} prefilling;

static mmn_status show_input(const mmn_session *session, const mmn_input *input, mmn_error *error)
{
    const mmn_pixel_values *pixels = &input->pixels;
    size_t images = input->image_count;
    const size_t pixel_count = pixels->tiles * 3 * pixels->height * pixels->width;
    const struct {
        bool there;
        size_t bytes;
        mmn_shown shown;
    } stages[] = {
        {true,
         input->length * sizeof(*input->ids),
         {"input_ids", -1, input->ids, {input->length}, 0, input}},
        {input->qformer_length > 0,
         input->qformer_length * sizeof(*input->qformer_ids),
         {"qformer_input_ids", -1, input->qformer_ids, {input->qformer_length}, 0, input}},
        {images > 0,
         pixel_count * sizeof(float),
         {"pixel_values",
          -1,
          pixels->values,
          {pixels->tiles, 3, pixels->height, pixels->width},
          0,
          input}},
        {images > 0,
         images * sizeof(*input->image_sizes),
         {"image_sizes", -1, input->image_sizes, {images, 2}, 0, input}},
    };
    for (size_t i = 0; i < MMN_LENGTH(stages); i++)
        if (stages[i].there)
            MMN_TRY(mmn_session_show_copy(session, &stages[i].shown, stages[i].bytes, error));
    return MMN_OK;
}

/* ---- Positions ------------------------------------------------------------------------------- */

/* Makes the session ready, and gives it a sequence for each input if it runs the language model. */
static mmn_status begin_session(prefilling *p, mmn_session *session, mmn_error *error)
{
    const mmn_input *input = p->inputs[0];
    size_t first = mmn_prefill_cached_beginning(session, input);
    atomic_store_explicit(&session->interrupt.said, false, memory_order_relaxed);
    mmn_interrupt_tell(&session->interrupt, 0, 0);
    session->prefilled = session->probes.generating = session->images_reused = false;
    session->pending = MMN_NO_TOKEN;
    session->generated = 0;
    session->positions_reused = session->language.length = first;
    mmn_session_keep_input(session, p->input_count == 1 ? input : NULL);
    if (!mmn_prefill_needs_language(session))
        return MMN_OK;
    if (p->batch.count == 0) {
        p->trunk = session;
        p->batch.compute = &session->compute;
        p->batch.memory = &session->memory;
    }
    for (size_t i = 0; i < p->input_count; i++)
        p->batch.list[p->batch.count++] =
            (mmn_sequence){.probes = &session->probes,
                           .input = p->inputs[i],
                           .span = session->prompt_only ? NULL : &session->language,
                           .to_come = mmn_session_to_come(session),
                           .rows = p->inputs[i]->length - first,
                           .ending = &session->ending};
    if (session->prompt_only)
        return MMN_OK;
    session->cached_images = input->image_count > 0;
    MMN_TRY(mmn_session_reserve_ids(session, input->length, error));
    memcpy(session->cached_ids + first, input->ids + first,
           (input->length - first) * sizeof(*input->ids));
    return MMN_OK;
}

/* The first layer in which the session may differ from the batch's first one. */
static uint32_t first_own_layer(const mmn_session *session, const mmn_session *trunk)
{
    uint32_t layer = 0, layers = session->model->config.language.layers;
    if (mmn_probes_write(&trunk->probes) || session->positions_reused != trunk->positions_reused ||
        session->prompt_only != trunk->prompt_only ||
        mmn_probes_want(&session->probes, "language.embeddings", -1))
        return 0;
    while (layer < layers && !mmn_probes_want_layer(&session->probes, "language.", (int)layer))
        layer++;
    return layer;
}

/* Token embeddings of a sequence's rows, with image features at the image positions in their
 * order. */
static void embed(const prefilling *p, const mmn_sequence *sequence, const float *features)
{
    const mmn_model *model = p->batch.model;
    const mmn_input *input = sequence->input;
    size_t first = mmn_sequence_position(sequence), width = model->config.language.hidden_size;
    float *hidden = p->batch.hidden + sequence->first_row * width;
    mmn_language_embed(p->batch.compute, model, hidden, input->ids + first, sequence->rows);
    for (size_t position = 0; position < input->length && input->image_count > 0; position++) {
        if (input->ids[position] != input->image_token)
            continue;
        if (position >= first)
            memcpy(hidden + (position - first) * width, features, width * sizeof(float));
        features += width;
    }
}

/* Gives the session's sequence of input number `i`, if it has any, its embeddings, or lets it wait
 * for what the batch's first sequence makes in lower layers. */
static void place(prefilling *p, const mmn_session *session, mmn_sequence *sequences, size_t i,
                  const float *features)
{
    if (!sequences)
        return;
    mmn_sequence *sequence = &sequences[i];
    if (sequence == p->batch.list)
        p->trunk_features = features;
    else if (p->session_count > 1 && features == p->trunk_features)
        sequence->first_layer = first_own_layer(session, p->trunk);
    if (sequence->first_layer > 0)
        return;
    if (p->input_count == 1) {
        sequence->first_row = p->rows;
        p->rows += sequence->rows;
    }
    embed(p, sequence, features);
}

static int compare_first_layers(const void *a, const void *b)
{
    const mmn_sequence *first = a, *second = b;
    return first->first_layer != second->first_layer
               ? (first->first_layer > second->first_layer ? 1 : -1)
               : (first->first_row > second->first_row) - (first->first_row < second->first_row);
}

/* Sequences that begin in higher layers come behind the others. */
static void order_sequences(prefilling *p)
{
    mmn_batch *batch = &p->batch;
    if (p->session_count == 1)
        return;
    qsort(batch->list, batch->count, sizeof(*batch->list), compare_first_layers);
    for (size_t i = 0; i < batch->count; i++)
        if (batch->list[i].first_layer > 0) {
            batch->list[i].first_row = p->rows;
            p->rows += batch->list[i].rows;
        }
}

/* ---- Images ---------------------------------------------------------------------------------- */

/* Lists in p->sharing, and makes the inputs of the session's probes, input number `first` and those
 * after it that are not done and have the same images; with `features`, also the same
 * instruction. */
static void gather(prefilling *p, mmn_session *session, size_t first, bool features)
{
    const mmn_input *input = p->inputs[first];
    size_t sharing = 0;
    for (size_t i = first; i < p->input_count; i++)
        if (!p->done[i] && (features ? mmn_inputs_share_features(input, p->inputs[i])
                                     : mmn_inputs_share_images(input, p->inputs[i])))
            p->sharing[sharing++] = p->inputs[i];
    session->probes.inputs = p->sharing;
    session->probes.input_count = sharing;
}

/* Makes what enters the language model of the tower's part, and keeps it where the session may take
 * it over later. */
static mmn_status project(mmn_session *session, const mmn_input *input,
                          const mmn_image_features *kept, mmn_error *error)
{
    const mmn_model *model = session->model;
    bool has_qformer = model->config.family->connector == MMN_CONNECTOR_QFORMER;
    float *merged = NULL;
    mmn_status status = MMN_OK;
    if (mmn_prefill_needs_projector(session))
        status = (has_qformer ? mmn_qformer_run : mmn_projector_run)(
            &session->compute, &model->config, model->weights, &session->probes, input, kept->tower,
            &merged, error);
    float *tower = kept == &session->images ? session->images.tower : NULL;
    if (tower)
        session->images.tower = NULL;
    mmn_session_forget_images(session);
    session->images = (mmn_image_features){.tower = tower, .merged = merged};
    if (status == MMN_OK && tower && mmn_prefill_reuses_images(session))
        session->images.input = mmn_input_retain(input);
    return status;
}

/* Gives input number `first` and those that have the same features what enters the language model.
 * `kept` is what there is of its images; NULL: nothing, and nobody needs it. */
static mmn_status use_features(prefilling *p, mmn_session *session, mmn_sequence *sequences,
                               size_t first, const mmn_image_features *kept, mmn_error *error)
{
    const mmn_input *input = p->inputs[first];
    const float *features = NULL;
    gather(p, session, first, true);
    if (kept && kept->merged && mmn_prefill_has_features(kept, input) &&
        mmn_prefill_reuses_images(session)) {
        session->images_reused = true;
        if (kept != &session->images)
            mmn_session_forget_images(session);
        features = kept->merged;
    } else if (kept && mmn_prefill_needs_vision(session)) {
        MMN_TRY(project(session, input, kept, error));
        features = session->images.merged;
    }
    for (size_t i = first, k = 0; k < session->probes.input_count; i++)
        if (p->inputs[i] == p->sharing[k]) {
            place(p, session, sequences, i, features);
            p->done[i] = true;
            k++;
        }
    return MMN_OK;
}

/* Runs the images of input number `first` for it and all after it that have the same, as far as
 * somebody needs them and nothing is kept of them. */
static mmn_status run_images(prefilling *p, mmn_session *session, mmn_sequence *sequences,
                             size_t first, mmn_error *error)
{
    const mmn_model *model = session->model;
    const mmn_input *input = p->inputs[first];
    const mmn_image_features *kept = mmn_prefill_find_features(session, p->plain, input);
    gather(p, session, first, false);
    if (!kept && input->image_count > 0 && mmn_prefill_needs_vision(session)) {
        mmn_session_forget_images(session);
        MMN_TRY(mmn_vision_run(&session->compute, &model->config.vision, &model->weights->vision,
                               &session->probes, input->pixels.values, input->pixels.tiles,
                               &session->images.tower, error));
        kept = &session->images;
    }
    for (size_t i = first; i < p->input_count; i++)
        if (!p->done[i] && mmn_inputs_share_images(input, p->inputs[i]))
            MMN_TRY(use_features(p, session, sequences, i, kept, error));
    if (!session->images.input) {
        mmn_free(session->images.tower);
        session->images.tower = NULL;
    }
    return MMN_OK;
}

/* ---- Prefill --------------------------------------------------------------------------------- */

/* All but the language model in one session, whose sequences these are; NULL: it has none. */
static mmn_status run_session(prefilling *p, mmn_session *session, mmn_sequence *sequences,
                              mmn_error *error)
{
    memset(p->done, 0, p->input_count * sizeof(*p->done));
    for (size_t i = 0; i < p->input_count; i++)
        MMN_TRY(show_input(session, p->inputs[i], error));
    for (size_t i = 0; i < p->input_count; i++)
        if (!p->done[i])
            MMN_TRY(run_images(p, session, sequences, i, error));
    return MMN_OK;
}

/* All but the language model, in all sessions: the batch that enters it. */
static mmn_status make_batch(prefilling *p, mmn_error *error)
{
    mmn_batch *batch = &p->batch;
    size_t rows = 0, taken = 0;
    for (size_t i = 0; i < p->session_count; i++)
        MMN_TRY(begin_session(p, p->sessions[i], error));
    if (p->input_count > 1)
        mmn_batch_share(batch->list, batch->count);
    for (size_t i = 0; i < batch->count; i++)
        rows += batch->list[i].rows;
    batch->hidden =
        mmn_allocate(rows, batch->model->config.language.hidden_size * sizeof(float), error);
    MMN_NEED(batch->hidden);
    for (size_t i = 0; i < p->session_count; i++) {
        bool language = mmn_prefill_needs_language(p->sessions[i]);
        MMN_TRY(run_session(p, p->sessions[i], language ? batch->list + taken : NULL, error));
        taken += language ? p->input_count : 0;
    }
    order_sequences(p);
    return MMN_OK;
}

static mmn_status run_alone(mmn_session *session, const mmn_input *input, mmn_error *error)
{
    const mmn_model *model = session->model;
    if (model->config.query_size > 0)
        return mmn_detector_run(&session->compute, model, &session->memory, &session->detector,
                                &session->probes, input, error);
    return mmn_judge_run(&session->compute, &model->config.judge, &model->weights->judge,
                         &session->judge, &session->probes, input, error);
}

/* A judge or a detector reads each input by itself, in each session. */
static mmn_status run_each(mmn_session *session, const mmn_input *const *inputs, size_t input_count,
                           mmn_error *error)
{
    atomic_store_explicit(&session->interrupt.said, false, memory_order_relaxed);
    mmn_session_keep_input(session, input_count == 1 ? inputs[0] : NULL);
    for (size_t i = 0; i < input_count; i++) {
        session->probes.inputs = &inputs[i];
        session->probes.input_count = 1;
        mmn_status status = show_input(session, inputs[i], error);
        if (status == MMN_OK)
            status = run_alone(session, inputs[i], error);
        session->probes.inputs = NULL;
        session->probes.input_count = 0;
        MMN_TRY(status);
    }
    session->prefilled = true;
    return MMN_OK;
}

static mmn_status run_each_in_all(mmn_session *const *sessions, size_t session_count,
                                  const mmn_input *const *inputs, size_t input_count,
                                  mmn_error *error)
{
    for (size_t i = 0; i < session_count; i++)
        MMN_TRY(run_each(sessions[i], inputs, input_count, error));
    return MMN_OK;
}

/* From the embeddings at image positions to the images. */
static mmn_status reverse_images(prefilling *p, mmn_session *session, mmn_error *error)
{
    const mmn_input *input = p->inputs[0];
    size_t width = session->model->config.language.hidden_size, count = 0;
    for (size_t position = 0; position < input->length; position++)
        if (input->ids[position] == input->image_token)
            memmove(p->gradient + count++ * width, p->gradient + position * width,
                    width * sizeof(float));
    session->probes.inputs = p->inputs;
    session->probes.input_count = 1;
    return mmn_images_reverse(&session->compute, session->model, &session->probes, input,
                              p->gradient, error);
}

/* The language model, and in a session that has a loss the way back through it. */
static mmn_status run_language(prefilling *p, mmn_error *error)
{
    mmn_session *session = p->sessions[0];
    mmn_batch *batch = &p->batch;
    const mmn_language_config *config = &batch->model->config.language;
    if (batch->count == 0)
        return MMN_OK;
    if (!session->loss)
        return mmn_language_run(batch, error);
    size_t states = config->layers + (size_t)1, width = config->hidden_size * sizeof(float);
    MMN_NEED(batch->states = mmn_allocate(p->inputs[0]->length, states * width, error));
    MMN_TRY(mmn_language_run(batch, error));
    MMN_NEED(p->gradient = mmn_allocate(batch->rows, width, error));
    MMN_TRY(mmn_language_reverse(batch, &session->reverse, session->loss, p->gradient,
                                 &session->loss_value, error));
    return p->inputs[0]->image_count > 0 ? reverse_images(p, session, error) : MMN_OK;
}

static mmn_status prefill(mmn_session *const *sessions, size_t session_count,
                          const mmn_input *const *inputs, size_t input_count,
                          const mmn_session *plain, mmn_error *error)
{
    prefilling p = {.sessions = sessions,
                    .session_count = session_count,
                    .inputs = inputs,
                    .input_count = input_count,
                    .plain = plain ? plain : sessions[0],
                    .batch = {.model = sessions[0]->model}};
    mmn_status status = MMN_SYSTEM;
    if (!mmn_model_has_language(sessions[0]->model))
        return run_each_in_all(sessions, session_count, inputs, input_count, error);
    if ((p.sharing = mmn_allocate(input_count, sizeof(*p.sharing), error)) &&
        (p.done = mmn_allocate(input_count, sizeof(*p.done), error)) &&
        (p.batch.list = mmn_allocate(session_count * input_count, sizeof(*p.batch.list), error)))
        status = make_batch(&p, error);
    if (status == MMN_OK)
        status = run_language(&p, error);
    for (size_t i = 0; i < session_count; i++) {
        mmn_session *session = sessions[i];
        if (!session->images.input)
            mmn_session_forget_images(session);
        session->probes.inputs = NULL;
        session->probes.input_count = 0;
        session->prefilled = status == MMN_OK;
    }
    mmn_free(p.sharing);
    mmn_free(p.done);
    mmn_free(p.batch.list);
    mmn_free(p.batch.hidden);
    mmn_free(p.batch.states);
    mmn_free(p.gradient);
    return status;
}

mmn_status mmn_sessions_prefill(mmn_session *const *sessions, size_t count,
                                const mmn_session *plain, const mmn_input *input, mmn_error *error)
{
    return prefill(sessions, count, &input, 1, plain, error);
}

mmn_status mmn_session_prefill(mmn_session *session, const mmn_input *input, mmn_error *error)
{
    MMN_GIVEN(error, session, input);
    MMN_TRY(mmn_input_check_model(input, session->model, error));
    MMN_TRY(mmn_session_enter(session, error));
    return mmn_session_leave(session, prefill(&session, 1, &input, 1, NULL, error));
}

mmn_status mmn_session_reverse(mmn_session *session, const mmn_input *input, const mmn_loss *loss,
                               double *value, mmn_error *error)
{
    MMN_TRY(mmn_input_check_model(input, session->model, error));
    MMN_TRY(mmn_model_check_language(session->model, error));
    MMN_TRY(mmn_session_enter(session, error));
    session->loss = loss;
    mmn_status status = prefill(&session, 1, &input, 1, NULL, error);
    session->loss = NULL;
    if (value)
        *value = status == MMN_OK ? session->loss_value : 0;
    return mmn_session_leave(session, status);
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
    size_t together = can_share(session, inputs, count) ? count : 1;
    for (size_t i = 0; i < count; i += together)
        MMN_TRY(prefill(&session, 1, inputs + i, together, NULL, error));
    return MMN_OK;
}

mmn_status mmn_session_prefill_many(mmn_session *session, const mmn_input *const *inputs,
                                    size_t count, mmn_error *error)
{
    MMN_GIVEN(error, session);
    if (!session->prompt_only)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "several inputs together are for a session for prompts only");
    if (session->keeps)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "a session that keeps stages runs one input at a time");
    if (count > MMN_MAXIMUM_POSITIONS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "%zu inputs are too many; at most %d", count,
                        MMN_MAXIMUM_POSITIONS);
    for (size_t i = 0; i < count; i++) {
        MMN_GIVEN(error, inputs);
        MMN_GIVEN(error, inputs[i]);
        MMN_TRY(mmn_input_check_model(inputs[i], session->model, error));
    }
    MMN_TRY(mmn_session_enter(session, error));
    return mmn_session_leave(session, prefill_many(session, inputs, count, error));
}
