/* Inputs: what one forward pass starts from, made of a prompt and images or read from a file. */
#ifndef MMN_MODEL_INPUT_H
#define MMN_MODEL_INPUT_H

#include <stdbool.h>

#include "image/anyres.h"
#include "image/pixel_values.h"
#include "mmneuron.h"

/* The first two dimensions are those of the stages `input_ids` and `pixel_values`. */
struct mmn_input {
    int32_t *ids; /* [length], image placeholders expanded */
    size_t length, image_positions;
    int32_t image_token;          /* the id that stands for one image feature */
    mmn_pixel_values pixels;      /* the tiles of all images, one image after the other */
    mmn_resolution *image_sizes;  /* [image_count], before any processing */
    mmn_anyres_features *anyres;  /* [image_count] for LLaVA-NeXT, else NULL */
    size_t image_count;
};

#endif
