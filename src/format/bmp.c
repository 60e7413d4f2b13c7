/* BMP files to RGB, with the conversions of Pillow. */
#include "format/decoders.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"

/* Values of the header's field "compression". */
enum { PLAIN = 0, RUNS_OF_8 = 1, RUNS_OF_4 = 2, MASKS = 3 };

/* How a row's bits become pixels. */
typedef enum layout {
    LAYOUT_BITS,    /* 0 is black and 1 is white */
    LAYOUT_GREY,    /* a byte of grey */
    LAYOUT_PALETTE, /* 1, 4 or 8 bits of an index */
    LAYOUT_555,     /* 16 bits */
    LAYOUT_565,
    LAYOUT_BYTES /* 3 or 4 bytes, of which `places` are red, green and blue */
} layout;

/* The state of one decoding. */
typedef struct bmp_reader {
    const uint8_t *data;
    size_t size, position;
    uint32_t header_size, width, height, compression, colours;
    unsigned bits;
    bool top_down;
    uint32_t masks[4]; /* red, green, blue, alpha */
    uint64_t pixels;   /* where they begin */
    layout layout;
    uint8_t places[3];
    uint8_t palette[256][3];
    mmn_image *image;
    mmn_error *error;
} bmp_reader;

static mmn_status fail(const bmp_reader *reader, const char *message)
{
    return mmn_fail(reader->error, MMN_INPUT, NULL, MMN_PLACE("byte %zu", reader->position), "%s",
                    message);
}

static mmn_status truncated(const bmp_reader *reader)
{
    return fail(reader, "the BMP image is truncated");
}

/* The header, in the forms of OS/2 and of Windows; leaves the position behind it and its masks. */
static mmn_status read_header(bmp_reader *reader)
{
    reader->position = 14;
    if (reader->size < 18)
        return truncated(reader);
    const uint8_t *header = reader->data + 14;
    uint32_t size = mmn_load_u32(header);
    bool known = size == 12 || size == 40 || size == 52 || size == 56 || size == 64 ||
                 size == 108 || size == 124;
    if (!known)
        return fail(reader, "a BMP header of this length is not supported");
    if (size > reader->size - 14)
        return truncated(reader);
    reader->header_size = size;
    reader->pixels = mmn_load_u32(reader->data + 10);
    reader->position = 14 + size;
    if (size == 12) {
        reader->width = mmn_load_u16(header + 4);
        reader->height = mmn_load_u16(header + 6);
        reader->bits = mmn_load_u16(header + 10);
        return MMN_OK;
    }
    /* A negative height, by its highest byte: rows follow from the top. */
    reader->top_down = header[11] == 0xff;
    reader->width = mmn_load_u32(header + 4);
    reader->height = mmn_load_u32(header + 8);
    if (reader->top_down)
        reader->height = 0 - reader->height;
    reader->bits = mmn_load_u16(header + 14);
    reader->compression = mmn_load_u32(header + 16);
    reader->colours = mmn_load_u32(header + 32);
    if (reader->compression != MASKS)
        return MMN_OK;
    size_t count = size >= 56 ? 4 : 3, place = 14 + 40;
    if (size == 40) {
        if (reader->size - reader->position < 12)
            return truncated(reader);
        reader->position += 12;
    }
    for (size_t i = 0; i < count; i++)
        reader->masks[i] = mmn_load_u32(reader->data + place + 4 * i);
    return MMN_OK;
}

/* The layouts with masks that Pillow knows, and where each colour's byte is. */
static mmn_status use_masks(bmp_reader *reader)
{
    static const struct {
        uint32_t masks[4];
        uint8_t places[3];
    } known[] = {
        {{0xff0000, 0xff00, 0xff, 0}, {2, 1, 0}},
        {{0xff000000, 0xff0000, 0xff00, 0}, {3, 2, 1}},
        {{0xff000000, 0xff00, 0xff, 0}, {3, 1, 0}},
        {{0xff000000, 0xff0000, 0xff00, 0xff}, {3, 2, 1}},
        {{0xff, 0xff00, 0xff0000, 0xff000000}, {0, 1, 2}},
        {{0xff0000, 0xff00, 0xff, 0xff000000}, {2, 1, 0}},
        {{0xff000000, 0xff00, 0xff, 0xff0000}, {3, 1, 0}},
        {{0, 0, 0, 0}, {2, 1, 0}},
    };
    static const uint32_t masks_565[] = {0xf800, 0x7e0, 0x1f}, masks_555[] = {0x7c00, 0x3e0, 0x1f};
    const uint32_t *masks = reader->masks;
    if (reader->bits == 32) {
        for (size_t i = 0; i < MMN_LENGTH(known); i++)
            if (memcmp(masks, known[i].masks, sizeof(known[i].masks)) == 0) {
                memcpy(reader->places, known[i].places, sizeof(reader->places));
                return MMN_OK;
            }
    } else if (reader->bits == 24) {
        if (memcmp(masks, known[0].masks, 12) == 0)
            return MMN_OK;
    } else if (reader->bits == 16) {
        bool is_565 = memcmp(masks, masks_565, sizeof(masks_565)) == 0;
        reader->layout = is_565 ? LAYOUT_565 : LAYOUT_555;
        if (is_565 || memcmp(masks, masks_555, sizeof(masks_555)) == 0)
            return MMN_OK;
    }
    return fail(reader, "BMP bit masks of this layout are not supported");
}

/* The palette. One that has the greys in their order, as Pillow checks it, makes the samples grey
 * whatever their number of bits. */
static mmn_status read_palette(bmp_reader *reader)
{
    if (reader->colours > 65536)
        return fail(reader, "a BMP palette of more than 65536 colours");
    size_t padding = reader->header_size == 12 ? 3 : 4, colours = reader->colours;
    size_t room = (reader->size - reader->position) / padding;
    size_t bytes = reader->size - reader->position;
    if (bytes > padding * colours)
        bytes = padding * colours;
    const uint8_t *palette = reader->data + reader->position;
    bool grey = true;
    for (size_t i = 0; i < colours && grey; i++) {
        uint8_t value = (uint8_t)(colours == 2 ? 255 * i : i);
        grey = i * padding + 3 <= bytes && palette[i * padding] == value &&
               palette[i * padding + 1] == value && palette[i * padding + 2] == value;
    }
    reader->position += bytes;
    reader->layout = !grey ? LAYOUT_PALETTE : colours == 2 ? LAYOUT_BITS : LAYOUT_GREY;
    if (grey)
        return MMN_OK;
    if (bytes > padding * 256)
        return fail(reader, "a BMP palette of more than 256 colours");
    for (size_t i = 0; i < colours && i < room && i < 256; i++)
        for (size_t channel = 0; channel < 3; channel++)
            reader->palette[i][channel] = palette[i * padding + 2 - channel];
    return MMN_OK;
}

/* Finds the layout and the first pixel. */
static mmn_status prepare(bmp_reader *reader)
{
    unsigned bits = reader->bits;
    bool runs = reader->compression == RUNS_OF_8 || reader->compression == RUNS_OF_4;
    if (bits != 1 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32)
        return fail(reader, "a BMP image must have 1, 4, 8, 16, 24 or 32 bits a pixel");
    if (reader->compression > MASKS)
        return fail(reader, "a BMP image compressed in this way is not supported");
    if (reader->colours == 0 && bits <= 8)
        reader->colours = 1u << bits;
    if (reader->pixels == 14 + (uint64_t)reader->header_size && bits <= 8)
        reader->pixels += 4 * (uint64_t)reader->colours;
    reader->layout = bits == 16 ? LAYOUT_555 : LAYOUT_BYTES;
    memcpy(reader->places, (const uint8_t[]){2, 1, 0}, 3);
    if (reader->compression == MASKS)
        MMN_TRY(use_masks(reader));
    else if (bits <= 8)
        MMN_TRY(read_palette(reader));
    if (runs && reader->layout != LAYOUT_PALETTE && reader->layout != LAYOUT_GREY)
        return fail(reader, "run-length encoded BMP images must have a palette");
    if (reader->pixels == 0)
        reader->pixels = reader->position;
    return MMN_OK;
}

/* Pixels of `row` from their samples, whose meaning the layout says; indices have `bits` bits. */
static void row_to_rgb(const bmp_reader *reader, uint8_t *row, const uint8_t *samples,
                       unsigned bits)
{
    size_t step = reader->bits / 8;
    for (size_t x = 0; x < reader->width; x++) {
        uint8_t *rgb = row + 3 * x;
        unsigned sample = bits < 8 ? samples[x * bits / 8] >> (8 - bits - x * bits % 8) &
                                         ((1u << bits) - 1)
                                   : samples[x * (bits / 8)];
        if (reader->layout == LAYOUT_BITS) {
            memset(rgb, sample ? 255 : 0, 3);
        } else if (reader->layout == LAYOUT_GREY) {
            memset(rgb, (int)sample, 3);
        } else if (reader->layout == LAYOUT_PALETTE) {
            memcpy(rgb, reader->palette[sample], 3);
        } else if (reader->layout == LAYOUT_BYTES) {
            for (size_t channel = 0; channel < 3; channel++)
                rgb[channel] = samples[step * x + reader->places[channel]];
        } else {
            unsigned pixel = mmn_load_u16(samples + 2 * x);
            unsigned high = reader->layout == LAYOUT_565 ? 11 : 10;
            unsigned green = reader->layout == LAYOUT_565 ? 63 : 31;
            rgb[0] = (uint8_t)((pixel >> high & 31) * 255 / 31);
            rgb[1] = (uint8_t)((pixel >> 5 & green) * 255 / green);
            rgb[2] = (uint8_t)((pixel & 31) * 255 / 31);
        }
    }
}

static uint8_t *row_of(const bmp_reader *reader, size_t y)
{
    size_t row = reader->top_down ? y : reader->height - 1 - y;
    return reader->image->rgb + row * reader->width * 3;
}

static mmn_status read_plain(bmp_reader *reader)
{
    unsigned bits = reader->layout == LAYOUT_BITS   ? 1
                    : reader->layout == LAYOUT_GREY ? 8
                                                    : reader->bits;
    uint64_t stride = (((uint64_t)reader->width * reader->bits + 31) >> 3) & ~(uint64_t)3;
    uint64_t bytes = ((uint64_t)reader->width * bits + 7) / 8;
    if (bytes > stride)
        return fail(reader, "the palette is of 8-bit grey, but the samples are shorter");
    if (reader->width == 0 || reader->height == 0)
        return mmn_image_create(reader->image, reader->width, reader->height, reader->error);
    if (reader->pixels > reader->size || reader->size - reader->pixels < bytes ||
        (reader->size - reader->pixels - bytes) / stride < reader->height - 1)
        return truncated(reader);
    MMN_TRY(mmn_image_create(reader->image, reader->width, reader->height, reader->error));
    for (size_t y = 0; y < reader->height; y++)
        row_to_rgb(reader, row_of(reader, y), reader->data + reader->pixels + y * stride, bits);
    return MMN_OK;
}

/* Where the runs of a compressed image go: indices, in the order of the file. */
typedef struct index_writer {
    uint8_t *indices;
    uint64_t length, made; /* what is written beyond the length is dropped */
} index_writer;

static void put(index_writer *writer, uint8_t index)
{
    if (writer->made < writer->length)
        writer->indices[writer->made] = index;
    writer->made++;
}

/* `count` samples that the file holds one by one. Of an odd number of 4-bit ones the last is lost,
 * as in Pillow. Returns false at the end of the file. */
static bool put_samples(bmp_reader *reader, index_writer *writer, size_t count)
{
    bool halves = reader->compression == RUNS_OF_4;
    size_t bytes = halves ? count / 2 : count;
    for (size_t i = 0; i < bytes; i++) {
        if (reader->position >= reader->size)
            return false;
        uint8_t byte = reader->data[reader->position++];
        put(writer, halves ? byte >> 4 : byte);
        if (halves)
            put(writer, byte & 15);
    }
    reader->position += reader->position % 2;
    return true;
}

/* Undoes the run-length encoding, up to its end mark, the last pixel or the end of the file. */
static void expand(bmp_reader *reader, index_writer *writer)
{
    uint64_t x = 0, width = reader->width;
    while (writer->made < writer->length && reader->position + 2 <= reader->size) {
        const uint8_t *code = reader->data + reader->position;
        reader->position += 2;
        if (code[0] > 0) {
            uint64_t count = x + code[0] > width ? (x > width ? 0 : width - x) : code[0];
            for (uint64_t i = 0; i < count; i++)
                put(writer, reader->compression == RUNS_OF_8 ? code[1]
                            : i % 2                          ? code[1] & 15
                                                             : code[1] >> 4);
            x += count;
        } else if (code[1] == 0) {
            writer->made = (writer->made + width - 1) / width * width;
            x = 0;
        } else if (code[1] == 1) {
            return;
        } else if (code[1] == 2) {
            /* Pillow reads the two bytes of the step and then takes the next two. */
            if (reader->position + 4 > reader->size)
                return;
            writer->made += code[4] + code[5] * width;
            reader->position += 4;
            x = writer->made % width;
        } else {
            if (!put_samples(reader, writer, code[1]))
                return;
            x += code[1];
        }
    }
}

static mmn_status read_runs(bmp_reader *reader)
{
    MMN_TRY(mmn_image_create(reader->image, reader->width, reader->height, reader->error));
    index_writer writer = {.length = (uint64_t)reader->width * reader->height};
    MMN_NEED(writer.indices = mmn_allocate(writer.length, 1, reader->error));
    reader->position = reader->pixels > reader->size ? reader->size : reader->pixels;
    expand(reader, &writer);
    for (size_t y = 0; y < reader->height; y++)
        row_to_rgb(reader, row_of(reader, y), writer.indices + y * reader->width, 8);
    mmn_free(writer.indices);
    return writer.made < writer.length ? truncated(reader) : MMN_OK;
}

mmn_status mmn_bmp_decode(mmn_image *image, const uint8_t *data, size_t size,
                          mmn_resize_order pillow, mmn_error *error)
{
    (void)pillow;
    bmp_reader reader = {.data = data, .size = size, .image = image, .error = error};
    MMN_TRY(read_header(&reader));
    MMN_TRY(prepare(&reader));
    return reader.compression == RUNS_OF_8 || reader.compression == RUNS_OF_4 ? read_runs(&reader)
                                                                              : read_plain(&reader);
}
