/* Detectors: from a picture's pixels and a query's tokens to boxes and the query's score in each.
 *
 * What follows the last matrix product of a box or of a score is computed in binary64, in the order
 * that doc/numerics.md states, and rounded once. */
#include "pass/detector.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "pass/language.h"
#include "pass/vision.h"

enum { SIDES = 4 };

/* What keeps lengths, and the logarithms of a box's usual place, from being none. */
#define LENGTH_GUARD 1e-6
#define PLACE_GUARD 1e-4f

/* The lengths of all arrays that a session keeps of a picture. */
static mmn_status allocate_state(mmn_detector_state *state, const mmn_config *config,
                                 mmn_error *error)
{
    const size_t patches = config->vision.patches;
    if (state->logits)
        return MMN_OK;
    MMN_NEED(state->boxes = mmn_allocate(patches, SIDES * sizeof(float), error));
    MMN_NEED(state->classes = mmn_allocate(patches, config->query_size * sizeof(float), error));
    MMN_NEED(state->shift = mmn_allocate(patches, sizeof(float), error));
    MMN_NEED(state->scale = mmn_allocate(patches, sizeof(float), error));
    MMN_NEED(state->logits = mmn_allocate(patches, sizeof(float), error));
    return MMN_OK;
}

static void forget_picture(mmn_detector_state *state)
{
    mmn_input_release(state->seen);
    state->seen = NULL;
}

void mmn_detector_state_free(mmn_detector_state *state)
{
    forget_picture(state);
    mmn_free(state->boxes);
    mmn_free(state->classes);
    mmn_free(state->shift);
    mmn_free(state->scale);
    mmn_free(state->logits);
    *state = (mmn_detector_state){0};
}

/* e^x */
static double exponential(double x)
{
    return mmn_power(0x1.5bf0a8b145769p+1, x);
}

static float sigmoid(double x)
{
    return (float)(1.0 / (1.0 + exponential(-x)));
}

float mmn_detector_score(float logit)
{
    return sigmoid((double)logit);
}

/* Divides a vector by its length, and by what is added to that. */
static void normalise(float *vector, size_t width, double guard)
{
    double squares = 0;
    for (size_t i = 0; i < width; i++)
        squares += (double)vector[i] * (double)vector[i];
    const double length = sqrt(squares) + guard;
    for (size_t i = 0; i < width; i++)
        vector[i] = (float)((double)vector[i] / length);
}

/* ---- The picture ----------------------------------------------------------------------------- */

/* ln(u + guard) - ln(1 - u + guard) for u = `count` / `grid`; sums, quotients and logarithms are
 * rounded to binary32, as they are where the models were made: at u = 1 it is seen. */
static float place(const mmn_kernels *kernels, uint32_t count, uint32_t grid)
{
    const float share = (float)count / (float)grid, left = -share + PLACE_GUARD;
    double logarithms[2] = {(double)(share + PLACE_GUARD), 1.0 + (double)left};
    kernels->log_f64(logarithms, logarithms, 2);
    return (float)logarithms[0] - (float)logarithms[1];
}

/* sigmoid(made + usual), where a patch's box is usually the patch, but for the centre, which is
 * then its corner. */
static void finish_boxes(const mmn_compute *compute, float *boxes, uint32_t grid)
{
    const float size = place(compute->kernels, 1, grid);
    for (uint32_t row = 0; row < grid; row++)
        for (uint32_t column = 0; column < grid; column++, boxes += SIDES) {
            const float usual[SIDES] = {place(compute->kernels, column + 1, grid),
                                        place(compute->kernels, row + 1, grid), size, size};
            for (size_t i = 0; i < SIDES; i++)
                boxes[i] = sigmoid((double)boxes[i] + (double)usual[i]);
        }
}

/* Patches times the class token, normalised: [patches][width] from tokens [1 + patches][width],
 * which change. */
static void merge(const mmn_compute *compute, const mmn_vision_config *config, const mmn_norm *norm,
                  float *features, float *tokens)
{
    const size_t width = config->hidden_size;
    float *patches = tokens + width;
    for (size_t patch = 0; patch < config->patches; patch++)
        mmn_multiply(compute, patches + patch * width, tokens, width);
    mmn_layer_norm(compute, features, patches, norm, config->patches, width,
                   config->layer_norm_eps);
    mmn_watch_values(compute, features, config->patches, width);
}

/* Boxes of features [patches][width]; `room` is for two such arrays. */
static mmn_status make_boxes(const mmn_compute *compute, const mmn_model *model,
                             mmn_detector_state *state, const mmn_probes *probes,
                             const float *features, float *room, mmn_error *error)
{
    const mmn_vision_config *config = &model->config.vision;
    const mmn_linear *layers = model->weights->detector.box;
    const size_t patches = config->patches, width = config->hidden_size;
    float *first = room, *second = room + patches * width;
    mmn_apply_activated(compute, first, features, patches, &layers[0], MMN_ACTIVATION_GELU);
    mmn_apply_activated(compute, second, first, patches, &layers[1], MMN_ACTIVATION_GELU);
    mmn_apply_linear(compute, state->boxes, second, patches, &layers[2]);
    finish_boxes(compute, state->boxes, config->grid);
    return mmn_show_rows(compute, probes, "detector.boxes", -1, state->boxes, patches, SIDES,
                         error);
}

/* What a query is compared with in each patch, and how its scores are moved and stretched there:
 * elu(scale) + 1 is e^scale below 0. */
static mmn_status make_classes(const mmn_compute *compute, const mmn_model *model,
                               mmn_detector_state *state, const mmn_probes *probes,
                               const float *features, mmn_error *error)
{
    const mmn_detector_weights *weights = &model->weights->detector;
    const size_t patches = model->config.vision.patches, size = model->config.query_size;
    const mmn_product products[] = {{state->classes, &weights->class_embedding, NULL},
                                    {state->shift, &weights->shift, NULL},
                                    {state->scale, &weights->scale, NULL}};
    mmn_apply_linears(compute, products, 3, features, patches);
    MMN_TRY(mmn_show_rows(compute, probes, "detector.classes", -1, state->classes, patches, size,
                          error));
    for (size_t patch = 0; patch < patches; patch++) {
        const double scale = (double)state->scale[patch];
        normalise(state->classes + patch * size, size, LENGTH_GUARD);
        state->scale[patch] = (float)(scale > 0 ? scale + 1.0 : exponential(scale));
    }
    return MMN_OK;
}

static mmn_status run_heads(mmn_compute *compute, const mmn_model *model, mmn_detector_state *state,
                            const mmn_probes *probes, float *tokens, float *room, mmn_error *error)
{
    const mmn_vision_config *config = &model->config.vision;
    const size_t patches = config->patches, width = config->hidden_size;
    float *features = room + 2 * patches * width;
    MMN_TRY(mmn_compute_reserve(compute, patches, width, 0, 0, error));
    merge(compute, config, &model->weights->detector.norm, features, tokens);
    MMN_TRY(
        mmn_show_rows(compute, probes, "detector.features", -1, features, patches, width, error));
    MMN_TRY(make_boxes(compute, model, state, probes, features, room, error));
    MMN_TRY(make_classes(compute, model, state, probes, features, error));
    return mmn_interrupt_check(compute->interrupt, error);
}

/* Whether what there is of the picture can be taken over. */
static bool has_seen(const mmn_detector_state *state, const mmn_model *model,
                     const mmn_probes *probes, const mmn_input *input)
{
    return state->seen && mmn_inputs_share_images(state->seen, input) &&
           !mmn_probes_want_any(probes, "vision.", model->config.vision.layers) &&
           !mmn_probes_want_any(probes, "detector.", 0);
}

static mmn_status see(mmn_compute *compute, const mmn_model *model, mmn_detector_state *state,
                      const mmn_probes *probes, const mmn_input *input, mmn_error *error)
{
    const mmn_vision_config *config = &model->config.vision;
    float *tokens = NULL;
    if (has_seen(state, model, probes, input))
        return MMN_OK;
    forget_picture(state);
    MMN_TRY(allocate_state(state, &model->config, error));
    float *room =
        mmn_allocate(3 * (size_t)config->patches, config->hidden_size * sizeof(float), error);
    mmn_status status = room ? mmn_vision_run(compute, config, &model->weights->vision, probes,
                                              input->pixels.values, input->pixels.tiles, &tokens,
                                              error)
                             : MMN_SYSTEM;
    if (status == MMN_OK)
        status = run_heads(compute, model, state, probes, tokens, room, error);
    if (status == MMN_OK)
        state->seen = mmn_input_retain(input);
    mmn_free(room);
    mmn_free(tokens);
    return status;
}

/* ---- The query ------------------------------------------------------------------------------- */

/* Where the text ends: at the first of the largest ids. */
static size_t end_of(const mmn_input *input)
{
    size_t end = 0;
    for (size_t i = 1; i < input->length; i++)
        if (input->ids[i] > input->ids[end])
            end = i;
    return end;
}

/* The query's embedding [query_size], of length 1. `hidden` is for the rows of the text. */
static mmn_status embed_query(mmn_compute *compute, const mmn_model *model, mmn_row_memory *memory,
                              const mmn_probes *probes, const mmn_input *input, float *query,
                              float *hidden, mmn_error *error)
{
    const size_t size = model->config.query_size;
    mmn_sequence sequence = {.probes = probes, .input = input, .rows = input->length};
    mmn_batch batch = {.model = model,
                       .compute = compute,
                       .memory = memory,
                       .list = &sequence,
                       .count = 1,
                       .hidden = hidden,
                       .all_rows = true};
    mmn_language_embed(compute, model, hidden, input->ids, input->length);
    MMN_TRY(mmn_language_run(&batch, error));
    mmn_apply_linear(compute, query, hidden + end_of(input) * model->config.language.hidden_size, 1,
                     &model->weights->detector.query);
    normalise(query, size, 0);
    mmn_watch_values(compute, query, 1, size);
    return mmn_show_rows(compute, probes, "detector.query", -1, query, 1, size, error);
}

/* (cosine of query and class + shift) * scale. */
static mmn_status score(const mmn_compute *compute, const mmn_model *model,
                        const mmn_detector_state *state, const mmn_probes *probes, float *query,
                        mmn_error *error)
{
    const size_t patches = model->config.vision.patches, size = model->config.query_size;
    normalise(query, size, LENGTH_GUARD);
    for (size_t patch = 0; patch < patches; patch++) {
        const float *class = state->classes + patch * size;
        double cosine = 0;
        for (size_t i = 0; i < size; i++)
            cosine += (double)class[i] * (double)query[i];
        state->logits[patch] =
            (float)((cosine + (double)state->shift[patch]) * (double)state->scale[patch]);
    }
    mmn_watch_values(compute, state->logits, patches, 1);
    return mmn_show_rows(compute, probes, "detector.logits", -1, state->logits, patches, 1, error);
}

mmn_status mmn_detector_run(mmn_compute *compute, const mmn_model *model, mmn_row_memory *memory,
                            mmn_detector_state *state, const mmn_probes *probes,
                            const mmn_input *input, mmn_error *error)
{
    const mmn_config *config = &model->config;
    if (input->image_count > 0)
        MMN_TRY(see(compute, model, state, probes, input, error));
    float *query = mmn_allocate(config->query_size, sizeof(*query), error);
    float *hidden =
        mmn_allocate(input->length, config->language.hidden_size * sizeof(*hidden), error);
    mmn_status status =
        query && hidden ? embed_query(compute, model, memory, probes, input, query, hidden, error)
                        : MMN_SYSTEM;
    if (status == MMN_OK && input->image_count > 0)
        status = score(compute, model, state, probes, query, error);
    mmn_free(query);
    mmn_free(hidden);
    return status;
}
