/* Image features: what the vision tower and the projector make of an input's images, and keeping it
 * for the next input that has the same ones. */
#ifndef MMN_PASS_IMAGE_FEATURES_H
#define MMN_PASS_IMAGE_FEATURES_H

#include <stdbool.h>

#include "model/input.h"

/* Zero-initialise; free with mmn_image_features_free. */
typedef struct mmn_image_features {
    float *tower;  /* what the vision tower gives the projector; NULL: not kept */
    float *merged; /* [rows][hidden_size]: what enters the language model; NULL: not kept */
    size_t rows;
    /* What they were made of; the pixels are a copy of the input's. */
    mmn_pixel_values pixels;
    mmn_resolution *image_sizes; /* [image_count] */
    size_t image_count;
    int32_t *qformer_ids; /* [qformer_length]: the instruction that `merged` answers, if any */
    size_t qformer_length;
} mmn_image_features;

/* Whether two inputs have the same images: as many, of the same sizes, and every bit of
 * pixel_values the same. Without images both do. What the tower makes of them is then the same. */
bool mmn_inputs_share_images(const mmn_input *a, const mmn_input *b);
/* Whether a Q-Former, if there is one, reads them with the same instruction as well, so that what
 * enters the language model is the same. */
bool mmn_inputs_share_features(const mmn_input *a, const mmn_input *b);

/* Whether features->tower was made of the images of `input`, and features->merged too. */
bool mmn_image_features_have_tower_of(const mmn_image_features *features, const mmn_input *input);
bool mmn_image_features_are_of(const mmn_image_features *features, const mmn_input *input);

/* Records that what `features` holds was made of the images and the instruction of `input`. When
 * memory is short nothing is kept. */
mmn_status mmn_image_features_keep(mmn_image_features *features, const mmn_input *input,
                                   mmn_error *error);
void mmn_image_features_free(mmn_image_features *features);

#endif
