/* Image files: to 8-bit RGB, as Hugging Face's load_image gives them. */
#ifndef MMN_FORMAT_IMAGE_FILE_H
#define MMN_FORMAT_IMAGE_FILE_H

#include "base/image.h"

/* Decodes the JPEG, PNG, WebP, TIFF, GIF or BMP file in `data`, told apart by its first bytes, to
 * what Pillow's ImageOps.exif_transpose(Image.open(...)).convert("RGB") holds: upright, without
 * alpha, 16-bit samples cut to 8, and with the colour that is still called transparent (of PNG and
 * GIF). `pillow` is the Pillow that decides how EXIF data with several orientations is turned. Free
 * with mmn_image_free; `*image` is empty after a failure. MMN_INPUT for any other format, which the
 * error calls by its name, for one whose library this build leaves out, and for damaged, truncated
 * or too large images (MMN_IMAGE_MAXIMUM_PIXELS). */
mmn_status mmn_image_decode(mmn_image *image, const uint8_t *data, size_t size,
                            mmn_resize_order pillow, mmn_error *error);

/* What web pages call the format of the file in `data`, "image/png" or the like; NULL for one that
 * is not read. */
const char *mmn_image_type(const uint8_t *data, size_t size);

/* mmn_image_decode for the file `path`, which the error names. */
mmn_status mmn_image_load(mmn_image *image, const char *path, mmn_resize_order pillow,
                          mmn_error *error);

#endif
