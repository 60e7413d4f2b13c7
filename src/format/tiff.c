/* TIFF files to RGB, by libtiff, with the conversions of Pillow. */
#include "format/decoders.h"

#ifdef HAVE_LIBTIFF

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <tiffio.h>

#include "base/memory.h"

/* The most that libtiff may allocate at once, and that one strip or tile may take. */
#define MAXIMUM_BLOCK 1600000000

/* How the samples of a pixel become a colour. */
typedef enum layout {
    LAYOUT_UNKNOWN,
    LAYOUT_GREY,    /* 1, 2, 4 or 8 bits, spread over 0 to 255, perhaps inverted */
    LAYOUT_CLIPPED, /* 12, 16 or 32 bits, cut to 0 to 255 */
    LAYOUT_PALETTE,
    LAYOUT_RGB,           /* 8 or 16 bits, and what else there is passed over */
    LAYOUT_PREMULTIPLIED, /* the same, to be divided by the fourth, alpha */
    LAYOUT_CMYK           /* 8 or 16 bits */
} layout;

/* The state of one decoding; libtiff's callbacks find it. */
typedef struct tiff_reader {
    TIFF *tiff;
    const uint8_t *data;
    size_t size;
    uint64_t position;
    uint32_t width, height, tile_width, tile_height;
    uint16_t photometric, bits, samples, format, extras, planar, compression;
    const uint16_t *extra; /* what the extra samples are */
    uint16_t *palette[3];
    bool tiled;
    layout layout;
    char complaint[192]; /* libtiff's first error */
    uint8_t *planes[4];  /* a strip or tile, of each plane if they are separate */
    mmn_image *image;
    mmn_error *error;
} tiff_reader;

static mmn_status fail(const tiff_reader *reader, const char *message)
{
    return mmn_fail(reader->error, MMN_INPUT, NULL, NULL, "%s", message);
}

static mmn_status fail_in_libtiff(const tiff_reader *reader)
{
    return mmn_fail(reader->error, MMN_INPUT, NULL, NULL, "not a TIFF image that can be read: %s",
                    reader->complaint[0] ? reader->complaint : "its data are damaged");
}

static int on_error(TIFF *tiff, void *context, const char *module, const char *format,
                    va_list arguments)
{
    tiff_reader *reader = context;
    (void)tiff;
    (void)module;
    if (!reader->complaint[0])
        vsnprintf(reader->complaint, sizeof(reader->complaint), format, arguments);
    return 1;
}

static int on_warning(TIFF *tiff, void *context, const char *module, const char *format,
                      va_list arguments)
{
    (void)tiff;
    (void)context;
    (void)module;
    (void)format;
    (void)arguments;
    return 1;
}

static tmsize_t on_read(thandle_t handle, void *bytes, tmsize_t count)
{
    tiff_reader *reader = handle;
    uint64_t left = reader->position < reader->size ? reader->size - reader->position : 0;
    uint64_t wanted = count > 0 ? (uint64_t)count : 0;
    if (wanted > left)
        wanted = left;
    if (wanted > 0)
        memcpy(bytes, reader->data + reader->position, wanted);
    reader->position += wanted;
    return (tmsize_t)wanted;
}

static tmsize_t on_write(thandle_t handle, void *bytes, tmsize_t count)
{
    (void)handle;
    (void)bytes;
    (void)count;
    return -1;
}

static toff_t on_seek(thandle_t handle, toff_t offset, int whence)
{
    tiff_reader *reader = handle;
    reader->position = offset + (whence == SEEK_CUR   ? reader->position
                                 : whence == SEEK_END ? reader->size
                                                      : 0);
    return reader->position;
}

static int on_close(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t on_size(thandle_t handle)
{
    return ((tiff_reader *)handle)->size;
}

static TIFF *open_tiff(tiff_reader *reader)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return NULL;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, MAXIMUM_BLOCK);
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, reader);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, reader);
    TIFF *tiff = TIFFClientOpenExt("image", "rm", reader, on_read, on_write, on_seek, on_close,
                                   on_size, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

static void read_tags(tiff_reader *reader)
{
    TIFF *tiff = reader->tiff;
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &reader->width);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &reader->height);
    TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &reader->photometric);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &reader->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &reader->samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &reader->format);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &reader->extras, &reader->extra);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &reader->planar);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &reader->compression);
    reader->tiled = TIFFIsTiled(tiff);
}

/* Grey: of several samples only the first counts, and Pillow knows alpha beside it. Of more than
 * 8 bits it knows not every form in either byte order. */
static layout grey_layout(const tiff_reader *reader)
{
    bool white_is_zero = reader->photometric == PHOTOMETRIC_MINISWHITE;
    bool swapped = reader->data[0] == 'M';
    unsigned bits = reader->bits, format = reader->format;
    if (reader->samples == 2)
        return bits == 8 && format == 1 && !white_is_zero && reader->extras == 1 &&
                       reader->extra[0] == EXTRASAMPLE_UNASSALPHA
                   ? LAYOUT_GREY
                   : LAYOUT_UNKNOWN;
    if (reader->samples != 1)
        return LAYOUT_UNKNOWN;
    if (bits == 1 || bits == 2 || bits == 4 || bits == 8)
        return format == 1 || (format == 2 && bits == 8 && !white_is_zero) ? LAYOUT_GREY
                                                                           : LAYOUT_UNKNOWN;
    if (bits == 12)
        return format == 1 && !white_is_zero && !swapped ? LAYOUT_CLIPPED : LAYOUT_UNKNOWN;
    /* Pillow swaps the bytes of these once too often. */
    if (format != 1 && swapped && reader->compression != COMPRESSION_NONE)
        return LAYOUT_UNKNOWN;
    if (bits == 16 && format == 1)
        return white_is_zero && swapped ? LAYOUT_UNKNOWN : LAYOUT_CLIPPED;
    if (bits == 32 && format == 1)
        return white_is_zero || swapped ? LAYOUT_UNKNOWN : LAYOUT_CLIPPED;
    if (bits == 32 && format == 3)
        return LAYOUT_CLIPPED;
    return (bits == 16 || bits == 32) && format == 2 && !white_is_zero ? LAYOUT_CLIPPED
                                                                       : LAYOUT_UNKNOWN;
}

/* Whether the samples beyond `colours` are one of the given kind, or none, and then nothing. */
static bool extras_are(const tiff_reader *reader, unsigned colours, unsigned kind, unsigned most)
{
    if (reader->samples != colours + reader->extras || reader->extras > most)
        return false;
    for (unsigned i = 0; i < reader->extras; i++)
        if (reader->extra[i] != (i == 0 ? kind : EXTRASAMPLE_UNSPECIFIED))
            return false;
    return true;
}

/* Whether Pillow reads separate planes like these: of uncompressed ones those of bytes alone. */
static bool separate_is_known(const tiff_reader *reader)
{
    if (reader->planar != PLANARCONFIG_SEPARATE || reader->samples == 1)
        return true;
    unsigned kind = reader->extras > 0 ? reader->extra[0] : EXTRASAMPLE_UNASSALPHA;
    return reader->compression == COMPRESSION_NONE
               ? reader->bits == 8 && kind == EXTRASAMPLE_UNASSALPHA
               : kind != EXTRASAMPLE_UNSPECIFIED;
}

/* The organisations that Pillow knows (its OPEN_INFO); all others are refused. */
static layout find_layout(const tiff_reader *reader)
{
    unsigned photometric = reader->photometric, bits = reader->bits;
    if (!separate_is_known(reader))
        return LAYOUT_UNKNOWN;
    if (photometric == PHOTOMETRIC_MINISWHITE || photometric == PHOTOMETRIC_MINISBLACK)
        return grey_layout(reader);
    if (reader->format != 1)
        return LAYOUT_UNKNOWN;
    if (photometric == PHOTOMETRIC_PALETTE) {
        bool alone = reader->samples == 1 && (bits == 1 || bits == 2 || bits == 4 || bits == 8);
        bool beside = bits == 8 && reader->extras == 1 &&
                      (extras_are(reader, 1, EXTRASAMPLE_UNSPECIFIED, 1) ||
                       extras_are(reader, 1, EXTRASAMPLE_UNASSALPHA, 1));
        return alone || beside ? LAYOUT_PALETTE : LAYOUT_UNKNOWN;
    }
    if (bits != 8 && bits != 16)
        return LAYOUT_UNKNOWN;
    unsigned most = bits == 8 ? 3 : 1;
    if (photometric == PHOTOMETRIC_RGB) {
        if (extras_are(reader, 3, EXTRASAMPLE_UNSPECIFIED, most) ||
            extras_are(reader, 3, EXTRASAMPLE_UNASSALPHA, most))
            return LAYOUT_RGB;
        if (extras_are(reader, 3, EXTRASAMPLE_ASSOCALPHA, most))
            return LAYOUT_PREMULTIPLIED;
    }
    if (photometric == PHOTOMETRIC_SEPARATED &&
        extras_are(reader, 4, EXTRASAMPLE_UNSPECIFIED, bits == 8 ? 2 : 0))
        return LAYOUT_CMYK;
    return LAYOUT_UNKNOWN;
}

/* Refuses what a short file cannot hold before its pixels are allocated. */
static mmn_status check_size(const tiff_reader *reader)
{
    uint64_t most = 0; /* how many bytes the compression can make of one */
    if (reader->compression == COMPRESSION_NONE)
        most = 1;
    else if (reader->compression == COMPRESSION_PACKBITS)
        most = 128;
    else if (reader->compression == COMPRESSION_LZW)
        most = 4096;
    else if (reader->compression == COMPRESSION_ADOBE_DEFLATE ||
             reader->compression == COMPRESSION_DEFLATE)
        most = 1040;
    uint64_t pixels = (uint64_t)reader->width * reader->height;
    if (most > 0 && pixels / 8 * reader->bits > reader->size * most)
        return fail(reader, "the TIFF image is truncated: it has more pixels than bytes for them");
    return MMN_OK;
}

/* Sample number `i` of a row of samples, which libtiff gives in this machine's byte order. */
static uint32_t sample_of(const uint8_t *row, size_t i, unsigned bits)
{
    uint16_t half;
    uint32_t whole;
    if (bits < 8)
        return row[i * bits / 8] >> (8 - bits - i * bits % 8) & ((1u << bits) - 1);
    if (bits == 8)
        return row[i];
    if (bits == 12) {
        const uint8_t *two = row + i / 2 * 3;
        return i % 2 ? (two[1] & 15u) << 8 | two[2] : (uint32_t)two[0] << 4 | two[1] >> 4;
    }
    if (bits == 16) {
        memcpy(&half, row + 2 * i, sizeof(half));
        return half;
    }
    memcpy(&whole, row + 4 * i, sizeof(whole));
    return whole;
}

/* A wide sample cut to 0 to 255. */
static uint8_t clipped(uint32_t sample, unsigned bits, unsigned format)
{
    float real;
    if (bits == 32 && format == 3) {
        memcpy(&real, &sample, sizeof(real));
        return real >= 255 ? 255 : real > 0 ? (uint8_t)real : 0;
    }
    /* Pillow keeps 32 bits as signed ones. */
    bool negative = (bits == 32 || format == 2) && sample >> (bits - 1);
    return negative ? 0 : sample > 255 ? 255 : (uint8_t)sample;
}

/* The colour whose samples these are, 8 bits of each. */
static void to_rgb(const tiff_reader *reader, uint8_t rgb[3], const uint8_t *samples)
{
    if (reader->layout == LAYOUT_CMYK) {
        uint8_t left[4];
        for (size_t i = 0; i < 4; i++)
            left[i] = 255 - samples[i];
        mmn_light_to_rgb(rgb, left);
        return;
    }
    unsigned alpha = reader->layout == LAYOUT_PREMULTIPLIED ? samples[3] : 255;
    for (size_t i = 0; i < 3; i++) {
        unsigned value = alpha == 255 ? samples[i] : alpha ? samples[i] * 255u / alpha : 0;
        rgb[i] = value > 255 ? 255 : (uint8_t)value;
    }
}

/* `width` pixels from rows of samples: one row of all, or one of each plane. */
static void row_to_rgb(const tiff_reader *reader, uint8_t *rgb, const uint8_t *const rows[4],
                       size_t width)
{
    bool separate = rows[1] != NULL;
    unsigned bits = reader->bits, samples = separate ? 1 : reader->samples;
    for (size_t x = 0; x < width; x++, rgb += 3) {
        uint32_t first = sample_of(rows[0], x * samples, bits);
        if (reader->layout == LAYOUT_CLIPPED) {
            memset(rgb, clipped(first, bits, reader->format), 3);
        } else if (reader->layout == LAYOUT_GREY) {
            uint8_t grey = (uint8_t)(first * (255 / ((1u << bits) - 1)));
            memset(rgb, reader->photometric == PHOTOMETRIC_MINISWHITE ? 255 - grey : grey, 3);
        } else if (reader->layout == LAYOUT_PALETTE) {
            for (size_t i = 0; i < 3; i++)
                rgb[i] = (uint8_t)(reader->palette[i][first] >> 8);
        } else {
            uint8_t each[4] = {0};
            for (size_t i = 0; i < 4 && i < reader->samples; i++) {
                const uint8_t *row = separate ? rows[i] : rows[0];
                uint32_t sample = row ? sample_of(row, separate ? x : x * samples + i, bits) : 0;
                each[i] = (uint8_t)(bits == 16 ? sample >> 8 : sample);
            }
            to_rgb(reader, rgb, each);
        }
    }
}

/* Reads strip or tile number `block` to `bytes`, which has room for `size` of them. */
static mmn_status read_block(tiff_reader *reader, uint32_t block, uint8_t *bytes, tmsize_t size)
{
    tmsize_t got = reader->tiled ? TIFFReadEncodedTile(reader->tiff, block, bytes, size)
                                 : TIFFReadEncodedStrip(reader->tiff, block, bytes, size);
    return got < 0 ? fail_in_libtiff(reader) : MMN_OK;
}

/* Reads all strips or tiles. A strip is a tile as wide as the image. */
static mmn_status read_blocks(tiff_reader *reader)
{
    TIFF *tiff = reader->tiff;
    bool separate = reader->planar == PLANARCONFIG_SEPARATE && reader->samples > 1;
    tmsize_t size = reader->tiled ? TIFFTileSize(tiff) : TIFFStripSize(tiff);
    tmsize_t row_size = reader->tiled ? TIFFTileRowSize(tiff) : TIFFScanlineSize(tiff);
    uint64_t columns = reader->tile_width, samples = separate ? 1 : reader->samples;
    uint64_t needed = (columns * samples * reader->bits + 7) / 8;
    if (size <= 0 || size > MAXIMUM_BLOCK || row_size <= 0 || needed > (uint64_t)row_size ||
        (uint64_t)row_size * reader->tile_height > (uint64_t)size)
        return fail(reader, "the TIFF image has strips or tiles of a size that is not possible");
    size_t planes = !separate ? 1 : reader->samples < 4 ? reader->samples : 4;
    for (size_t i = 0; i < planes; i++) {
        MMN_NEED(reader->planes[i] = mmn_allocate((size_t)size, 1, reader->error));
    }
    for (uint64_t top = 0; top < reader->height; top += reader->tile_height) {
        for (uint64_t left = 0; left < reader->width; left += columns) {
            for (size_t i = 0; i < planes; i++) {
                uint32_t x = (uint32_t)left, y = (uint32_t)top;
                uint32_t block = reader->tiled ? TIFFComputeTile(tiff, x, y, 0, (uint16_t)i)
                                               : TIFFComputeStrip(tiff, y, (uint16_t)i);
                MMN_TRY(read_block(reader, block, reader->planes[i], size));
            }
            uint64_t width = reader->width - left, height = reader->height - top;
            for (uint64_t y = 0; y < height && y < reader->tile_height; y++) {
                const uint8_t *rows[4] = {NULL};
                for (size_t i = 0; i < planes; i++)
                    rows[i] = reader->planes[i] + y * (uint64_t)row_size;
                row_to_rgb(reader, reader->image->rgb + ((top + y) * reader->width + left) * 3,
                           rows, width < columns ? width : columns);
            }
        }
    }
    return MMN_OK;
}

/* YCbCr by libtiff's own conversion, a band of rows at a time. */
static mmn_status read_ycbcr(tiff_reader *reader)
{
    TIFFRGBAImage converter;
    char complaint[1024] = "";
    if (!TIFFRGBAImageOK(reader->tiff, complaint) ||
        !TIFFRGBAImageBegin(&converter, reader->tiff, 0, complaint))
        return mmn_fail(reader->error, MMN_INPUT, NULL, NULL,
                        "not a TIFF image that can be read: %s", complaint);
    converter.orientation = converter.req_orientation = ORIENTATION_TOPLEFT;
    uint32_t rows = reader->tile_height < reader->height ? reader->tile_height : reader->height;
    uint32_t *raster = mmn_allocate((size_t)reader->width * rows, sizeof(*raster), reader->error);
    mmn_status status = raster ? MMN_OK : MMN_SYSTEM;
    for (uint64_t top = 0; status == MMN_OK && top < reader->height; top += rows) {
        uint32_t left = reader->height - (uint32_t)top;
        converter.row_offset = (int)top;
        if (!TIFFRGBAImageGet(&converter, raster, reader->width, left < rows ? left : rows))
            status = fail_in_libtiff(reader);
        uint8_t *rgb = reader->image->rgb + top * reader->width * 3;
        size_t count = (size_t)reader->width * (left < rows ? left : rows);
        for (size_t i = 0; status == MMN_OK && i < count; i++, rgb += 3) {
            rgb[0] = (uint8_t)TIFFGetR(raster[i]);
            rgb[1] = (uint8_t)TIFFGetG(raster[i]);
            rgb[2] = (uint8_t)TIFFGetB(raster[i]);
        }
    }
    mmn_free(raster);
    TIFFRGBAImageEnd(&converter);
    return status;
}

/* By the tag, in whatever form EXIF has it, or else by XMP. */
static unsigned orientation_of(const tiff_reader *reader, mmn_resize_order pillow)
{
    uint32_t size = 0;
    void *xmp = NULL;
    uint16_t tag = 0;
    bool big = memchr(reader->data + 2, '+', 2); /* BigTIFF, which no EXIF data are */
    unsigned orientation = big ? 0 : mmn_exif_orientation(reader->data, reader->size, pillow);
    if (orientation == 0 && TIFFGetField(reader->tiff, TIFFTAG_ORIENTATION, &tag))
        orientation = tag;
    if (orientation == 0 && TIFFGetField(reader->tiff, TIFFTAG_XMLPACKET, &size, &xmp))
        orientation = mmn_xmp_orientation(xmp, size);
    return orientation;
}

static mmn_status read_image(tiff_reader *reader, mmn_resize_order pillow)
{
    read_tags(reader);
    bool ycbcr = reader->photometric == PHOTOMETRIC_YCBCR ||
                 reader->compression == COMPRESSION_OJPEG;
    MMN_TRY(check_size(reader));
    if (reader->tiled) {
        TIFFGetField(reader->tiff, TIFFTAG_TILEWIDTH, &reader->tile_width);
        TIFFGetField(reader->tiff, TIFFTAG_TILELENGTH, &reader->tile_height);
    } else {
        reader->tile_width = reader->width;
        TIFFGetFieldDefaulted(reader->tiff, TIFFTAG_ROWSPERSTRIP, &reader->tile_height);
        if (reader->tile_height > reader->height)
            reader->tile_height = reader->height;
    }
    if (reader->tile_width == 0 || reader->tile_height == 0)
        return fail(reader, "the TIFF image has strips or tiles without pixels");
    if (ycbcr && reader->samples == 3 && reader->bits == 8 &&
        reader->compression != COMPRESSION_NONE) {
        bool by_jpeg = reader->compression == COMPRESSION_JPEG &&
                       reader->planar == PLANARCONFIG_CONTIG &&
                       TIFFSetField(reader->tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        reader->layout = LAYOUT_RGB;
        ycbcr = !by_jpeg;
    } else {
        reader->layout = find_layout(reader);
        ycbcr = false;
    }
    if (reader->layout == LAYOUT_PALETTE &&
        !TIFFGetField(reader->tiff, TIFFTAG_COLORMAP, &reader->palette[0], &reader->palette[1],
                      &reader->palette[2]))
        return fail(reader, "the TIFF image has no palette");
    if (reader->layout == LAYOUT_UNKNOWN)
        return mmn_fail(reader->error, MMN_INPUT, NULL, NULL,
                        "TIFF images of this kind (photometric interpretation %u, %u samples of %u "
                        "bits, sample format %u, planar configuration %u, compression %u) are not "
                        "supported",
                        (unsigned)reader->photometric, (unsigned)reader->samples,
                        (unsigned)reader->bits, (unsigned)reader->format, (unsigned)reader->planar,
                        (unsigned)reader->compression);
    MMN_TRY(mmn_image_create(reader->image, reader->width, reader->height, reader->error));
    MMN_TRY(ycbcr ? read_ycbcr(reader) : read_blocks(reader));
    return mmn_image_upright(reader->image, orientation_of(reader, pillow), reader->error);
}

mmn_status mmn_tiff_decode(mmn_image *image, const uint8_t *data, size_t size,
                           mmn_resize_order pillow, mmn_error *error)
{
    tiff_reader reader = {.data = data, .size = size, .image = image, .error = error};
    reader.tiff = open_tiff(&reader);
    mmn_status status = reader.tiff ? read_image(&reader, pillow) : fail_in_libtiff(&reader);
    if (reader.tiff)
        TIFFClose(reader.tiff);
    for (size_t i = 0; i < 4; i++)
        mmn_free(reader.planes[i]);
    return status;
}

#endif
