/* JPEG files to RGB, by libjpeg-turbo. */
#ifndef MMN_FORMAT_JPEG_H
#define MMN_FORMAT_JPEG_H

#include "base/image.h"

/* Whether `data` begins as a JPEG file does. */
_Bool mmn_is_jpeg(const uint8_t *data, size_t size);

/* Decodes a whole JPEG file with 1, 3 or 4 components of 8 bits, baseline or progressive, and turns
 * it upright. Damage that libjpeg-turbo can bridge is bridged, as Pillow does, but
 * scans that a progressive file lacks are taken as zero, which Pillow smooths; a file that ends
 * too early is MMN_INPUT, and so is one that asks for more work or memory than a photograph does.
 * `*image` is empty after a failure. */
mmn_status mmn_jpeg_decode(mmn_image *image, const uint8_t *data, size_t size,
                           mmn_resize_order pillow, mmn_error *error);

#endif
