/* WebP files to RGB, by libwebp. */
#ifndef MMN_FORMAT_WEBP_H
#define MMN_FORMAT_WEBP_H

#include "base/image.h"

/* Whether `data` begins as a WebP file does. */
_Bool mmn_is_webp(const uint8_t *data, size_t size);

/* Decodes a WebP file, lossy or lossless, or the first frame of an animated one on its black
 * canvas, and turns it upright. Alpha is dropped, and the colours under it are kept: as Pillow's
 * convert("RGB") does. MMN_INPUT for damaged files; also in builds without libwebp. `*image` is
 * empty after a failure. */
mmn_status mmn_webp_decode(mmn_image *image, const uint8_t *data, size_t size,
                           mmn_resize_order pillow, mmn_error *error);

#endif
