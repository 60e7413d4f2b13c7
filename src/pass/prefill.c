/* Prefill: an input's images and positions through the model, in one session or in several side by
 * side, except what has been made before. */
#include "pass/prefill.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "pass/positions.h"
#include "pass/projector.h"
#include "pass/qformer.h"
#include "pass/vision.h"

mmn_status mmn_session_show_input(const mmn_session *session, const mmn_input *input,
                                  mmn_error *error)
{
    const mmn_pixel_values *pixels = &input->pixels;
    size_t images = input->image_count;
    const mmn_shown ids = {.pattern = "input_ids",
                           .layer = -1,
                           .data = input->ids,
                           .shape = {input->length},
                           .input = input};
    const mmn_shown values = {.pattern = "pixel_values",
                              .layer = -1,
                              .data = pixels->values,
                              .shape = {pixels->tiles, 3, pixels->height, pixels->width},
                              .input = input};
    const mmn_shown sizes = {.pattern = "image_sizes",
                             .layer = -1,
                             .data = input->image_sizes,
                             .shape = {images, 2},
                             .input = input};
    const mmn_shown instruction = {.pattern = "qformer_input_ids",
                                   .layer = -1,
                                   .data = input->qformer_ids,
                                   .shape = {input->qformer_length},
                                   .input = input};
    mmn_status status = mmn_session_show_copy(session, &ids,
                                              input->length * sizeof(*input->ids), error);
    if (status == MMN_OK && input->qformer_length > 0)
        status = mmn_session_show_copy(session, &instruction,
                                       input->qformer_length * sizeof(*input->qformer_ids), error);
    if (status == MMN_OK && images > 0)
        status = mmn_session_show_copy(
            session, &values,
            pixels->tiles * 3 * pixels->height * pixels->width * sizeof(float), error);
    if (status == MMN_OK && images > 0)
        status = mmn_session_show_copy(session, &sizes, images * sizeof(*input->image_sizes),
                                       error);
    return status;
}

bool mmn_session_needs_language(const mmn_session *session)
{
    return session->language.keep_cache ||
           mmn_probes_want_any(&session->probes, "language.",
                               session->model->config.language.layers);
}

/* What the stages between vision tower and language model begin with. */
static const char *const between[] = {"qformer.", "query.", "projector."};
enum { BETWEEN = sizeof between / sizeof between[0] };

static bool needs_projector(const mmn_session *session)
{
    bool needed = mmn_session_needs_language(session);
    for (size_t i = 0; i < BETWEEN && !needed; i++)
        needed = mmn_probes_want_any(&session->probes, between[i],
                                     session->model->config.qformer.layers);
    return needed;
}

bool mmn_session_needs_vision(const mmn_session *session)
{
    return needs_projector(session) ||
           mmn_probes_want_any(&session->probes, "vision.", session->model->config.vision.layers);
}

void mmn_session_begin(mmn_session *session, size_t positions)
{
    atomic_store_explicit(&session->interrupt.said, false, memory_order_relaxed);
    session->prefilled = false;
    session->pending = MMN_NO_TOKEN;
    session->generated = 0;
    session->probes.generating = false;
    session->positions_reused = positions;
    mmn_language_cut(&session->language, positions);
}

void mmn_session_embed(const mmn_session *session, const mmn_input *input, size_t first,
                       const float *features, float *hidden)
{
    const mmn_model *model = session->model;
    size_t width = model->config.language.hidden_size;
    mmn_language_embed(&session->compute, &model->config.language, &model->weights->language,
                       hidden, input->ids + first, input->length - first);
    for (size_t position = 0; position < input->length && input->image_count > 0; position++) {
        if (input->ids[position] != input->image_token)
            continue;
        if (position >= first)
            memcpy(hidden + (position - first) * width, features, width * sizeof(float));
        features += width;
    }
}

/* ---- Images ---------------------------------------------------------------------------------- */

static bool tower_is_reusable(const mmn_session *session)
{
    return mmn_probes_allow_reuse(&session->probes, "vision.",
                                  session->model->config.vision.layers);
}

static bool images_are_reusable(const mmn_session *session)
{
    bool reusable = tower_is_reusable(session);
    for (size_t i = 0; i < BETWEEN && reusable; i++)
        reusable = mmn_probes_allow_reuse(&session->probes, between[i],
                                          session->model->config.qformer.layers);
    return reusable;
}

/* What is kept of the input's images: by the session itself or by `plain`, if anything is; rather
 * what was made with the same instruction than the tower's part alone. */
static const mmn_image_features *find_features(const mmn_session *session,
                                               const mmn_session *plain, const mmn_input *input)
{
    const mmn_image_features *const kept[2] = {&session->images, plain ? &plain->images : NULL};
    if (input->image_count == 0 || !tower_is_reusable(session))
        return NULL;
    for (size_t i = 0; i < 2; i++)
        if (kept[i] && mmn_image_features_are_of(kept[i], input))
            return kept[i];
    for (size_t i = 0; i < 2; i++)
        if (kept[i] && mmn_image_features_have_tower_of(kept[i], input))
            return kept[i];
    return NULL;
}

mmn_status mmn_session_run_tower(mmn_session *session, const mmn_input *input, float **tower,
                                 mmn_error *error)
{
    const mmn_model *model = session->model;
    return mmn_vision_run(&session->compute, &model->config.vision, &model->weights->vision,
                          &session->probes, input->pixels.values, input->pixels.tiles, tower,
                          error);
}

mmn_status mmn_session_project(mmn_session *session, const mmn_input *input, const float *tower,
                               float **merged, size_t *rows, mmn_error *error)
{
    const mmn_model *model = session->model;
    *merged = NULL;
    *rows = 0;
    if (!needs_projector(session))
        return MMN_OK;
    bool has_qformer = model->config.family->connector == MMN_CONNECTOR_QFORMER;
    return (has_qformer ? mmn_qformer_run : mmn_projector_run)(
        &session->compute, &model->config, model->weights, &session->probes, input, tower, merged,
        rows, error);
}

/* Makes what `kept` (may be NULL) does not have, and keeps it where the session may take it over
 * later. */
static mmn_status compute_features(mmn_session *session, const mmn_input *input,
                                   const mmn_image_features *kept, mmn_error *error)
{
    mmn_image_features made = {0};
    mmn_status status = MMN_OK;
    if (!kept)
        status = mmn_session_run_tower(session, input, &made.tower, error);
    if (status == MMN_OK)
        status = mmn_session_project(session, input, kept ? kept->tower : made.tower, &made.merged,
                                     &made.rows, error);
    if (kept == &session->images) {
        made.tower = session->images.tower;
        session->images.tower = NULL;
    }
    mmn_image_features_free(&session->images);
    session->images = made;
    if (status == MMN_OK && made.tower && images_are_reusable(session))
        return mmn_image_features_keep(&session->images, input, error);
    mmn_free(made.tower);
    session->images.tower = NULL;
    return status;
}

/* Gives *merged the features of the input's images, unless nobody needs them. */
static mmn_status run_images(const float **merged, mmn_session *session, const mmn_session *plain,
                             const mmn_input *input, mmn_error *error)
{
    const mmn_image_features *kept = find_features(session, plain, input);
    *merged = NULL;
    session->images_reused = kept && kept->merged && mmn_image_features_are_of(kept, input) &&
                             images_are_reusable(session);
    if (session->images_reused) {
        if (kept != &session->images)
            mmn_image_features_free(&session->images);
        *merged = kept->merged;
        return MMN_OK;
    }
    if (input->image_count == 0 || !mmn_session_needs_vision(session))
        return MMN_OK;
    mmn_status status = compute_features(session, input, kept, error);
    *merged = session->images.merged;
    return status;
}

/* ---- Positions ------------------------------------------------------------------------------- */

static bool positions_are_reusable(const mmn_session *session)
{
    return session->language.keep_cache &&
           !mmn_probes_write(&session->probes) &&
           mmn_probes_allow_reuse(&session->probes, "language.",
                                  session->model->config.language.layers);
}

/* How many positions at the beginning of the input the cache holds. The last one is not among them,
 * since its logits are wanted. */
static size_t cached_beginning(const mmn_session *session, const mmn_input *input)
{
    size_t limit = input->length - 1, same = 0;
    size_t constant = mmn_rotary_constant_length(&session->model->config.language);
    if (!positions_are_reusable(session) || input->length > constant ||
        session->language.length > constant)
        return 0;
    if (limit > session->language.length)
        limit = session->language.length;
    bool same_images = session->cached_images && input->image_count > 0 &&
                       mmn_image_features_are_of(&session->images, input);
    while (same < limit && session->cached_ids[same] == input->ids[same] &&
           (same_images || input->ids[same] != input->image_token))
        same++;
    return same;
}

/* One of the sessions that prefill side by side. */
typedef struct prefilling {
    mmn_session *session;
    const float *merged; /* features of the input's images */
    uint32_t first_layer; /* from which on the session has rows of its own */
} prefilling;

/* The first layer in which the session may differ from `trunk`, which prefills the same input. */
static uint32_t first_own_layer(const prefilling *own, const prefilling *trunk)
{
    const mmn_session *session = own->session;
    uint32_t layer = 0, layers = session->model->config.language.layers;
    if (mmn_probes_write(&trunk->session->probes) || own->merged != trunk->merged ||
        session->positions_reused != trunk->session->positions_reused ||
        session->language.keep_cache != trunk->session->language.keep_cache ||
        mmn_probes_want(&session->probes, "language.embeddings", -1))
        return 0;
    while (layer < layers && !mmn_probes_want_layer(&session->probes, "language.", (int)layer))
        layer++;
    return layer;
}

static int compare_first_layers(const void *a, const void *b)
{
    const prefilling *first = a, *second = b;
    return (first->first_layer > second->first_layer) - (first->first_layer < second->first_layer);
}

/* The input's positions behind those that the cache holds. */
static mmn_status begin_part(mmn_session_part *part, const prefilling *own, const mmn_input *input,
                             size_t first_row, mmn_error *error)
{
    mmn_session *session = own->session;
    size_t first = session->positions_reused, rows = input->length - first;
    *part = (mmn_session_part){
        .session = session, .first_row = first_row, .first_layer = own->first_layer};
    part->sequences = mmn_sequences_of_one(&part->alone, first, rows);
    mmn_status status = mmn_session_reserve_ids(session, input->length, error);
    if (status == MMN_OK)
        memcpy(session->cached_ids + first, input->ids + first, rows * sizeof(*input->ids));
    session->cached_images = input->image_count > 0;
    return status;
}

/* The positions in all sessions, `list` [count], of which the first is the trunk. */
static mmn_status run_positions(prefilling *list, size_t count, const mmn_input *input,
                                mmn_error *error)
{
    size_t width = list->session->model->config.language.hidden_size, rows = 0;
    for (size_t i = 1; i < count; i++)
        list[i].first_layer = first_own_layer(&list[i], list);
    qsort(list + 1, count - 1, sizeof(*list), compare_first_layers);
    for (size_t i = 0; i < count; i++)
        rows += input->length - list[i].session->positions_reused;

    mmn_session_part *parts = mmn_allocate(count, sizeof(*parts), error);
    float *hidden = mmn_allocate(rows, width * sizeof(float), error);
    mmn_status status = parts && hidden ? MMN_OK : MMN_SYSTEM;
    rows = 0;
    for (size_t i = 0; i < count && status == MMN_OK; i++) {
        const mmn_session *session = list[i].session;
        status = begin_part(&parts[i], &list[i], input, rows, error);
        if (status == MMN_OK && list[i].first_layer == 0)
            mmn_session_embed(session, input, session->positions_reused, list[i].merged,
                              hidden + rows * width);
        rows += parts[i].sequences.rows;
    }
    if (status == MMN_OK)
        status = mmn_session_run_language(parts, count, hidden, error);
    mmn_free(hidden);
    mmn_free(parts);
    return status;
}

/* ---- Prefill --------------------------------------------------------------------------------- */

static mmn_status prefill(prefilling *list, mmn_session *const *sessions, size_t count,
                          const mmn_session *plain, const mmn_input *input, mmn_error *error)
{
    size_t running = 0;
    for (size_t i = 0; i < count; i++) {
        mmn_session *session = sessions[i];
        prefilling *own = &list[running];
        *own = (prefilling){.session = session};
        mmn_session_begin(session, cached_beginning(session, input));
        mmn_session_keep_input(session, input);
        session->probes.inputs = &session->input;
        session->probes.input_count = 1;
        mmn_status status = mmn_session_show_input(session, input, error);
        if (status == MMN_OK)
            status = run_images(&own->merged, session, plain ? plain : sessions[0], input, error);
        if (status != MMN_OK)
            return status;
        running += mmn_session_needs_language(session);
    }
    return running > 0 ? run_positions(list, running, input, error) : MMN_OK;
}

mmn_status mmn_sessions_prefill(mmn_session *const *sessions, size_t count,
                                const mmn_session *plain, const mmn_input *input,
                                mmn_error *error)
{
    prefilling *list = mmn_allocate(count, sizeof(*list), error);
    mmn_status status = list ? prefill(list, sessions, count, plain, input, error) : MMN_SYSTEM;
    mmn_free(list);
    for (size_t i = 0; i < count; i++) {
        if (!sessions[i]->images.pixels.values)
            mmn_image_features_free(&sessions[i]->images);
        sessions[i]->prefilled = status == MMN_OK;
    }
    return status;
}

mmn_status mmn_session_prefill(mmn_session *session, const mmn_input *input, mmn_error *error)
{
    if (MMN_MISSING(error, session, input))
        return MMN_USAGE;
    mmn_status status = mmn_input_check_model(input, session->model, error);
    if (status == MMN_OK)
        status = mmn_session_enter(session, error);
    if (status != MMN_OK)
        return status;
    return mmn_session_leave(session, mmn_sessions_prefill(&session, 1, NULL, input, error));
}
