/* Several images as one: side by side. */
#ifndef MMN_IMAGE_JOIN_H
#define MMN_IMAGE_JOIN_H

#include "base/image.h"

/* Makes `*joined` of `count` images from left to right, tops aligned, on black: as wide as all of
 * them and as high as the tallest. `images` stay the caller's. MMN_USAGE without images, MMN_INPUT
 * when the result exceeds MMN_IMAGE_MAXIMUM_PIXELS; `*joined` is empty after a failure. */
mmn_status mmn_image_join(mmn_image *joined, const mmn_image *images, size_t count,
                          mmn_error *error);

#endif
