/* GIF files to RGB, by giflib. */
#ifndef MMN_FORMAT_GIF_H
#define MMN_FORMAT_GIF_H

#include "base/image.h"

/* Whether `data` begins as a GIF file does. */
_Bool mmn_is_gif(const uint8_t *data, size_t size);

/* Decodes the first frame of a GIF file as Pillow does: on a canvas of the transparent colour, or
 * of colour 0. The transparent colour is the image's key, and turns into white in pixel_values.
 * `pillow` makes no difference. MMN_INPUT for damaged files; also in builds without giflib.
 * `*image` is empty after a failure. */
mmn_status mmn_gif_decode(mmn_image *image, const uint8_t *data, size_t size,
                          mmn_resize_order pillow, mmn_error *error);

#endif
