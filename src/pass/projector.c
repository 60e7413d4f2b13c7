/* The projector: vision features to language features, and LLaVA-NeXT's merge of the tiles. */
#include "pass/vision.h"

#include <string.h>

#include "base/memory.h"

/* The projector's row that stands at a place of the map that the tiles after the first form. */
static size_t merged_feature(const mmn_anyres_features *anyres, size_t x, size_t y)
{
    size_t tile = 1 + y / anyres->base_height * anyres->grid_width + x / anyres->base_width;
    size_t feature = y % anyres->base_height * anyres->base_width + x % anyres->base_width;
    return tile * anyres->base_height * anyres->base_width + feature;
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
            memcpy(to, projected + merged_feature(anyres, x, y) * width, width * sizeof(float));
            to += width;
        }
        memcpy(to, newline, width * sizeof(float));
        to += width;
    }
    return to;
}

/* The way back of merge_anyres, without the newlines. */
static const float *unpack_anyres(float *projected, const float *from,
                                  const mmn_anyres_features *anyres, size_t width)
{
    size_t tile_features = anyres->base_height * anyres->base_width;
    memcpy(projected, from, tile_features * width * sizeof(float));
    from += tile_features * width;

    for (size_t y = anyres->first_row; y < anyres->first_row + anyres->rows; y++) {
        for (size_t x = anyres->first_column; x < anyres->first_column + anyres->columns; x++) {
            memcpy(projected + merged_feature(anyres, x, y) * width, from, width * sizeof(float));
            from += width;
        }
        from += width;
    }
    return from;
}

void mmn_projector_unpack(const mmn_config *config, const mmn_input *input, float *projected,
                          const float *merged)
{
    size_t width = config->language.hidden_size;
    size_t tile = mmn_vision_feature_tokens(&config->vision) * width;
    memset(projected, 0, input->pixels.tiles * tile * sizeof(float));
    for (size_t image = 0; image < input->image_count; image++) {
        merged = unpack_anyres(projected, merged, &input->anyres[image], width);
        projected += input->anyres[image].tiles * tile;
    }
}

/* projected [rows][width]: linear_2(act(linear_1(features))), or linear_1(features) alone where the
 * projector has one layer. activations [rows][inner], NULL then. */
static mmn_status apply(mmn_compute *compute, const mmn_config *config,
                        const mmn_projector_weights *projector, const mmn_probes *probes,
                        const float *features, size_t rows, float *activations, float *projected,
                        mmn_error *error)
{
    size_t depth = projector->linear_1.weight.columns, inner = projector->linear_1.weight.rows;
    MMN_TRY(mmn_compute_reserve(compute, rows, depth > inner ? depth : inner, 0, 0, error));
    if (config->projector.linear) {
        mmn_apply_linear(compute, projected, features, rows, &projector->linear_1);
    } else {
        mmn_apply_activated(compute, activations, features, rows, &projector->linear_1,
                            config->projector.activation);
        MMN_TRY(
            mmn_show_rows(compute, probes, "projector.act", -1, activations, rows, inner, error));
        mmn_apply_linear(compute, projected, activations, rows, &projector->linear_2);
    }
    return mmn_show_rows(compute, probes, "projector.out", -1, projected, rows,
                         config->language.hidden_size, error);
}

/* merged [input->image_positions][width] of the features, projected [rows][width]; these are the
 * same array where nothing is packed. activations as above. */
static mmn_status project(mmn_compute *compute, const mmn_config *config,
                          const mmn_weights *weights, const mmn_probes *probes,
                          const mmn_input *input, const float *features, size_t rows,
                          float *activations, float *projected, float *merged, mmn_error *error)
{
    size_t width = config->language.hidden_size, positions = input->image_positions;
    size_t tile = mmn_vision_feature_tokens(&config->vision) * width;
    MMN_TRY(apply(compute, config, &weights->projector, probes, features, rows, activations,
                  projected, error));
    float *to = merged;
    for (size_t image = 0; image < input->image_count && input->anyres; image++) {
        to = merge_anyres(to, projected, weights->image_newline, &input->anyres[image], width);
        projected += input->anyres[image].tiles * tile;
    }
    mmn_watch_values(compute, merged, positions, width);
    return mmn_show_rows(compute, probes, "projector.merged", -1, merged, positions, width, error);
}

mmn_status mmn_projector_run(mmn_compute *compute, const mmn_config *config,
                             const mmn_weights *weights, const mmn_probes *probes,
                             const mmn_input *input, const float *features, float **merged,
                             mmn_error *error)
{
    size_t projected_rows = input->pixels.tiles * mmn_vision_feature_tokens(&config->vision);
    size_t inner = weights->projector.linear_1.weight.rows * sizeof(float);
    size_t width = config->language.hidden_size * sizeof(float);
    bool linear = config->projector.linear;
    *merged = mmn_allocate(input->anyres ? input->image_positions : projected_rows, width, error);
    float *activations = linear ? NULL : mmn_allocate(projected_rows, inner, error);
    float *projected = input->anyres ? mmn_allocate(projected_rows, width, error) : *merged;
    mmn_status status = MMN_SYSTEM;
    if (*merged && (linear || activations) && projected)
        status = project(compute, config, weights, probes, input, features, projected_rows,
                         activations, projected, *merged, error);
    if (projected != *merged)
        mmn_free(projected);
    mmn_free(activations);
    return status;
}
