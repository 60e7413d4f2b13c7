/* Decoders: files of each format that is read, to 8-bit RGB. image_file.c chooses among them, by how a
 * file begins. `*image` is empty before; after a failure there may be something in it. Where a
 * library is left out, so is its decoder. */
#ifndef MMN_FORMAT_DECODERS_H
#define MMN_FORMAT_DECODERS_H

#include "base/image.h"

/* ---- JPEG files, by libjpeg-turbo ------------------------------------------------------------ */

/* Decodes a whole JPEG file with 1, 3 or 4 components of 8 bits, baseline or progressive, and turns
 * it upright. Damage that libjpeg-turbo can bridge is bridged, as Pillow does, but scans that a
 * progressive file lacks are taken as zero, which Pillow smooths; a file that ends too early is MMN_INPUT, and so is one that asks for more work or memory than a photograph does. */
mmn_status mmn_jpeg_decode(mmn_image *image, const uint8_t *data, size_t size,
                           mmn_resize_order pillow, mmn_error *error);

/* ---- PNG files, by libpng -------------------------------------------------------------------- */

/* Decodes a whole PNG file of any kind and turns it upright, as mmn_image_decode says. Alpha and
 * colour spaces are left out of account, 16-bit colours are cut to their high byte, and 16-bit grey
 * to 255: as Pillow's convert("RGB") does. MMN_INPUT for damaged files, at any byte. */
mmn_status mmn_png_decode(mmn_image *image, const uint8_t *data, size_t size,
                          mmn_resize_order pillow, mmn_error *error);

/* ---- WebP files, by libwebp ------------------------------------------------------------------ */

/* Decodes a WebP file, lossy or lossless, or the first frame of an animated one on its black
 * canvas, and turns it upright. Alpha is dropped, and the colours under it are kept: as Pillow's
 * convert("RGB") does. MMN_INPUT for damaged files. */
mmn_status mmn_webp_decode(mmn_image *image, const uint8_t *data, size_t size,
                           mmn_resize_order pillow, mmn_error *error);

/* ---- TIFF files, by libtiff ------------------------------------------------------------------ */

/* Decodes the first page of a TIFF file and turns it upright: the organisations of samples that
 * Pillow reads, in strips or tiles, compressed in any way that this libtiff knows. Alpha is
 * dropped, 16-bit colours are cut to their high byte, and 12, 16 and 32 bits of grey to 0 to 255:
 * as Pillow's convert("RGB") does. MMN_INPUT for any other organisation and for damaged files. */
mmn_status mmn_tiff_decode(mmn_image *image, const uint8_t *data, size_t size,
                           mmn_resize_order pillow, mmn_error *error);

/* ---- GIF files, by giflib -------------------------------------------------------------------- */

/* Decodes the first frame of a GIF file as Pillow does: on a canvas of the transparent colour, or
 * of colour 0. The transparent colour is the image's key, and turns into white in pixel_values.
 * `pillow` makes no difference. MMN_INPUT for damaged files. */
mmn_status mmn_gif_decode(mmn_image *image, const uint8_t *data, size_t size,
                          mmn_resize_order pillow, mmn_error *error);

/* ---- BMP files ------------------------------------------------------------------------------- */

/* Decodes a BMP file as Pillow does, quirks included: 1, 4, 8, 16, 24 or 32 bits a pixel, plain,
 * run-length encoded or with the bit masks that Pillow knows, bottom-up or top-down; alpha is
 * dropped. `pillow` makes no difference. MMN_INPUT for any other layout and for damaged files. */
mmn_status mmn_bmp_decode(mmn_image *image, const uint8_t *data, size_t size,
                          mmn_resize_order pillow, mmn_error *error);

#endif
