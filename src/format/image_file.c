/* Image files: to 8-bit RGB, as Hugging Face's load_image gives them. */
#include "format/image_file.h"

#include <stdbool.h>

#include "base/file.h"
#include "base/file_kind.h"
#include "base/memory.h"
#include "format/decoders.h"

/* Left-out libraries have no decoders. */
#ifndef HAVE_LIBPNG
#define mmn_png_decode NULL
#endif
#ifndef HAVE_LIBWEBP
#define mmn_webp_decode NULL
#endif
#ifndef HAVE_LIBTIFF
#define mmn_tiff_decode NULL
#endif
#ifndef HAVE_GIFLIB
#define mmn_gif_decode NULL
#endif

/* Bytes that tell a format; ANY stands for each. */
typedef struct signature {
    size_t place, length;
    const char *bytes;
} signature;

#define ANY "\xaa"

/* A format that is read. */
typedef struct format {
    const char *name, *type; /* in sentences, and as web pages call it */
    const char *library;
    mmn_status (*decode)(mmn_image *image, const uint8_t *data, size_t size,
                         mmn_resize_order pillow, mmn_error *error); /* NULL: it is left out */
    signature signatures[4];
} format;

static const format formats[] = {
    {"a JPEG image", "image/jpeg", "libjpeg", mmn_jpeg_decode, {{0, 3, "\xff\xd8\xff"}}},
    {"a PNG image", "image/png", "libpng", mmn_png_decode, {{0, 8, "\x89PNG\r\n\x1a\n"}}},
    {"a WebP image",
     "image/webp",
     "libwebp",
     mmn_webp_decode,
     {{0, 12, "RIFF" ANY ANY ANY ANY "WEBP"}}},
    {"a TIFF image",
     "image/tiff",
     "libtiff",
     mmn_tiff_decode,
     {{0, 4, "II*\0"}, {0, 4, "MM\0*"}, {0, 4, "II+\0"}, {0, 4, "MM\0+"}}},
    {"a GIF image", "image/gif", "giflib", mmn_gif_decode, {{0, 6, "GIF87a"}, {0, 6, "GIF89a"}}},
    {"a BMP image", "image/bmp", NULL, mmn_bmp_decode, {{0, 2, "BM"}}},
};

static bool has(const signature *wanted, const uint8_t *data, size_t size)
{
    if (wanted->length == 0 || size < wanted->place + wanted->length)
        return false;
    for (size_t i = 0; i < wanted->length; i++)
        if (wanted->bytes[i] != ANY[0] && (uint8_t)wanted->bytes[i] != data[wanted->place + i])
            return false;
    return true;
}

static const format *format_of(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < MMN_LENGTH(formats); i++)
        for (size_t k = 0; k < 4; k++)
            if (has(&formats[i].signatures[k], data, size))
                return &formats[i];
    return NULL;
}

/* What a file of no such format is, by how it begins, for the error; or NULL. */
static const char *guess_format(const uint8_t *data, size_t size)
{
    static const struct {
        signature signature;
        const char *name;
    } known[] = {
        {{4, 8, "ftypavif"}, "an AVIF image"},
        {{4, 8, "ftypavis"}, "an AVIF image"},
        {{4, 7, "ftypqt "}, "a QuickTime film"},
        {{4, 8, "ftypmp42"}, "an MP4 film"},
        {{4, 8, "ftypisom"}, "an MP4 film"},
        {{4, 4, "ftyp"}, "a HEIC (HEIF) image"},
        {{0, 12, "\0\0\0\x0cJXL \r\n\x87\n"}, "a JPEG XL image"},
        {{0, 2, "\xff\x0a"}, "a JPEG XL image"},
        {{0, 12, "\0\0\0\x0cjP  \r\n\x87\n"}, "a JPEG 2000 image"},
        {{0, 4, "\xff\x4f\xff\x51"}, "a JPEG 2000 image"},
        {{0, 4, "8BPS"}, "a Photoshop (PSD) image"},
        {{0, 4, "\0\0\1\0"}, "an icon (ICO)"},
        {{0, 4, "\0\0\2\0"}, "a cursor (CUR)"},
        {{0, 4, "icns"}, "an icon (ICNS)"},
        {{0, 5, "%PDF-"}, "a PDF document"},
        {{0, 4, "%!PS"}, "a PostScript document"},
        {{0, 4, "\xc5\xd0\xd3\xc6"}, "an EPS document"},
        {{0, 4, "<svg"}, "an SVG drawing"},
        {{0, 5, "<?xml"}, "an XML document (an SVG drawing?)"},
        {{0, 4, "DDS "}, "a DDS image"},
        {{0, 4, "\x76\x2f\x31\x01"}, "an OpenEXR image"},
        {{0, 10, "#?RADIANCE"}, "a Radiance (HDR) image"},
        {{0, 4, "qoif"}, "a QOI image"},
        {{0, 8, "\x8aMNG\r\n\x1a\n"}, "an MNG animation"},
        {{0, 8, "SIMPLE  "}, "a FITS image"},
        {{0, 4, "RIFF"}, "a RIFF file (a film or sound)"},
        {{128, 4, "DICM"}, "a DICOM image"},
        {{0, 6, "\x93NUMPY"}, "a NumPy array"},
        {{0, 4, "PK\3\4"}, "a ZIP archive"},
        {{0, 2, "\x1f\x8b"}, "a gzip archive"},
        {{0, 14, "<!DOCTYPE html"}, "a web page, not an image"},
        {{0, 5, "<html"}, "a web page, not an image"},
        {{0, 42, "version https://git-lfs.github.com/spec/v1"}, "a Git LFS pointer, not the image"},
        {{0, 2, "P1"}, "a PNM image"},
        {{0, 2, "P2"}, "a PNM image"},
        {{0, 2, "P3"}, "a PNM image"},
        {{0, 2, "P4"}, "a PNM image"},
        {{0, 2, "P5"}, "a PNM image"},
        {{0, 2, "P6"}, "a PNM image"},
        {{0, 2, "P7"}, "a PAM image"},
        {{0, 2, "PF"}, "a PFM image"},
        {{0, 2, "Pf"}, "a PFM image"},
        {{0, 2, "\x01\xda"}, "an SGI image"},
        {{0, 2, "\x0a\x05"}, "a PCX image"},
    };
    for (size_t i = 0; i < MMN_LENGTH(known); i++)
        if (has(&known[i].signature, data, size))
            return known[i].name;
    return NULL;
}

mmn_status mmn_image_decode(mmn_image *image, const uint8_t *data, size_t size,
                            mmn_resize_order pillow, mmn_error *error)
{
    const format *known = format_of(data, size);
    const char *guess = known ? NULL : guess_format(data, size);
    *image = (mmn_image){0};
    if (size == 0)
        return mmn_fail(error, MMN_INPUT, NULL, NULL,
                        "the file is empty; images must be JPEG, PNG, "
                        "WebP, TIFF, GIF or BMP files");
    if (!known)
        return mmn_fail(error, MMN_INPUT, NULL, NULL,
                        "images must be JPEG, PNG, WebP, TIFF, GIF or "
                        "BMP files, and this is %s",
                        guess ? guess : "not an image file");
    if (!known->decode)
        return mmn_fail(error, MMN_INPUT, NULL, NULL, "%s, but this program was built without %s",
                        known->name, known->library);
    mmn_status status = known->decode(image, data, size, pillow, error);
    if (status != MMN_OK)
        mmn_image_free(image);
    return status;
}

const char *mmn_image_type(const uint8_t *data, size_t size)
{
    const format *known = format_of(data, size);
    return known ? known->type : NULL;
}

mmn_status mmn_image_load(mmn_image *image, const char *path, mmn_resize_order pillow,
                          mmn_error *error)
{
    *image = (mmn_image){0};
    mmn_mapping mapping;
    mmn_status status = mmn_map_file(&mapping, path, error);
    if (status != MMN_OK)
        return mmn_file_kind_explain(error, status, path, MMN_KIND_PICTURE);
    status = mmn_image_decode(image, mapping.data, mapping.size, pillow, error);
    bool strange = !format_of(mapping.data, mapping.size) &&
                   !guess_format(mapping.data, mapping.size);
    mmn_unmap(&mapping);
    if (status != MMN_OK)
        status = mmn_error_in_file(error, status, path);
    return strange ? mmn_file_kind_explain(error, status, path, MMN_KIND_PICTURE) : status;
}
