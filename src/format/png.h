/* PNG files to RGB, by libpng. */
#ifndef MMN_FORMAT_PNG_H
#define MMN_FORMAT_PNG_H

#include "base/image.h"

/* Whether `data` begins as a PNG file does. */
_Bool mmn_is_png(const uint8_t *data, size_t size);

/* Decodes a whole PNG file of any kind and turns it upright, as mmn_image_decode says. Alpha and
 * colour spaces are left out of account, 16-bit colours are cut to their high byte, and 16-bit grey
 * to 255: as Pillow's convert("RGB") does. MMN_INPUT for damaged files, at any byte;
 * also in builds without libpng. `*image` is empty after a failure. */
mmn_status mmn_png_decode(mmn_image *image, const uint8_t *data, size_t size,
                          mmn_resize_order pillow, mmn_error *error);

#endif
