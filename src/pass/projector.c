/* The projector: vision features to language features, and LLaVA-NeXT's merge of the tiles. */
#include "pass/projector.h"

#include <string.h>

#include "base/memory.h"
#include "pass/vision.h"

/* Shows a stage, if all that was made since the one before it is finite. */
static mmn_status show(const mmn_compute *compute, const mmn_probes *probes, const char *pattern,
                       float *data, size_t rows, size_t width, mmn_error *error)
{
    mmn_status status = mmn_finite_check(compute->watch, pattern, -1, error);
    if (status != MMN_OK)
        return status;
    const mmn_shown shown = {
        .pattern = pattern, .layer = -1, .data = data, .shape = {rows, width}};
    return mmn_probes_show(probes, &shown, error);
}

/* linear_2(act(linear_1(features))) for `rows` features. */
static mmn_status project(mmn_compute *compute, const mmn_projector_config *config,
                          const mmn_projector_weights *weights, const mmn_probes *probes,
                          const float *features, size_t rows, float **projected,
                          mmn_error *error)
{
    size_t inner = weights->linear_1.weight.rows, width = weights->linear_2.weight.rows;
    size_t depth = weights->linear_1.weight.columns;
    float *activations = mmn_allocate(rows, inner * sizeof(float), error);
    *projected = mmn_allocate(rows, width * sizeof(float), error);
    mmn_status status = activations && *projected ? MMN_OK : MMN_SYSTEM;
    if (status == MMN_OK)
        status = mmn_compute_reserve(compute, rows, depth > inner ? depth : inner, 0, error);
    if (status != MMN_OK)
        goto done;

    mmn_apply_linear(compute, activations, features, rows, &weights->linear_1);
    mmn_activate(compute, config->activation, activations, rows * inner);
    status = show(compute, probes, "projector.act", activations, rows, inner, error);
    if (status != MMN_OK)
        goto done;
    mmn_apply_linear(compute, *projected, activations, rows, &weights->linear_2);
    status = show(compute, probes, "projector.out", *projected, rows, width, error);
done:
    mmn_free(activations);
    return status;
}

/* Packs one image: tile 0's features, then those of the map that the other tiles form, without
 * the rows and columns that are padding, each row followed by image_newline. Returns the place
 * after what it wrote. */
static float *merge_anyres(float *to, const float *projected, const float *newline,
                           const mmn_anyres_features *anyres, size_t width)
{
    size_t tile_features = anyres->base_height * anyres->base_width;
    memcpy(to, projected, tile_features * width * sizeof(float));
    to += tile_features * width;

    for (size_t y = anyres->first_row; y < anyres->first_row + anyres->rows; y++) {
        for (size_t x = anyres->first_column; x < anyres->first_column + anyres->columns; x++) {
            size_t tile =
                1 + y / anyres->base_height * anyres->grid_width + x / anyres->base_width;
            size_t feature =
                y % anyres->base_height * anyres->base_width + x % anyres->base_width;
            memcpy(to, projected + (tile * tile_features + feature) * width,
                   width * sizeof(float));
            to += width;
        }
        memcpy(to, newline, width * sizeof(float));
        to += width;
    }
    return to;
}

mmn_status mmn_projector_run(mmn_compute *compute, const mmn_config *config,
                             const mmn_weights *weights, const mmn_probes *probes,
                             const mmn_input *input, const float *features, float **merged,
                             size_t *rows, mmn_error *error)
{
    size_t tile_features = mmn_vision_feature_tokens(&config->vision);
    size_t width = weights->projector.linear_2.weight.rows;
    float *projected = NULL;
    *merged = NULL;
    *rows = input->image_positions;
    mmn_status status =
        project(compute, &config->projector, &weights->projector, probes, features,
                input->pixels.tiles * tile_features, &projected, error);
    if (status == MMN_OK && input->anyres) {
        *merged = mmn_allocate(*rows, width * sizeof(float), error);
        if (!*merged) {
            status = MMN_SYSTEM;
        } else {
            float *to = *merged;
            const float *from = projected;
            for (size_t image = 0; image < input->image_count; image++) {
                to = merge_anyres(to, from, weights->image_newline, &input->anyres[image], width);
                from += input->anyres[image].tiles * tile_features * width;
            }
        }
    } else if (status == MMN_OK) {
        *merged = projected;
        projected = NULL;
    }
    if (status == MMN_OK)
        mmn_watch_values(compute, *merged, *rows, width);
    if (status == MMN_OK)
        status = show(compute, probes, "projector.merged", *merged, *rows, width, error);
    mmn_free(projected);
    if (status != MMN_OK) {
        mmn_free(*merged);
        *merged = NULL;
    }
    return status;
}
