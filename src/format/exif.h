/* Which way up an image is: the orientation that EXIF or XMP data gives. */
#ifndef MMN_FORMAT_EXIF_H
#define MMN_FORMAT_EXIF_H

#include "base/image.h"

/* The orientation tag in the first directory of EXIF data, which is a TIFF file from its byte
 * order on; 0 when there is none or the data is damaged. Any other value than 1 to 8 means 1. */
unsigned mmn_exif_orientation(const uint8_t *data, size_t size);

/* The digit after tiff:Orientation in an XMP packet, or 0. */
unsigned mmn_xmp_orientation(const uint8_t *text, size_t size);

/* Mirrors and turns the image so that an image of this orientation stands upright; values other
 * than 2 to 8 leave it as it is. The image is kept when memory is short (MMN_SYSTEM). */
mmn_status mmn_image_upright(mmn_image *image, unsigned orientation, mmn_error *error);

#endif
