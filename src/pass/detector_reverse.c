/* The reverse of a detector's heads. What the forward pass computes in binary64 has its
 * derivatives in binary64, too, in the order that doc/numerics.md states. */
#include "pass/detector_reverse.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"

/* As in the forward pass: what is added to lengths. */
#define LENGTH_GUARD 1e-6

/* ---- Made again ------------------------------------------------------------------------------ */

static const mmn_vision_layer_weights *last_layer(const mmn_detector_end *end)
{
    return &end->model->weights->vision.layers[end->model->config.vision.layers - 1];
}

/* The most numbers that a row of a matrix product has. */
static size_t widest(const mmn_config *config)
{
    return mmn_larger(mmn_larger(config->vision.hidden_size, config->vision.intermediate_size),
                      config->query_size);
}

static mmn_status allocate(mmn_detector_end *end, mmn_error *error)
{
    const size_t width = end->width * sizeof(float);
    float **const arrays[] = {&end->products, &end->slopes[0], &end->slopes[1]};
    MMN_NEED(end->out = mmn_allocate(end->positions, width, error));
    MMN_NEED(end->tokens = mmn_allocate(end->positions, width, error));
    for (size_t i = 0; i < MMN_LENGTH(arrays); i++)
        MMN_NEED(*arrays[i] = mmn_allocate(end->patches, width, error));
    MMN_NEED(end->lengths = mmn_allocate(end->patches, sizeof(double), error));
    return MMN_OK;
}

/* The layer, the norm behind it, and patches times the class token. */
static mmn_status make_tokens(mmn_detector_end *end, mmn_error *error)
{
    const mmn_vision_config *config = &end->model->config.vision;
    const mmn_vision_layer_weights *layer = last_layer(end);
    mmn_compute *compute = end->compute;
    mmn_vision_layer_memory *made = &end->layer;
    const size_t width = end->width, inner = end->positions * config->intermediate_size;
    MMN_TRY(mmn_vision_layer_memory_make(made, compute, config, 1, error));
    MMN_TRY(mmn_compute_reserve(compute, end->positions, widest(&end->model->config),
                                end->positions, config->head_dim, error));
    mmn_vision_layer_make_again(compute, config, layer, end->embedding, made);
    memcpy(made->of_inner, made->inner, inner * sizeof(float));
    mmn_activate(compute, config->activation, made->of_inner, inner);
    mmn_apply_linear(compute, end->out, made->of_inner, end->positions, &layer->fc2);
    mmn_accumulate(compute, end->out, made->state, end->positions * width);
    mmn_activation_slope(compute, config->activation, made->inner, inner);
    mmn_layer_norm(compute, end->tokens, end->out, &end->model->weights->vision.post_norm,
                   end->positions, width, config->layer_norm_eps);
    memcpy(end->products, end->tokens + width, end->patches * width * sizeof(float));
    for (size_t patch = 0; patch < end->patches; patch++)
        mmn_multiply(compute, end->products + patch * width, end->tokens, width);
    return mmn_interrupt_check(compute->interrupt, error);
}

/* The slopes in the box head, and the lengths of classes. `room` is for three arrays of patches. */
static mmn_status make_heads(mmn_detector_end *end, float *room, mmn_error *error)
{
    const mmn_config *config = &end->model->config;
    const mmn_detector_weights *weights = &end->model->weights->detector;
    const size_t values = end->patches * end->width, size = config->query_size;
    float *features = room, *active = room + values;
    mmn_layer_norm(end->compute, features, end->products, &weights->norm, end->patches, end->width,
                   config->vision.layer_norm_eps);
    mmn_apply_linear(end->compute, end->slopes[0], features, end->patches, &weights->box[0]);
    memcpy(active, end->slopes[0], values * sizeof(float));
    mmn_activate(end->compute, MMN_ACTIVATION_GELU, active, values);
    mmn_apply_linear(end->compute, end->slopes[1], active, end->patches, &weights->box[1]);
    for (size_t i = 0; i < 2; i++)
        mmn_activation_slope(end->compute, MMN_ACTIVATION_GELU, end->slopes[i], values);
    float *classes = mmn_allocate(end->patches, size * sizeof(float), error);
    MMN_NEED(classes);
    mmn_apply_linear(end->compute, classes, features, end->patches, &weights->class_embedding);
    for (size_t patch = 0; patch < end->patches; patch++) {
        const float *class = classes + patch * size;
        double squares = 0;
        for (size_t i = 0; i < size; i++)
            squares += (double)class[i] * (double)class[i];
        end->lengths[patch] = sqrt(squares);
    }
    mmn_free(classes);
    return mmn_interrupt_check(end->compute->interrupt, error);
}

mmn_status mmn_detector_end_make(mmn_detector_end *end, mmn_compute *compute,
                                 const mmn_model *model, const mmn_detector_state *state,
                                 const float *embedding, mmn_error *error)
{
    const mmn_vision_config *config = &model->config.vision;
    *end = (mmn_detector_end){.compute = compute,
                              .model = model,
                              .state = state,
                              .embedding = embedding,
                              .positions = config->positions,
                              .patches = config->patches,
                              .width = config->hidden_size};
    MMN_TRY(allocate(end, error));
    MMN_TRY(make_tokens(end, error));
    float *room = mmn_allocate(2 * end->patches, end->width * sizeof(float), error);
    const mmn_status status = room ? make_heads(end, room, error) : MMN_SYSTEM;
    mmn_free(room);
    return status;
}

void mmn_detector_end_free(mmn_detector_end *end)
{
    mmn_vision_layer_memory_free(&end->layer);
    mmn_free(end->out);
    mmn_free(end->tokens);
    mmn_free(end->products);
    mmn_free(end->slopes[0]);
    mmn_free(end->slopes[1]);
    mmn_free(end->lengths);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

mmn_status mmn_box_rows_make(mmn_box_rows *rows, const mmn_detector_end *end, size_t count,
                             bool coordinates, mmn_error *error)
{
    const mmn_config *config = &end->model->config;
    const size_t most = count * (coordinates ? 1 + MMN_BOX_SIDES : 1);
    const size_t width = end->width * sizeof(float), seeds = config->query_size + 2;
    rows->coordinates = coordinates;
    MMN_NEED(rows->of_features = mmn_allocate(most, width, error));
    MMN_NEED(rows->room = mmn_allocate(most, width, error));
    MMN_NEED(rows->of_out = mmn_allocate(2 * most, width, error));
    MMN_NEED(rows->of_tokens = mmn_allocate(2 * most, width, error));
    MMN_NEED(rows->gathered = mmn_allocate(2 * most, width, error));
    MMN_NEED(rows->seeds =
                 mmn_allocate(most, mmn_larger(seeds, MMN_BOX_SIDES) * sizeof(float), error));
    return mmn_compute_reserve(end->compute, 2 * most, widest(config), 0, 0, error);
}

void mmn_box_rows_free(mmn_box_rows *rows)
{
    mmn_free(rows->of_features);
    mmn_free(rows->room);
    mmn_free(rows->of_out);
    mmn_free(rows->of_tokens);
    mmn_free(rows->gathered);
    mmn_free(rows->seeds);
}

size_t mmn_box_rows_patch(const mmn_box_rows *rows, size_t row)
{
    return rows->first + (row < rows->count ? row : (row - rows->count) / MMN_BOX_SIDES);
}

void mmn_box_rows_gather(const mmn_detector_end *end, mmn_box_rows *rows, const float *from)
{
    const size_t width = end->width;
    for (size_t row = 0; row < rows->rows; row++) {
        float *to = rows->gathered + 2 * row * width;
        memcpy(to, from, width * sizeof(float));
        memcpy(to + width, from + (1 + mmn_box_rows_patch(rows, row)) * width,
               width * sizeof(float));
    }
}

/* ---- The heads ------------------------------------------------------------------------------- */

/* What a patch's logit gives to its class [query_size], which was divided by length and guard, to
 * the shift, and to the scale, elu(x) + 1, before these. `length` is the query's, with guard. */
static void seed_logit(const mmn_detector_end *end, size_t patch, const float *query, double length,
                       float *of_class, float *of_shift, float *of_scale)
{
    const size_t size = end->model->config.query_size;
    const float *class = end->state->classes + patch * size;
    const double scale = (double)end->state->scale[patch], own = end->lengths[patch];
    double cosine = 0;
    for (size_t i = 0; i < size; i++)
        cosine += (double)class[i] * ((double)query[i] / length);
    for (size_t i = 0; i < size; i++) {
        const double across = (double)query[i] / length / (own + LENGTH_GUARD);
        const double along = own > 0 ? (double)class[i] * cosine / own : 0;
        of_class[i] = (float)((across - along) * scale);
    }
    *of_shift = (float)scale;
    *of_scale = (float)((cosine + (double)end->state->shift[patch]) * (scale > 1.0 ? 1.0 : scale));
}

/* The rows of logits. */
static void reverse_logits(const mmn_detector_end *end, mmn_box_rows *rows, const float *query)
{
    const mmn_detector_weights *weights = &end->model->weights->detector;
    const size_t size = end->model->config.query_size, values = rows->count * end->width;
    float *of_shift = rows->seeds + rows->count * size, *of_scale = of_shift + rows->count;
    double squares = 0;
    for (size_t i = 0; i < size; i++)
        squares += (double)query[i] * (double)query[i];
    for (size_t i = 0; i < rows->count; i++)
        seed_logit(end, rows->first + i, query, sqrt(squares) + LENGTH_GUARD,
                   rows->seeds + i * size, &of_shift[i], &of_scale[i]);
    mmn_apply_transposed(end->compute, rows->of_features, rows->seeds, rows->count,
                         &weights->class_embedding.weight);
    mmn_apply_transposed(end->compute, rows->room, of_shift, rows->count, &weights->shift.weight);
    mmn_accumulate(end->compute, rows->of_features, rows->room, values);
    mmn_apply_transposed(end->compute, rows->room, of_scale, rows->count, &weights->scale.weight);
    mmn_accumulate(end->compute, rows->of_features, rows->room, values);
}

/* Multiplies each row of coordinates by its patch's row of the slopes. */
static void multiply_slopes(const mmn_detector_end *end, const mmn_box_rows *rows, float *values,
                            const float *slopes)
{
    const size_t width = end->width;
    MMN_PARALLEL_FOR(end->compute->threads, static)
    for (size_t row = 0; row < rows->count * MMN_BOX_SIDES; row++)
        end->compute->kernels->multiply(values + row * width, values + row * width,
                                        slopes + (rows->first + row / MMN_BOX_SIDES) * width,
                                        width);
}

/* The rows of coordinates: a sigmoid's slope is b (1 - b). */
static void reverse_sides(const mmn_detector_end *end, mmn_box_rows *rows)
{
    const mmn_linear *box = end->model->weights->detector.box;
    const size_t count = rows->count * MMN_BOX_SIDES;
    const float *boxes = end->state->boxes + rows->first * MMN_BOX_SIDES;
    float *own = rows->of_features + rows->count * end->width;
    memset(rows->seeds, 0, count * MMN_BOX_SIDES * sizeof(float));
    for (size_t i = 0; i < count; i++)
        rows->seeds[i * MMN_BOX_SIDES + i % MMN_BOX_SIDES] =
            (float)((double)boxes[i] * (1.0 - (double)boxes[i]));
    mmn_apply_transposed(end->compute, own, rows->seeds, count, &box[2].weight);
    multiply_slopes(end, rows, own, end->slopes[1]);
    mmn_apply_transposed(end->compute, rows->room, own, count, &box[1].weight);
    multiply_slopes(end, rows, rows->room, end->slopes[0]);
    mmn_apply_transposed(end->compute, own, rows->room, count, &box[0].weight);
}

/* of_tokens: what the products' norm and the products give to both of their tokens. */
static void reverse_products(const mmn_detector_end *end, mmn_box_rows *rows)
{
    const mmn_kernels *kernels = end->compute->kernels;
    const size_t width = end->width;
    for (size_t row = 0; row < rows->rows; row++)
        memcpy(rows->gathered + row * width, end->products + mmn_box_rows_patch(rows, row) * width,
               width * sizeof(float));
    mmn_layer_norm_reverse(end->compute, rows->room, rows->of_features, rows->gathered,
                           &end->model->weights->detector.norm, rows->rows, width,
                           end->model->config.vision.layer_norm_eps);
    for (size_t row = 0; row < rows->rows; row++) {
        const float *token = end->tokens + (1 + mmn_box_rows_patch(rows, row)) * width;
        float *to = rows->of_tokens + 2 * row * width, *of_product = rows->room + row * width;
        kernels->multiply(to, of_product, token, width);
        kernels->multiply(to + width, of_product, end->tokens, width);
    }
}

void mmn_detector_reverse_heads(const mmn_detector_end *end, mmn_box_rows *rows, const float *query,
                                size_t first, size_t count)
{
    rows->first = first;
    rows->count = count;
    rows->rows = count * (rows->coordinates ? 1 + MMN_BOX_SIDES : 1);
    reverse_logits(end, rows, query);
    if (rows->coordinates)
        reverse_sides(end, rows);
    reverse_products(end, rows);
    mmn_box_rows_gather(end, rows, end->out);
    mmn_layer_norm_reverse(end->compute, rows->of_out, rows->of_tokens, rows->gathered,
                           &end->model->weights->vision.post_norm, 2 * rows->rows, end->width,
                           end->model->config.vision.layer_norm_eps);
}

/* ---- Two queries ----------------------------------------------------------------------------- */

/* sums [positions][width] += sign times the rows of all logits' gradients. */
static void add_rows(const mmn_detector_end *end, const mmn_box_rows *rows, double sign,
                     double *sums)
{
    for (size_t row = 0; row < rows->rows; row++) {
        const float *of_class = rows->of_out + 2 * row * end->width, *own = of_class + end->width;
        double *to = sums + (1 + mmn_box_rows_patch(rows, row)) * end->width;
        for (size_t i = 0; i < end->width; i++) {
            sums[i] += sign * (double)of_class[i];
            to[i] += sign * (double)own[i];
        }
    }
}

static mmn_status reverse_difference(mmn_detector_end *end, mmn_box_rows *rows, const float *more,
                                     const float *less, float *gradient, mmn_error *error)
{
    const mmn_config *config = &end->model->config;
    const size_t values = end->positions * end->width;
    MMN_TRY(mmn_box_rows_make(rows, end, end->patches, false, error));
    double *sums = mmn_allocate(values, sizeof(*sums), error);
    MMN_NEED(sums);
    mmn_detector_reverse_heads(end, rows, more, 0, end->patches);
    add_rows(end, rows, 1, sums);
    mmn_detector_reverse_heads(end, rows, less, 0, end->patches);
    add_rows(end, rows, -1, sums);
    for (size_t i = 0; i < values; i++)
        gradient[i] = (float)sums[i];
    mmn_free(sums);
    return mmn_vision_layer_reverse(end->compute, &config->vision, &end->model->weights->vision,
                                    config->vision.layers - 1, end->embedding, gradient,
                                    &end->layer, error);
}

mmn_status mmn_detector_reverse_difference(mmn_compute *compute, const mmn_model *model,
                                           const mmn_detector_state *state, const float *embedding,
                                           const float *more, const float *less, float *gradient,
                                           mmn_error *error)
{
    mmn_detector_end end = {0};
    mmn_box_rows rows = {0};
    mmn_status status = mmn_detector_end_make(&end, compute, model, state, embedding, error);
    if (status == MMN_OK)
        status = reverse_difference(&end, &rows, more, less, gradient, error);
    mmn_box_rows_free(&rows);
    mmn_detector_end_free(&end);
    return status;
}
