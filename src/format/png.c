/* PNG files to RGB, by libpng, with the conversions of Pillow. */
#include "format/decoders.h"

#ifdef HAVE_LIBPNG

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

/* Limits for hostile files: a chunk's memory, and the number of compressed texts. */
#define MAXIMUM_CHUNK_BYTES 8000000
#define MAXIMUM_TEXTS 32

/* Deflate cannot make more bytes than this of one: a file that claims more pixels is cut short. */
#define MAXIMUM_EXPANSION 1040

/* The state of one decoding. libpng's callbacks find it through their pointers. */
typedef struct png_reader {
    png_structp png;
    png_infop info;
    jmp_buf escape;
    const uint8_t *data;
    size_t size, position;
    mmn_resize_order pillow;
    const uint8_t *exif, *transparency; /* data of the last chunk eXIf and tRNS, or NULL */
    size_t exif_size, transparency_size;
    png_uint_32 plain_texts, compressed_texts;
    mmn_image *image;
    bool lacked_memory; /* libpng goes on without some chunks then */
    mmn_status status;
    mmn_error *error;
} png_reader;

static png_voidp take_memory(png_structp png, png_alloc_size_t size)
{
    png_reader *reader = png_get_mem_ptr(png);
    void *memory = mmn_allocate_for_library(size);
    reader->lacked_memory |= !memory;
    return memory;
}

static void give_memory_back(png_structp png, png_voidp memory)
{
    (void)png;
    mmn_free(memory);
}

/* Leaves libpng with an error at the byte where reading stands. */
static void leave(png_reader *reader, const char *message)
{
    reader->status = mmn_fail(reader->error, MMN_INPUT, NULL,
                              MMN_PLACE("byte %zu", reader->position), "%s", message);
    longjmp(reader->escape, 1);
}

static void on_error(png_structp png, png_const_charp description)
{
    char message[256];
    snprintf(message, sizeof(message), "not a PNG image that can be read: %s", description);
    leave(png_get_error_ptr(png), message);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void on_read(png_structp png, png_bytep bytes, size_t count)
{
    png_reader *reader = png_get_io_ptr(png);
    if (count > reader->size - reader->position)
        leave(reader, "the PNG image is truncated");
    memcpy(bytes, reader->data + reader->position, count);
    reader->position += count;
}

/* Checks that every chunk up to the last, IEND, lies in the file: libpng would allocate what a
 * chunk's length says before it reads the chunk. Finds the two chunks that libpng is not asked
 * for, since Pillow takes them in forms and places in which libpng does not. */
static void find_chunks(png_reader *reader)
{
    for (reader->position = 8; reader->position + 12 <= reader->size;) {
        const uint8_t *chunk = reader->data + reader->position;
        size_t length = png_get_uint_32(chunk);
        if (length > reader->size - reader->position - 12)
            break;
        if (memcmp(chunk + 4, "eXIf", 4) == 0) {
            reader->exif = chunk + 8;
            reader->exif_size = length;
        } else if (memcmp(chunk + 4, "tRNS", 4) == 0) {
            reader->transparency = chunk + 8;
            reader->transparency_size = length;
        } else if (memcmp(chunk + 4, "tEXt", 4) == 0) {
            reader->plain_texts++;
        } else if (memcmp(chunk + 4, "zTXt", 4) == 0 || memcmp(chunk + 4, "iTXt", 4) == 0) {
            if (++reader->compressed_texts > MAXIMUM_TEXTS)
                leave(reader, "the PNG image has too many texts");
        } else if (memcmp(chunk + 4, "IEND", 4) == 0) {
            reader->position = 0;
            return;
        }
        reader->position += length + 12;
    }
    leave(reader, "the PNG image is truncated");
}

/* libpng skips what does not change the pixels that Pillow gives: less to attack. */
static void ignore_chunks(png_structp png)
{
    static const char names[] = "bKGD\0cHRM\0gAMA\0hIST\0iCCP\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0"
                                "sRGB\0sTER\0tIME\0tRNS\0eXIf";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, (png_const_bytep)names,
                                sizeof(names) / 5);
}

/* ImageMagick's way to keep EXIF data in a text: "\nexif\n    size\n", then hexadecimal digits in
 * lines. It is decoded in place. */
static unsigned raw_profile_orientation(char *text, size_t length, mmn_resize_order pillow)
{
    size_t lines = 0, i = 0, size = 0;
    while (i < length && lines < 3)
        lines += text[i++] == '\n';
    uint8_t *bytes = (uint8_t *)text;
    for (; i < length; i++) {
        int high = mmn_hexadecimal_value(text[i]);
        int low = i + 1 < length ? mmn_hexadecimal_value(text[i + 1]) : -1;
        if (high >= 0 && low >= 0) {
            bytes[size++] = (uint8_t)(high << 4 | low);
            i++;
        }
    }
    return mmn_exif_orientation(bytes, size, pillow);
}

static unsigned orientation_of(png_reader *reader)
{
    png_textp texts = NULL;
    int count = 0;
    unsigned by_exif = 0, by_xmp = 0;
    png_get_text(reader->png, reader->info, &texts, &count);
    if (reader->exif)
        by_exif = mmn_exif_orientation(reader->exif, reader->exif_size, reader->pillow);
    for (int i = 0; i < count; i++) {
        png_text *text = &texts[i];
        size_t length = text->compression > 0 ? text->itxt_length : text->text_length;
        if (!reader->exif && strcmp(text->key, "Raw profile type exif") == 0)
            by_exif = raw_profile_orientation(text->text, length, reader->pillow);
        else if (strcmp(text->key, "XML:com.adobe.xmp") == 0)
            by_xmp = mmn_xmp_orientation((const uint8_t *)text->text, length);
    }
    return by_exif ? by_exif : by_xmp;
}

/* The palette entry that alone is transparent, all others being opaque; or -1. */
static int transparent_entry(const png_reader *reader)
{
    int entry = -1;
    for (size_t i = 0; i < reader->transparency_size; i++) {
        uint8_t alpha = reader->transparency[i];
        if (alpha != 255 && (alpha != 0 || entry >= 0))
            return -1;
        if (alpha == 0)
            entry = (int)i;
    }
    return entry;
}

/* The colour that Pillow's convert("RGB") still calls transparent. Samples of less than 8 bits are
 * compared as if they had 8, and 1 and 16 bits of grey as if they were a value of red alone. */
static void find_key(png_reader *reader, int colour, int depth)
{
    mmn_image *image = reader->image;
    const uint8_t *data = reader->transparency;
    if (!data)
        return;
    if (colour == PNG_COLOR_TYPE_PALETTE) {
        int entry = transparent_entry(reader), count = 0;
        png_colorp palette = NULL;
        png_get_PLTE(reader->png, reader->info, &palette, &count);
        image->has_key = entry >= 0;
        if (entry >= 0 && entry < count) {
            image->key[0] = palette[entry].red;
            image->key[1] = palette[entry].green;
            image->key[2] = palette[entry].blue;
        }
    } else if (colour == PNG_COLOR_TYPE_GRAY && reader->transparency_size >= 2) {
        uint8_t grey = data[0] ? 255 : data[1];
        image->has_key = 1;
        if (depth == 1)
            image->key[0] = data[0] || data[1] ? 255 : 0;
        else if (depth == 16)
            image->key[0] = data[1];
        else
            memset(image->key, grey, 3);
    } else if (colour == PNG_COLOR_TYPE_RGB && reader->transparency_size >= 6) {
        image->has_key = 1;
        for (size_t i = 0; i < 3; i++)
            image->key[i] = data[2 * i + 1];
    }
}

/* Big-endian 16-bit grey at the start of an RGB row to 8 bits: larger values become 255. From the
 * right, so that no sample is overwritten before it is read. */
static void wide_grey_to_rgb(uint8_t *row, size_t width)
{
    for (size_t x = width; x-- > 0;) {
        uint8_t value = row[2 * x] ? 255 : row[2 * x + 1];
        row[3 * x] = row[3 * x + 1] = row[3 * x + 2] = value;
    }
}

/* Reads the whole file. Everything that libpng may jump over belongs to `reader`. */
static void read_image(png_reader *reader)
{
    png_structp png = reader->png;
    png_infop info = reader->info;
    find_chunks(reader);
    png_set_read_fn(png, reader, on_read);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_benign_errors(png, 1);
    png_set_chunk_malloc_max(png, MAXIMUM_CHUNK_BYTES);
    /* All texts, since any of them may be the one that says which way up the image is. To libpng 1
     * means none, and it stops there. */
    png_set_chunk_cache_max(png, reader->plain_texts + reader->compressed_texts + 2);
#ifdef PNG_MAXIMUM_INFLATE_WINDOW
    /* Some writers declare a smaller window than their data needs. */
    png_set_option(png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
#endif
    ignore_chunks(png);
    png_read_info(png, info);

    size_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
    int depth = png_get_bit_depth(png, info), colour = png_get_color_type(png, info);
    if (height > reader->size * (uint64_t)MAXIMUM_EXPANSION / png_get_rowbytes(png, info))
        leave(reader, "the PNG image is truncated: it has more pixels than bytes for them");
    bool wide_grey = colour == PNG_COLOR_TYPE_GRAY && depth == 16;
    if (!wide_grey) {
        png_set_strip_16(png);
        png_set_strip_alpha(png);
        if (colour == PNG_COLOR_TYPE_PALETTE)
            png_set_palette_to_rgb(png);
        else if (colour == PNG_COLOR_TYPE_GRAY || colour == PNG_COLOR_TYPE_GRAY_ALPHA) {
            png_set_expand_gray_1_2_4_to_8(png);
            png_set_gray_to_rgb(png);
        }
    }
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_rowbytes(png, info) != width * (wide_grey ? 2 : 3))
        leave(reader, "libpng gives rows of an unexpected length");
    reader->status = mmn_image_create(reader->image, width, height, reader->error);
    if (reader->status != MMN_OK)
        longjmp(reader->escape, 1);

    uint8_t *rgb = reader->image->rgb;
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < height; y++)
            png_read_row(png, rgb + y * width * 3, NULL);
    png_read_end(png, info);
    for (size_t y = 0; wide_grey && y < height; y++)
        wide_grey_to_rgb(rgb + y * width * 3, width);
    find_key(reader, colour, depth);
    reader->status = mmn_image_upright(reader->image, orientation_of(reader), reader->error);
}

/* Runs read_image; libpng's errors come back here. */
static void guard(png_reader *reader)
{
    if (setjmp(reader->escape) == 0)
        read_image(reader);
}

mmn_status mmn_png_decode(mmn_image *image, const uint8_t *data, size_t size,
                          mmn_resize_order pillow, mmn_error *error)
{
    png_reader *reader = mmn_allocate(1, sizeof(*reader), error);
    MMN_NEED(reader);
    *reader =
        (png_reader){.data = data, .size = size, .pillow = pillow, .image = image, .error = error};
    reader->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, reader, on_error, on_warning,
                                           reader, take_memory, give_memory_back);
    if (reader->png)
        reader->info = png_create_info_struct(reader->png);
    if (reader->info)
        guard(reader);
    if (!reader->info || reader->lacked_memory)
        reader->status =
            mmn_fail(error, MMN_SYSTEM, NULL, NULL, "out of memory: libpng asked for some");
    mmn_status status = reader->status;
    png_destroy_read_struct(&reader->png, &reader->info, NULL);
    mmn_free(reader);
    return status;
}

#endif
