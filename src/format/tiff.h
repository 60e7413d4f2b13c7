/* TIFF files to RGB, by libtiff. */
#ifndef MMN_FORMAT_TIFF_H
#define MMN_FORMAT_TIFF_H

#include "base/image.h"

/* Whether `data` begins as a TIFF or BigTIFF file does. */
_Bool mmn_is_tiff(const uint8_t *data, size_t size);

/* Decodes the first page of a TIFF file and turns it upright: the organisations of samples that
 * Pillow reads, in strips or tiles, compressed in any way that this libtiff knows. Alpha is
 * dropped, 16-bit colours are cut to their high byte, and 12, 16 and 32 bits of grey to 0 to 255: as
 * Pillow's convert("RGB") does. MMN_INPUT for any other organisation and for damaged files; also in
 * builds without libtiff. `*image` is empty after a failure. */
mmn_status mmn_tiff_decode(mmn_image *image, const uint8_t *data, size_t size,
                           mmn_resize_order pillow, mmn_error *error);

#endif
