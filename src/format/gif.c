/* GIF files to RGB, by giflib, with the conversions of Pillow. */
#include "format/decoders.h"

#ifdef HAVE_GIFLIB

#include <gif_lib.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"

/* Deflate's and LZW's best: 4096 pixels for a code of 12 bits. */
#define MAXIMUM_EXPANSION 4096

/* The state of one decoding; giflib's callback finds it. */
typedef struct gif_reader {
    GifFileType *gif;
    const uint8_t *data;
    size_t size, position;
    int transparent; /* the index that the frame calls transparent, or -1 */
    uint8_t *row;    /* the indices of one row */
    mmn_image *image;
    mmn_error *error;
} gif_reader;

static int on_read(GifFileType *gif, GifByteType *bytes, int count)
{
    gif_reader *reader = gif->UserData;
    size_t left = reader->size - reader->position, wanted = count > 0 ? (size_t)count : 0;
    if (wanted > left)
        wanted = left;
    memcpy(bytes, reader->data + reader->position, wanted);
    reader->position += wanted;
    return (int)wanted;
}

static mmn_status fail(const gif_reader *reader, int code)
{
    if (code == D_GIF_ERR_NOT_ENOUGH_MEM)
        return mmn_fail(reader->error, MMN_SYSTEM, NULL, NULL,
                        "out of memory while decoding a GIF image");
    const char *reason = reader->position >= reader->size ? "it is truncated"
                                                          : GifErrorString(code);
    return mmn_fail(reader->error, MMN_INPUT, NULL, NULL, "not a GIF image that can be read: %s",
                    reason ? reason : "it is damaged");
}

/* Reads extensions up to the first image, whose transparent index one of them may say. */
static mmn_status find_image(gif_reader *reader)
{
    GifFileType *gif = reader->gif;
    for (;;) {
        GifRecordType type;
        GifByteType *block = NULL;
        int code;
        if (DGifGetRecordType(gif, &type) != GIF_OK)
            return fail(reader, gif->Error);
        if (type == TERMINATE_RECORD_TYPE)
            return mmn_fail(reader->error, MMN_INPUT, NULL, NULL, "the GIF file has no image");
        if (type == IMAGE_DESC_RECORD_TYPE)
            return DGifGetImageDesc(gif) == GIF_OK ? MMN_OK : fail(reader, gif->Error);
        if (type != EXTENSION_RECORD_TYPE)
            continue;
        if (DGifGetExtension(gif, &code, &block) != GIF_OK)
            return fail(reader, gif->Error);
        if (code == GRAPHICS_EXT_FUNC_CODE && block && block[0] >= 4 && block[1] & 1)
            reader->transparent = block[4];
        while (block)
            if (DGifGetExtensionNext(gif, &block) != GIF_OK)
                return fail(reader, gif->Error);
    }
}

/* Whether the colours are the greys in their order, which Pillow takes for no palette. */
static bool is_grey(const ColorMapObject *map)
{
    for (int i = 0; i < map->ColorCount; i++)
        if (map->Colors[i].Red != i || map->Colors[i].Green != i || map->Colors[i].Blue != i)
            return false;
    return true;
}

/* The colour of each index: the frame's palette or the file's, else grey. A frame's palette of
 * greys is to Pillow as none, too: the file's counts. */
static void find_colours(const gif_reader *reader, uint8_t colours[256][3])
{
    const ColorMapObject *map = reader->gif->Image.ColorMap;
    if (!map || is_grey(map))
        map = reader->gif->SColorMap;
    bool grey = !map || is_grey(map);
    for (int i = 0; i < 256; i++) {
        if (grey) {
            memset(colours[i], i, 3);
        } else if (i < map->ColorCount) {
            colours[i][0] = map->Colors[i].Red;
            colours[i][1] = map->Colors[i].Green;
            colours[i][2] = map->Colors[i].Blue;
        }
    }
}

/* Reads the rows of the frame, which may come in four passes, onto the canvas. */
static mmn_status read_rows(gif_reader *reader, const uint8_t colours[256][3])
{
    static const size_t starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
    const GifImageDesc *frame = &reader->gif->Image;
    size_t left = (size_t)frame->Left, top = (size_t)frame->Top;
    size_t width = (size_t)frame->Width, height = (size_t)frame->Height;
    for (size_t pass = 0; pass < (frame->Interlace ? 4 : 1); pass++) {
        size_t y = frame->Interlace ? starts[pass] : 0, step = frame->Interlace ? steps[pass] : 1;
        for (; y < height; y += step) {
            if (DGifGetLine(reader->gif, reader->row, frame->Width) != GIF_OK)
                return fail(reader, reader->gif->Error);
            uint8_t *rgb = reader->image->rgb + ((top + y) * reader->image->width + left) * 3;
            for (size_t x = 0; x < width; x++)
                memcpy(rgb + 3 * x, colours[reader->row[x]], 3);
        }
    }
    return MMN_OK;
}

static mmn_status read_image(gif_reader *reader)
{
    MMN_TRY(find_image(reader));
    const GifFileType *gif = reader->gif;
    const GifImageDesc *frame = &gif->Image;
    size_t width = (size_t)gif->SWidth, height = (size_t)gif->SHeight;
    if (frame->Width <= 0 || frame->Height <= 0)
        return mmn_fail(reader->error, MMN_INPUT, NULL, NULL, "the GIF image has no pixels");
    if ((uint64_t)frame->Width * (uint64_t)frame->Height >
        reader->size * (uint64_t)MAXIMUM_EXPANSION)
        return mmn_fail(reader->error, MMN_INPUT, NULL, NULL,
                        "the GIF image is truncated: it has more pixels than bytes for them");
    /* A frame that reaches beyond the canvas enlarges it. */
    if ((size_t)frame->Left + (size_t)frame->Width > width)
        width = (size_t)frame->Left + (size_t)frame->Width;
    if ((size_t)frame->Top + (size_t)frame->Height > height)
        height = (size_t)frame->Top + (size_t)frame->Height;
    MMN_TRY(mmn_image_create(reader->image, width, height, reader->error));
    MMN_NEED(reader->row = mmn_allocate((size_t)frame->Width, 1, reader->error));
    uint8_t colours[256][3] = {{0}};
    find_colours(reader, colours);
    int background = reader->transparent >= 0 ? reader->transparent : 0;
    for (size_t i = 0; i < width * height; i++)
        memcpy(reader->image->rgb + 3 * i, colours[background], 3);
    if (reader->transparent >= 0) {
        reader->image->has_key = true;
        memcpy(reader->image->key, colours[reader->transparent], 3);
    }
    return read_rows(reader, (const uint8_t(*)[3])colours);
}

mmn_status mmn_gif_decode(mmn_image *image, const uint8_t *data, size_t size,
                          mmn_resize_order pillow, mmn_error *error)
{
    (void)pillow;
    int code = 0;
    gif_reader reader = {
        .data = data, .size = size, .transparent = -1, .image = image, .error = error};
    reader.gif = DGifOpen(&reader, on_read, &code);
    mmn_status status = reader.gif ? read_image(&reader) : fail(&reader, code);
    if (reader.gif)
        DGifCloseFile(reader.gif, &code);
    mmn_free(reader.row);
    return status;
}

#endif
