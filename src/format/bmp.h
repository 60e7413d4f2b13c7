/* BMP files to RGB. */
#ifndef MMN_FORMAT_BMP_H
#define MMN_FORMAT_BMP_H

#include "base/image.h"

/* Whether `data` begins as a BMP file does. */
_Bool mmn_is_bmp(const uint8_t *data, size_t size);

/* Decodes a BMP file as Pillow does, quirks included: 1, 4, 8, 16, 24 or 32 bits a pixel, plain,
 * run-length encoded or with the bit masks that Pillow knows, bottom-up or top-down; alpha is
 * dropped. `pillow` makes no difference. MMN_INPUT for any other layout and for damaged files.
 * `*image` is empty after a failure. */
mmn_status mmn_bmp_decode(mmn_image *image, const uint8_t *data, size_t size,
                          mmn_resize_order pillow, mmn_error *error);

#endif
