/* JPEG files to RGB, by libjpeg-turbo, with the settings and the conversions of Pillow. */
#include "format/decoders.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "base/memory.h"

/* Limits for hostile files. A progressive file may repeat scans that cost few bytes but visit every
 * pixel: photographs have about ten. Its coefficients take up to 8 bytes a pixel. */
#define MAXIMUM_SCANS 500
#define MAXIMUM_SCANNED_PIXELS ((uint64_t)1 << 32)
#define MAXIMUM_MEMORY 1600000000L

static const char exif_header[] = "Exif\0"; /* the second zero is the literal's own */
static const char xmp_header[] = "http://ns.adobe.com/xap/1.0/";

/* The state of one decoding. libjpeg's callbacks find it through client_data. */
typedef struct jpeg_reader {
    struct jpeg_decompress_struct decompress;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    size_t size;
    mmn_image *image;
    JSAMPLE *row; /* one row of grey or CMYK samples */
    mmn_resize_order pillow;
    uint8_t *exif; /* the data of all its segments */
    size_t exif_size;
    mmn_status status;
    mmn_error *error;
} jpeg_reader;

/* Leaves libjpeg with an error at the byte where reading stands. */
static void leave(jpeg_reader *reader, mmn_status status, const char *message)
{
    size_t byte = reader->size - reader->source.bytes_in_buffer;
    reader->status =
        mmn_fail(reader->error, status, NULL, MMN_PLACE("byte %zu", byte), "%s", message);
    longjmp(reader->escape, 1);
}

static void on_error(j_common_ptr common)
{
    jpeg_reader *reader = common->client_data;
    int code = common->err->msg_code;
    if (code == JERR_OUT_OF_MEMORY)
        leave(reader, MMN_SYSTEM, "out of memory while decoding a JPEG image");
    if (code == JERR_NO_BACKING_STORE)
        leave(reader, MMN_INPUT, "decoding this JPEG image would take too much memory");
    char description[JMSG_LENGTH_MAX], message[JMSG_LENGTH_MAX + 64];
    common->err->format_message(common, description);
    snprintf(message, sizeof(message), "not a JPEG image that can be read: %s", description);
    leave(reader, MMN_INPUT, message);
}

/* Damage that libjpeg bridges: Pillow is silent about it too. */
static void on_message(j_common_ptr common, int level)
{
    if (level < 0)
        common->err->num_warnings++;
}

static void on_progress(j_common_ptr common)
{
    jpeg_reader *reader = common->client_data;
    uint64_t scans = (uint64_t)reader->decompress.input_scan_number;
    uint64_t pixels = (uint64_t)reader->decompress.image_width * reader->decompress.image_height;
    if (scans > MAXIMUM_SCANS || scans * pixels > MAXIMUM_SCANNED_PIXELS)
        leave(reader, MMN_INPUT, "this JPEG image has too many scans");
}

static void begin_source(j_decompress_ptr decompress)
{
    (void)decompress;
}

static boolean fill_source(j_decompress_ptr decompress)
{
    leave(decompress->client_data, MMN_INPUT, "the JPEG image is truncated");
    return FALSE;
}

static void skip_source(j_decompress_ptr decompress, long count)
{
    struct jpeg_source_mgr *source = decompress->src;
    if (count <= 0)
        return;
    if ((unsigned long)count > source->bytes_in_buffer) {
        source->bytes_in_buffer = 0;
        fill_source(decompress);
    }
    source->next_input_byte += count;
    source->bytes_in_buffer -= (size_t)count;
}

static bool begins_with(jpeg_saved_marker_ptr marker, const char *header, size_t length)
{
    return marker->data_length >= length && memcmp(marker->data, header, length) == 0;
}

/* EXIF data that is too long for one segment goes on in the next, after another header. */
static void join_exif(jpeg_reader *reader)
{
    size_t size = 0;
    for (jpeg_saved_marker_ptr each = reader->decompress.marker_list; each; each = each->next)
        size += each->data_length;
    reader->exif = mmn_allocate(size, 1, reader->error);
    if (!reader->exif) {
        reader->status = MMN_SYSTEM;
        longjmp(reader->escape, 1);
    }
    for (jpeg_saved_marker_ptr each = reader->decompress.marker_list; each; each = each->next) {
        if (!begins_with(each, exif_header, sizeof(exif_header)))
            continue;
        size_t start = reader->exif_size > 0 ? sizeof(exif_header) : 0;
        memcpy(reader->exif + reader->exif_size, each->data + start, each->data_length - start);
        reader->exif_size += each->data_length - start;
    }
}

/* The orientation by the segments before the first scan. */
static unsigned orientation_of(jpeg_reader *reader)
{
    unsigned by_xmp = 0;
    join_exif(reader);
    unsigned by_exif = mmn_exif_orientation(reader->exif, reader->exif_size, reader->pillow);
    for (jpeg_saved_marker_ptr each = reader->decompress.marker_list; each; each = each->next)
        if (begins_with(each, xmp_header, sizeof(xmp_header)))
            by_xmp = mmn_xmp_orientation(each->data + sizeof(xmp_header),
                                         each->data_length - sizeof(xmp_header));
    return by_exif ? by_exif : by_xmp;
}

/* Whether a file of `size` bytes can be complete: Huffman codes take at least one bit for each of
 * the units (up to 32x32 pixels) that an image is coded in. Keeps a short file that claims to be
 * huge from taking memory. */
static bool may_hold_all_blocks(const struct jpeg_decompress_struct *decompress, size_t size)
{
    size_t unit_width = (size_t)decompress->max_h_samp_factor * DCTSIZE;
    size_t unit_height = (size_t)decompress->max_v_samp_factor * DCTSIZE;
    size_t columns = decompress->image_width / unit_width;
    size_t rows = decompress->image_height / unit_height;
    return decompress->arith_code || columns * rows / 8 <= size;
}

static void grey_to_rgb(uint8_t *rgb, const JSAMPLE *grey, size_t width)
{
    for (size_t x = 0; x < width; x++)
        rgb[3 * x] = rgb[3 * x + 1] = rgb[3 * x + 2] = grey[x];
}

/* As Pillow: the samples count as inverted, with or without Adobe's marker, which leaves light
 * instead of ink. */
static void cmyk_to_rgb(uint8_t *rgb, const JSAMPLE *cmyk, size_t width)
{
    for (size_t x = 0; x < width; x++)
        mmn_light_to_rgb(rgb + 3 * x, cmyk + 4 * x);
}

/* Reads the header and all rows. Everything that libjpeg may jump over belongs to `reader`. */
static void read_image(jpeg_reader *reader)
{
    struct jpeg_decompress_struct *decompress = &reader->decompress;
    jpeg_create_decompress(decompress);
    decompress->mem->max_memory_to_use = MAXIMUM_MEMORY;
    decompress->src = &reader->source;
    decompress->progress = &reader->progress;
    jpeg_save_markers(decompress, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(decompress, TRUE);
    unsigned orientation = orientation_of(reader);
    /* Versions of libjpeg-turbo differ in what they make up for scans that are missing. */
    decompress->do_block_smoothing = FALSE;

    int components = decompress->num_components;
    if (components != 1 && components != 3 && components != 4)
        leave(reader, MMN_INPUT, "a JPEG image must have 1, 3 or 4 components");
    if (!may_hold_all_blocks(decompress, reader->size))
        leave(reader, MMN_INPUT,
              "the JPEG image is truncated: it has more pixels than bytes for them");
    decompress->out_color_space = components == 1   ? JCS_GRAYSCALE
                                  : components == 3 ? JCS_RGB
                                                    : JCS_CMYK;
    reader->status = mmn_image_create(reader->image, decompress->image_width,
                                      decompress->image_height, reader->error);
    if (reader->status == MMN_OK && components != 3) {
        reader->row = mmn_allocate(decompress->image_width, (size_t)components, reader->error);
        if (!reader->row)
            reader->status = MMN_SYSTEM;
    }
    if (reader->status != MMN_OK)
        longjmp(reader->escape, 1);

    jpeg_start_decompress(decompress);
    size_t width = reader->image->width;
    while (decompress->output_scanline < decompress->output_height) {
        uint8_t *rgb = reader->image->rgb + decompress->output_scanline * width * 3;
        JSAMPROW row = components == 3 ? rgb : reader->row;
        jpeg_read_scanlines(decompress, &row, 1);
        if (components == 1)
            grey_to_rgb(rgb, reader->row, width);
        else if (components == 4)
            cmyk_to_rgb(rgb, reader->row, width);
    }
    jpeg_finish_decompress(decompress);
    reader->status = mmn_image_upright(reader->image, orientation, reader->error);
}

/* Runs read_image; libjpeg's errors come back here. */
static void guard(jpeg_reader *reader)
{
    if (setjmp(reader->escape) == 0)
        read_image(reader);
}

mmn_status mmn_jpeg_decode(mmn_image *image, const uint8_t *data, size_t size,
                           mmn_resize_order pillow, mmn_error *error)
{
    jpeg_reader *reader = mmn_allocate(1, sizeof(*reader), error);
    MMN_NEED(reader);
    reader->size = size;
    reader->pillow = pillow;
    reader->image = image;
    reader->error = error;
    reader->status = MMN_OK;
    reader->decompress.err = jpeg_std_error(&reader->errors);
    reader->decompress.client_data = reader;
    reader->errors.error_exit = on_error;
    reader->errors.emit_message = on_message;
    reader->progress.progress_monitor = on_progress;
    reader->source = (struct jpeg_source_mgr){
        .next_input_byte = data,
        .bytes_in_buffer = size,
        .init_source = begin_source,
        .fill_input_buffer = fill_source,
        .skip_input_data = skip_source,
        .resync_to_restart = jpeg_resync_to_restart,
        .term_source = begin_source,
    };
    guard(reader);
    mmn_status status = reader->status;
    jpeg_destroy_decompress(&reader->decompress);
    mmn_free(reader->row);
    mmn_free(reader->exif);
    mmn_free(reader);
    return status;
}
