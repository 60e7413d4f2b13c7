/* Decoders: files of each format that is read, to 8-bit RGB. image_file.c chooses among them, by
 * how a file begins. `*image` is empty before; after a failure there may be something in it. Where
 * a library is left out, so is its decoder. */
#ifndef MMN_FORMAT_DECODERS_H
#define MMN_FORMAT_DECODERS_H

#include <stdint.h>

#include "base/image.h"

/* Decodes the file in `data` to `*image`, as the Pillow of that order of resizing does. */
typedef mmn_status mmn_image_decoder(mmn_image *image, const uint8_t *data, size_t size,
                                     mmn_resize_order pillow, mmn_error *error);

/* By libjpeg-turbo: decodes a whole JPEG file with 1, 3 or 4 components of 8 bits, baseline or
 * progressive, and turns * it upright. Damage that libjpeg-turbo can bridge is bridged, as Pillow
 * does, but scans that a * progressive file lacks are taken as zero, which Pillow smooths; a file
 * that ends too early is * MMN_INPUT, and so is one that asks for more work or memory than a
 * photograph does. */
mmn_image_decoder mmn_jpeg_decode;

/* By libpng: decodes a whole PNG file of any kind and turns it upright, as mmn_image_decode says.
 * Alpha and * colour spaces are left out of account, 16-bit colours are cut to their high byte, and
 * 16-bit grey * to 255: as Pillow's convert("RGB") does. MMN_INPUT for damaged files, at any
 * byte. */
mmn_image_decoder mmn_png_decode;

/* By libwebp: decodes a WebP file, lossy or lossless, or the first frame of an animated one on its
 * black * canvas, and turns it upright. Alpha is dropped, and the colours under it are kept: as
 * Pillow's * convert("RGB") does. MMN_INPUT for damaged files. */
mmn_image_decoder mmn_webp_decode;

/* By libtiff: decodes the first page of a TIFF file and turns it upright: the organisations of
 * samples that * Pillow reads, in strips or tiles, compressed in any way that this libtiff knows.
 * Alpha is * dropped, 16-bit colours are cut to their high byte, and 12, 16 and 32 bits of grey to
 * 0 to 255: * as Pillow's convert("RGB") does. MMN_INPUT for any other organisation and for damaged
 * files. */
mmn_image_decoder mmn_tiff_decode;

/* By giflib: decodes the first frame of a GIF file as Pillow does: on a canvas of the transparent
 * colour, or * of colour 0. The transparent colour is the image's key, and turns into white in
 * pixel_values. * `pillow` makes no difference. MMN_INPUT for damaged files. */
mmn_image_decoder mmn_gif_decode;

/* Decodes a BMP file as Pillow does, quirks included: 1, 4, 8, 16, 24 or 32 bits a pixel, plain,
 * run-length encoded or with the bit masks that Pillow knows, bottom-up or top-down; alpha is
 * dropped. `pillow` makes no difference. MMN_INPUT for any other layout and for damaged files. */
mmn_image_decoder mmn_bmp_decode;

/* ---- Which way up an image is: the orientation that EXIF or XMP data give -------------------- */

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

/* ---- Four inks to three colours -------------------------------------------------------------- */

/* As Pillow: of what cyan, magenta, yellow and black leave of the light, colours and black are
 * multiplied in rounded steps of 1/255. */
static inline void mmn_light_to_rgb(uint8_t rgb[3], const uint8_t left[4])
{
    for (int channel = 0; channel < 3; channel++) {
        int product = (255 - left[channel]) * left[3] + 128;
        rgb[channel] = (uint8_t)(left[3] - ((product + (product >> 8)) >> 8));
    }
}

#endif
