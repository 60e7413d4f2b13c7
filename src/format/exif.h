/* Which way up an image is: the orientation that EXIF or XMP data gives. */
#ifndef MMN_FORMAT_EXIF_H
#define MMN_FORMAT_EXIF_H

#include "base/image.h"

/* The orientation tag in the first directory of EXIF data, which is a TIFF file behind any number
 * of "Exif\0\0": the first value of whatever type that Python would find equal to 2 to 8; every
 * other value means 1. Where there are several tags, `pillow` says which counts. 0 when there is
 * none or the data is damaged, so that XMP counts; 1 when their header is no TIFF's. */
unsigned mmn_exif_orientation(const uint8_t *data, size_t size, mmn_resize_order pillow);

/* The digit after tiff:Orientation in an XMP packet, or 0. */
unsigned mmn_xmp_orientation(const uint8_t *text, size_t size);

/* Mirrors and turns the image so that an image of this orientation stands upright; values other
 * than 2 to 8 leave it as it is. The image is kept when memory is short (MMN_SYSTEM). */
mmn_status mmn_image_upright(mmn_image *image, unsigned orientation, mmn_error *error);

#endif
