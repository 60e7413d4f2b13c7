/* Inputs: what one forward pass starts from, made of a prompt and images or read from a file. */
#ifndef MMN_MODEL_INPUT_H
#define MMN_MODEL_INPUT_H

#include <stdatomic.h>

#include "image/anyres.h"
#include "image/pixel_values.h"
#include "mmneuron.h"

/* No model of these families reads more positions, and rotary angles are defined up to there; more
 * are a hostile prompt, image or file. */
enum { MMN_MAXIMUM_POSITIONS = 1 << 20 };

struct mmn_input {
    atomic_size_t references; /* its owner's, and those of sessions that have prefilled it last */
    uint64_t model_number;    /* of the model that it was made for */
    int32_t *ids;             /* [length], image placeholders expanded */
    size_t length, image_positions;
    int32_t image_token;         /* the id that stands for one image feature */
    mmn_pixel_values pixels;     /* the tiles of all images, one image after the other */
    mmn_resolution *image_sizes; /* [image_count], before any processing */
    mmn_anyres_features *anyres; /* [image_count] for LLaVA-NeXT, else NULL */
    size_t image_count;
    int32_t *qformer_ids;    /* [qformer_length]: what the Q-Former reads with the image */
    size_t qformer_length;   /* 0: the model has no Q-Former, or the input no image */
    const mmn_input *source; /* whose images and instruction these are, retained; NULL: its own */
};

/* An input of `model` for `image_count` images, whose sizes are set next; *input may be non-NULL
 * after a failure too, and is freed with mmn_input_free. */
mmn_status mmn_input_create(mmn_input **input, const mmn_model *model, size_t image_count,
                            mmn_error *error);

/* The first `length` positions of an input, all its images among them, and `count` ids behind
 * them. */
mmn_status mmn_input_extend(mmn_input **made, const mmn_input *input, size_t length,
                            const int32_t *ids, size_t count, mmn_error *error);

/* Frees the input where making it has failed. Returns `status`. */
mmn_status mmn_input_finish(mmn_input **input, mmn_status status);

/* Keeps an input beyond its owner's mmn_input_free, until it is released as often. */
const mmn_input *mmn_input_retain(const mmn_input *input);
void mmn_input_release(const mmn_input *input);

/* MMN_USAGE unless the input was made for this model. */
mmn_status mmn_input_check_model(const mmn_input *input, const mmn_model *model, mmn_error *error);

/* Records that image number `image` has `size` pixels, on which its number of features depends. */
mmn_status mmn_input_set_image_size(mmn_input *input, const mmn_model *model, size_t image,
                                    mmn_resolution size, mmn_error *error);

/* The number of language positions that image number `image` takes. */
size_t mmn_input_image_features(const mmn_input *input, const mmn_model *model, size_t image);

/* How many positions of module `name` a forward pass of the input has. */
uint64_t mmn_input_module_positions(const mmn_input *input, const mmn_model *model,
                                    const char *name);

#endif
