/* WebP files to RGB, by libwebp, with the conversions of Pillow. */
#include "format/decoders.h"

#ifdef HAVE_LIBWEBP

#include <string.h>
#include <webp/demux.h>

static unsigned orientation_of(const WebPDemuxer *demuxer, mmn_resize_order pillow)
{
    WebPChunkIterator chunk;
    unsigned orientation = 0;
    if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
        orientation = mmn_exif_orientation(chunk.chunk.bytes, chunk.chunk.size, pillow);
        WebPDemuxReleaseChunkIterator(&chunk);
    }
    if (orientation == 0 && WebPDemuxGetChunk(demuxer, "XMP ", 1, &chunk)) {
        orientation = mmn_xmp_orientation(chunk.chunk.bytes, chunk.chunk.size);
        WebPDemuxReleaseChunkIterator(&chunk);
    }
    return orientation;
}

/* The first frame on its canvas. */
static mmn_status read_frame(mmn_image *image, const WebPData *file, mmn_error *error)
{
    WebPAnimDecoderOptions options;
    WebPAnimDecoder *decoder = NULL;
    uint8_t *rgba = NULL;
    int time = 0;
    if (WebPAnimDecoderOptionsInit(&options)) {
        options.color_mode = MODE_RGBA;
        decoder = WebPAnimDecoderNew(file, &options);
    }
    mmn_status status = MMN_OK;
    if (!decoder || !WebPAnimDecoderGetNext(decoder, &rgba, &time))
        status = mmn_fail(error, MMN_INPUT, NULL, NULL,
                          "not a WebP image that can be read: its data are damaged");
    for (size_t i = 0; status == MMN_OK && i < image->width * image->height; i++)
        memcpy(image->rgb + 3 * i, rgba + 4 * i, 3);
    WebPAnimDecoderDelete(decoder);
    return status;
}

mmn_status mmn_webp_decode(mmn_image *image, const uint8_t *data, size_t size,
                           mmn_resize_order pillow, mmn_error *error)
{
    const WebPData file = {data, size};
    /* Looks at the parts of the file only: nothing of the size of the image is allocated. */
    WebPDemuxer *demuxer = WebPDemux(&file);
    if (!demuxer)
        return mmn_fail(error, MMN_INPUT, NULL, NULL,
                        "not a WebP image that can be read: it is truncated or damaged");
    mmn_status status = mmn_image_create(image, WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH),
                                         WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT), error);
    unsigned orientation = orientation_of(demuxer, pillow);
    WebPDemuxDelete(demuxer);
    if (status == MMN_OK)
        status = read_frame(image, &file, error);
    if (status == MMN_OK)
        status = mmn_image_upright(image, orientation, error);
    return status;
}

#endif
