/* The geometry of LLaVA-NeXT's "any resolution" images: pure functions on sizes.
 *
 * A size is (height, width) as Hugging Face orders it. All are computed in binary64 with the
 * operations of transformers' select_best_resolution, get_patch_output_size and unpad_image, so
 * that every rounding is the same. */
#ifndef MMN_IMAGE_ANYRES_H
#define MMN_IMAGE_ANYRES_H

#include <stddef.h>

#include "image/settings.h"

/* The pinpoint (of `count` > 0) that keeps most of an image of `image` pixels and wastes least. */
mmn_resolution mmn_anyres_select(const mmn_resolution *pinpoints, size_t count,
                                 mmn_resolution image);

/* The size of the image when it is scaled to fit into `target` with its aspect ratio kept. */
mmn_resolution mmn_anyres_resized(mmn_resolution target, mmn_resolution image);

/* Which image features enter the language model, and in which order: first base_height x
 * base_width features of the whole image (tile 0); then, of the tiles' features joined to a map of
 * grid_height * base_height rows, the kept rows from first_row on, each with its kept columns from
 * first_column on and one image_newline after them. */
typedef struct mmn_anyres_features {
    size_t grid_height, grid_width; /* tiles after tile 0, row by row */
    size_t tiles;                   /* grid_height * grid_width + 1 */
    size_t base_height, base_width; /* features of one tile */
    size_t first_row, rows, first_column, columns;
    size_t total; /* base_height * base_width + rows * (columns + 1) */
} mmn_anyres_features;

/* The features of an image of `image` pixels, with tiles of `tile` pixels of which the vision tower
 * makes (tile / patch)^2 features each. `settings` must have pinpoints. */
mmn_anyres_features mmn_anyres_features_of(const mmn_image_settings *settings, mmn_resolution image,
                                           uint32_t tile, uint32_t patch);

#endif
