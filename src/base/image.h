/* An image in memory: what the decoders give and what pixel_values are made of. */
#ifndef MMN_BASE_IMAGE_H
#define MMN_BASE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The most pixels that an image may have: where Pillow refuses a file as a decompression bomb. */
#define MMN_IMAGE_MAXIMUM_PIXELS ((size_t)178956970)

typedef struct mmn_image {
    uint8_t *rgb; /* [height][width][3], owned */
    size_t width, height;
    bool has_key;   /* whether the file calls one colour transparent, */
    uint8_t key[3]; /* and which */
} mmn_image;

/* Makes `*image` a black image of height x width pixels. MMN_INPUT when it has none or more than
 * MMN_IMAGE_MAXIMUM_PIXELS, MMN_SYSTEM when memory is short; `*image` is empty then. */
mmn_status mmn_image_create(mmn_image *image, size_t width, size_t height, mmn_error *error);

/* Makes `*joined` of `count` images from left to right, tops aligned, on black: as wide as all of
 * them and as high as the tallest. `images` stay the caller's. MMN_USAGE without images, MMN_INPUT
 * when the result exceeds MMN_IMAGE_MAXIMUM_PIXELS; `*joined` is empty after a failure. */
mmn_status mmn_image_join(mmn_image *joined, const mmn_image *images, size_t count,
                          mmn_error *error);

/* Paints the pixels of the colour that is transparent white, and forgets that it was. */
void mmn_image_paint_key(mmn_image *image);

/* Frees the pixels and leaves `*image` empty. */
void mmn_image_free(mmn_image *image);

#endif
