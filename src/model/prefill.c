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
    const mmn_shown ids = {
        .pattern = "input_ids", .layer = -1, .data = input->ids, .shape = {input->length}};
    const mmn_shown values = {.pattern = "pixel_values",
                              .layer = -1,
                              .data = pixels->values,
                              .shape = {pixels->tiles, 3, pixels->height, pixels->width}};
    const mmn_shown sizes = {
        .pattern = "image_sizes", .layer = -1, .data = input->image_sizes, .shape = {images, 2}};
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
           mmn_probes_allow_reuse(&session->probes, "language.",
                                  session->model->config.language.layers);
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
static void embed(const mmn_session *session, const mmn_input *input, size_t first, float *hidden)
{
    const mmn_model *model = session->model;
    size_t width = model->config.language.hidden_size;
    const float *feature = session->images.merged;
    mmn_language_embed(&session->compute, &model->weights->language, hidden, input->ids + first,
                       input->length - first);
    for (size_t position = 0; position < input->length && input->image_count > 0; position++) {
        if (input->ids[position] != input->image_token)
            continue;
        if (position >= first)
            memcpy(hidden + (position - first) * width, feature, width * sizeof(float));
        feature += width;
    }
}

/* The input's positions behind those that the cache holds. */
static mmn_status run_positions(mmn_session *session, const mmn_input *input, mmn_error *error)
{
    size_t first = session->positions_reused, rows = input->length - first;
    mmn_status status = mmn_session_reserve_ids(session, input->length, error);
    if (status != MMN_OK)
        return status;
    float *hidden = mmn_allocate(
        rows, session->model->config.language.hidden_size * sizeof(float), error);
    if (!hidden)
        return MMN_SYSTEM;
    memcpy(session->cached_ids + first, input->ids + first, rows * sizeof(*input->ids));
    session->cached_images = input->image_count > 0;
    embed(session, input, first, hidden);
    status = mmn_session_run_language(session, hidden, rows, error);
    mmn_free(hidden);
    return status;
}

mmn_status mmn_session_prefill(mmn_session *session, const mmn_input *input, mmn_error *error)
{
    session->prefilled = false;
    session->pending = MMN_NO_TOKEN;
    session->probes.input = input;
    session->probes.generating = false;
    session->positions_reused = cached_beginning(session, input);
    session->images_reused = input->image_count > 0 && images_are_reusable(session) &&
                             mmn_image_features_are_of(&session->images, input);
    mmn_language_cut(&session->language, session->positions_reused);

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
