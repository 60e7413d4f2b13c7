/* pixel_values: an image as the vision tower reads it. */
#include "image/pixel_values.h"

#include <string.h>

#include "base/memory.h"
#include "image/anyres.h"
#include "image/resize.h"

/* What all tiles of one image share. */
typedef struct tile_maker {
    const mmn_image_settings *settings;
    mmn_resize_settings resize;
    float values[3][256]; /* the value of each byte in each channel */
    mmn_pixel_values *pixels;
    size_t made; /* tiles done */
} tile_maker;

/* Rescaling and normalising as NumPy does them: the product in binary64 and rounded, then the
 * difference and the quotient in binary32. A function of channel and byte, hence a table. */
static void make_values(float values[3][256], const mmn_image_settings *settings)
{
    for (size_t channel = 0; channel < 3; channel++) {
        float mean = (float)settings->mean[channel], std = (float)settings->std[channel];
        for (size_t byte = 0; byte < 256; byte++) {
            float value = (float)byte;
            if (settings->do_rescale)
                value = (float)((double)byte * settings->rescale_factor);
            if (settings->do_normalize)
                value = (value - mean) / std;
            values[channel][byte] = value;
        }
    }
}

/* The size that `settings` resize `image` to. */
static void resized_size(size_t *height, size_t *width, const mmn_image_settings *settings,
                         const mmn_image *image)
{
    if (settings->shortest_edge == 0) {
        *height = settings->size.height;
        *width = settings->size.width;
        return;
    }
    bool upright = image->width <= image->height;
    double shorter = (double)(upright ? image->width : image->height);
    double longer = (double)(upright ? image->height : image->width);
    size_t new_longer = (size_t)((double)settings->shortest_edge * longer / shorter);
    *height = upright ? new_longer : settings->shortest_edge;
    *width = upright ? settings->shortest_edge : new_longer;
}

/* Where `crop` of `size` pixels along one axis come from: `*kept` of them from *first on, placed
 * *offset pixels into the crop, the others being black. Centred as in NumPy's center_crop. */
static void centre(size_t *first, size_t *kept, size_t *offset, size_t size, size_t crop)
{
    *first = size > crop ? (size - crop) / 2 : 0;
    *kept = size > crop ? crop : size;
    *offset = size < crop ? (crop - size + 1) / 2 : 0;
}

/* Resizes, crops and normalises `image` to the next tile. */
static mmn_status make_tile(tile_maker *maker, const mmn_image *image, mmn_error *error)
{
    const mmn_image_settings *settings = maker->settings;
    mmn_pixel_values *pixels = maker->pixels;
    size_t height = image->height, width = image->width;
    if (settings->do_resize)
        resized_size(&height, &width, settings, image);
    mmn_window window = {0, 0, height, width};
    size_t tile_height = height, tile_width = width, top = 0, left = 0;
    if (settings->do_center_crop) {
        tile_height = settings->crop_size.height;
        tile_width = settings->crop_size.width;
        centre(&window.top, &window.height, &top, height, tile_height);
        centre(&window.left, &window.width, &left, width, tile_width);
    }

    if (maker->made == 0) {
        pixels->height = tile_height;
        pixels->width = tile_width;
        size_t plane;
        if (!mmn_multiply_sizes(tile_height, tile_width, &plane) ||
            plane > MMN_IMAGE_MAXIMUM_PIXELS / pixels->tiles)
            return mmn_fail(error, MMN_INPUT, NULL, NULL,
                            "%zu tiles of %zux%zu pixels are too many: check the image processor's "
                            "size, crop_size and image_grid_pinpoints",
                            pixels->tiles, tile_width, tile_height);
        pixels->values = mmn_allocate(pixels->tiles * plane, 3 * sizeof(*pixels->values), error);
        if (!pixels->values)
            return MMN_SYSTEM;
    } else if (tile_height != pixels->height || tile_width != pixels->width) {
        return mmn_fail(error, MMN_INPUT, NULL, NULL,
                        "the image processor makes tiles of different sizes, %zux%zu and %zux%zu: "
                        "check its size, crop_size and image_grid_pinpoints",
                        pixels->width, pixels->height, tile_width, tile_height);
    }

    mmn_image resized;
    MMN_TRY(mmn_image_resize(&resized, image, width, height, window, &maker->resize, error));
    for (size_t channel = 0; channel < 3; channel++) {
        const float *values = maker->values[channel];
        float *plane = pixels->values + (maker->made * 3 + channel) * tile_height * tile_width;
        if (resized.width < tile_width || resized.height < tile_height)
            for (size_t i = 0; i < tile_height * tile_width; i++)
                plane[i] = values[0];
        for (size_t y = 0; y < resized.height; y++) {
            float *row = plane + (top + y) * tile_width + left;
            const uint8_t *bytes = resized.rgb + y * resized.width * 3 + channel;
            for (size_t x = 0; x < resized.width; x++)
                row[x] = values[bytes[x * 3]];
        }
    }
    mmn_image_free(&resized);
    maker->made++;
    return MMN_OK;
}

/* `inner` on a canvas of the given size, with its top left corner at (top, left). */
static mmn_status pad(mmn_image *padded, const mmn_image *inner, size_t height, size_t width,
                      size_t top, size_t left, const uint8_t background[3], mmn_error *error)
{
    MMN_TRY(mmn_image_create(padded, width, height, error));
    for (size_t i = 0; i < height * width; i++)
        memcpy(padded->rgb + i * 3, background, 3);
    for (size_t y = 0; y < inner->height; y++)
        memcpy(padded->rgb + ((top + y) * width + left) * 3, inner->rgb + y * inner->width * 3,
               inner->width * 3);
    return MMN_OK;
}

/* One tile of the whole image, padded to a square of the mean colour first if so set. */
static mmn_status make_single(tile_maker *maker, const mmn_image *image, mmn_error *error)
{
    const mmn_image_settings *settings = maker->settings;
    maker->pixels->tiles = 1;
    if (!settings->pad_to_square || image->width == image->height)
        return make_tile(maker, image, error);

    uint8_t background[3];
    for (size_t channel = 0; channel < 3; channel++)
        background[channel] = (uint8_t)(settings->mean[channel] * 255);
    size_t side = image->width > image->height ? image->width : image->height;
    mmn_image square;
    mmn_status status = pad(&square, image, side, side, (side - image->height) / 2,
                            (side - image->width) / 2, background, error);
    if (status != MMN_OK)
        return status;
    status = make_tile(maker, &square, error);
    mmn_image_free(&square);
    return status;
}

/* `image` scaled to fit into `target`, centred on black. */
static mmn_status fit(mmn_image *fitted, const mmn_image *image, mmn_resolution target,
                      const mmn_resize_settings *resize, mmn_error *error)
{
    mmn_resolution size = mmn_anyres_resized(
        target, (mmn_resolution){(uint32_t)image->height, (uint32_t)image->width});
    mmn_window all = {0, 0, size.height, size.width};
    const uint8_t black[3] = {0, 0, 0};
    mmn_image resized;
    mmn_status status =
        mmn_image_resize(&resized, image, size.width, size.height, all, resize, error);
    if (status != MMN_OK)
        return status;
    status = pad(fitted, &resized, target.height, target.width,
                 (target.height - size.height) / 2, (target.width - size.width) / 2, black, error);
    mmn_image_free(&resized);
    return status;
}

static size_t divide_up(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* LLaVA-NeXT: the whole image squeezed to one tile, then the tiles of the best pinpoint. */
static mmn_status make_tiles(tile_maker *maker, const mmn_image *image, mmn_error *error)
{
    const mmn_image_settings *settings = maker->settings;
    mmn_resolution whole = settings->size;
    if (settings->shortest_edge > 0)
        whole = (mmn_resolution){settings->shortest_edge, settings->shortest_edge};
    size_t side = settings->crop_size.height;
    mmn_resolution best = mmn_anyres_select(
        settings->grid_pinpoints, settings->grid_pinpoint_count,
        (mmn_resolution){(uint32_t)image->height, (uint32_t)image->width});
    maker->pixels->tiles = 1 + divide_up(best.height, side) * divide_up(best.width, side);

    mmn_image base = {0}, fitted = {0};
    mmn_window all = {0, 0, whole.height, whole.width};
    mmn_status status = mmn_image_resize(&base, image, whole.width, whole.height, all,
                                         &maker->resize, error);
    if (status == MMN_OK)
        status = make_tile(maker, &base, error);
    if (status == MMN_OK)
        status = fit(&fitted, image, best, &maker->resize, error);
    for (size_t top = 0; status == MMN_OK && top < best.height; top += side) {
        for (size_t left = 0; status == MMN_OK && left < best.width; left += side) {
            mmn_window window = {top, left, side, side};
            if (window.height > best.height - top)
                window.height = best.height - top;
            if (window.width > best.width - left)
                window.width = best.width - left;
            mmn_image tile;
            status = mmn_image_resize(&tile, &fitted, best.width, best.height, window,
                                      &maker->resize, error);
            if (status == MMN_OK)
                status = make_tile(maker, &tile, error);
            mmn_image_free(&tile);
        }
    }
    mmn_image_free(&base);
    mmn_image_free(&fitted);
    return status;
}

mmn_status mmn_pixel_values_make(mmn_pixel_values *pixels, const mmn_image_settings *settings,
                                 const mmn_image *image, const mmn_kernels *kernels,
                                 mmn_error *error)
{
    *pixels = (mmn_pixel_values){0};
    tile_maker maker = {
        .settings = settings,
        .resize = {settings->resample, settings->resize_order, kernels},
        .pixels = pixels,
    };
    make_values(maker.values, settings);
    mmn_status status = settings->processor == MMN_PROCESSOR_LLAVA_NEXT
                            ? make_tiles(&maker, image, error)
                            : make_single(&maker, image, error);
    if (status != MMN_OK)
        mmn_pixel_values_free(pixels);
    return status;
}

void mmn_pixel_values_free(mmn_pixel_values *pixels)
{
    mmn_free(pixels->values);
    *pixels = (mmn_pixel_values){0};
}
