/* Prefill: an input's images and positions through the model, except what an earlier one has made. */
#include <string.h>

#include "base/memory.h"
#include "model/projector.h"
#include "model/session.h"
#include "model/vision.h"

static mmn_status show_input(const mmn_session *session, const mmn_input *input, mmn_error *error)
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
    mmn_status status = mmn_session_show_copy(session, &ids,
                                              input->length * sizeof(*input->ids), error);
    if (status == MMN_OK && images > 0)
        status = mmn_session_show_copy(
            session, &values,
            pixels->tiles * 3 * pixels->height * pixels->width * sizeof(float), error);
    if (status == MMN_OK && images > 0)
        status = mmn_session_show_copy(session, &sizes, images * sizeof(*input->image_sizes),
                                       error);
    return status;
}

/* How far a prefill must go. Where nothing will be generated, what nobody wants to see does not
 * run. */
static bool needs_language(const mmn_session *session)
{
    return session->language.keep_cache ||
           mmn_probes_want_any(&session->probes, "language.",
                               session->model->config.language.layers);
}

static bool needs_projector(const mmn_session *session)
{
    return needs_language(session) || mmn_probes_want_any(&session->probes, "projector.", 0);
}

static bool needs_vision(const mmn_session *session)
{
    return needs_projector(session) ||
           mmn_probes_want_any(&session->probes, "vision.", session->model->config.vision.layers);
}

/* Vision tower and projector: *merged [*rows][hidden_size] enters the language model. */
static mmn_status compute_features(mmn_session *session, const mmn_input *input, float **merged,
                                   size_t *rows, mmn_error *error)
{
    const mmn_model *model = session->model;
    float *features = NULL;
    *merged = NULL;
    *rows = 0;
    mmn_status status = mmn_vision_run(&session->compute, &model->config.vision,
                                       &model->weights->vision, &session->probes,
                                       input->pixels.values, input->pixels.tiles, &features, error);
    if (status == MMN_OK && needs_projector(session))
        status = mmn_projector_run(&session->compute, &model->config, model->weights,
                                   &session->probes, input, features, merged, rows, error);
    mmn_free(features);
    return status;
}

static bool images_are_reusable(const mmn_session *session)
{
    const mmn_probes *probes = &session->probes;
    return session->language.keep_cache &&
           mmn_probes_allow_reuse(probes, "vision.", session->model->config.vision.layers) &&
           mmn_probes_allow_reuse(probes, "projector.", 0);
}

static bool positions_are_reusable(const mmn_session *session)
{
    return session->language.keep_cache &&
           !mmn_probes_write(&session->probes) &&
           mmn_probes_allow_reuse(&session->probes, "language.",
                                  session->model->config.language.layers);
}

mmn_status mmn_session_take_images(mmn_session *session, const mmn_session *from,
                                   const mmn_input *input, mmn_error *error)
{
    const mmn_image_features *features = &from->images;
    if (input->image_count == 0 || !images_are_reusable(session) ||
        !mmn_image_features_are_of(features, input))
        return MMN_OK;
    size_t width = session->model->config.language.hidden_size;
    float *merged = mmn_allocate(features->rows, width * sizeof(float), error);
    if (!merged)
        return MMN_SYSTEM;
    memcpy(merged, features->merged, features->rows * width * sizeof(float));
    mmn_image_features_free(&session->images);
    return mmn_image_features_keep(&session->images, input, merged, features->rows, error);
}

/* Leaves in session->images the features of the input's images, unless nobody needs them. */
static mmn_status run_images(mmn_session *session, const mmn_input *input, mmn_error *error)
{
    if (input->image_count == 0 || session->images_reused || !needs_vision(session))
        return MMN_OK;
    float *merged;
    size_t rows;
    mmn_image_features_free(&session->images);
    mmn_status status = compute_features(session, input, &merged, &rows, error);
    if (status != MMN_OK || !merged)
        return status;
    if (images_are_reusable(session))
        return mmn_image_features_keep(&session->images, input, merged, rows, error);
    session->images = (mmn_image_features){.merged = merged, .rows = rows};
    return MMN_OK;
}

/* How many positions at the beginning of the input the cache holds. The last one is not among them,
 * since its logits are wanted. */
static size_t cached_beginning(const mmn_session *session, const mmn_input *input)
{
    size_t limit = input->length - 1, same = 0;
    if (!positions_are_reusable(session))
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

/* hidden [length - first][hidden_size]: token embeddings from position `first` on, with image
 * features at the image positions in their order. */
static void embed(const mmn_session *session, const mmn_input *input, size_t first,
                  const float *features, float *hidden)
{
    const mmn_model *model = session->model;
    size_t width = model->config.language.hidden_size;
    mmn_language_embed(&session->compute, &model->weights->language, hidden, input->ids + first,
                       input->length - first);
    for (size_t position = 0; position < input->length && input->image_count > 0; position++) {
        if (input->ids[position] != input->image_token)
            continue;
        if (position >= first)
            memcpy(hidden + (position - first) * width, features, width * sizeof(float));
        features += width;
    }
}

/* The input's positions behind those that the cache holds. */
static mmn_status run_positions(mmn_session *session, const mmn_input *input, mmn_error *error)
{
    size_t first = session->positions_reused, rows = input->length - first;
    mmn_sequence alone;
    const mmn_sequences sequences = mmn_sequences_of_one(&alone, first, rows);
    mmn_status status = mmn_session_reserve_ids(session, input->length, error);
    if (status != MMN_OK)
        return status;
    float *hidden = mmn_allocate(
        rows, session->model->config.language.hidden_size * sizeof(float), error);
    if (!hidden)
        return MMN_SYSTEM;
    memcpy(session->cached_ids + first, input->ids + first, rows * sizeof(*input->ids));
    session->cached_images = input->image_count > 0;
    embed(session, input, first, session->images.merged, hidden);
    status = mmn_session_run_language(session, hidden, &sequences, error);
    mmn_free(hidden);
    return status;
}

/* Makes the session ready for a prefill that takes over `positions` positions of the cache. */
static void begin(mmn_session *session, size_t positions)
{
    session->prefilled = false;
    session->pending = MMN_NO_TOKEN;
    session->generated = 0;
    session->probes.generating = false;
    session->positions_reused = positions;
    mmn_language_cut(&session->language, positions);
}

mmn_status mmn_session_prefill(mmn_session *session, const mmn_input *input, mmn_error *error)
{
    begin(session, cached_beginning(session, input));
    session->images_reused = input->image_count > 0 && images_are_reusable(session) &&
                             mmn_image_features_are_of(&session->images, input);
    session->input = input;
    session->probes.inputs = &session->input;
    session->probes.input_count = 1;

    mmn_status status = show_input(session, input, error);
    if (status == MMN_OK)
        status = run_images(session, input, error);
    if (status == MMN_OK && needs_language(session))
        status = run_positions(session, input, error);
    if (!session->images.pixels.values)
        mmn_image_features_free(&session->images);
    session->prefilled = status == MMN_OK;
    return status;
}

/* ---- Several inputs together ----------------------------------------------------------------- */

/* Inputs of one prefill, and what is made of their images. */
typedef struct group {
    const mmn_input *const *inputs;
    size_t count;
    const mmn_input **sharing; /* [count]: those that have the same images, for a while */
    bool *done;                /* [count]: whether the images have been run */
    float **owned;             /* [count]: features of the images of an input, or NULL */
    const float **features;    /* [count]: the same, or those of an input with the same images */
} group;

/* Runs the images of input number `first` for it and all after it that have the same. */
static mmn_status run_shared_images(mmn_session *session, group *g, size_t first,
                                    mmn_error *error)
{
    size_t rows, sharing = 0;
    for (size_t i = first; i < g->count; i++)
        if (!g->done[i] && mmn_inputs_share_images(g->inputs[first], g->inputs[i]))
            g->sharing[sharing++] = g->inputs[i];
    session->probes.inputs = g->sharing;
    session->probes.input_count = sharing;
    mmn_status status =
        compute_features(session, g->inputs[first], &g->owned[first], &rows, error);
    for (size_t i = first, k = 0; i < g->count && k < sharing; i++)
        if (g->inputs[i] == g->sharing[k]) {
            g->features[i] = g->owned[first];
            g->done[i] = true;
            k++;
        }
    return status;
}

static mmn_status run_together(mmn_session *session, group *g, mmn_error *error)
{
    size_t width = session->model->config.language.hidden_size;
    mmn_sequences sequences = {0};
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < g->count && status == MMN_OK; i++)
        status = show_input(session, g->inputs[i], error);
    for (size_t i = 0; i < g->count && status == MMN_OK && needs_vision(session); i++)
        if (!g->done[i] && g->inputs[i]->image_count > 0)
            status = run_shared_images(session, g, i, error);
    if (status != MMN_OK || !needs_language(session))
        return status;

    float *hidden = NULL;
    status = mmn_sequences_plan(&sequences, g->inputs, g->count, error);
    if (status == MMN_OK && !(hidden = mmn_allocate(sequences.rows, width * sizeof(float), error)))
        status = MMN_SYSTEM;
    if (status == MMN_OK) {
        for (size_t i = 0; i < g->count; i++)
            embed(session, g->inputs[i], sequences.list[i].shared, g->features[i],
                  hidden + sequences.list[i].first_row * width);
        status = mmn_session_run_language(session, hidden, &sequences, error);
    }
    mmn_free(hidden);
    mmn_sequences_free(&sequences);
    return status;
}

static mmn_status prefill_in_turn(mmn_session *session, const mmn_input *const *inputs,
                                  size_t count, mmn_error *error)
{
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < count && status == MMN_OK; i++)
        status = mmn_session_prefill(session, inputs[i], error);
    return status;
}

mmn_status mmn_session_prefill_many(mmn_session *session, const mmn_input *const *inputs,
                                    size_t count, mmn_error *error)
{
    if (session->language.keep_cache)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "several inputs together are for a session for prompts only");
    if (count < 2 || mmn_probes_write(&session->probes))
        return prefill_in_turn(session, inputs, count, error);
    begin(session, 0);
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
