/* pixel_values: an image as the vision tower reads it, resized as Pillow does it: by the
 * coefficients of its ImagingResample, which two kernels apply. */
#include "image/pixel_values.h"

#include <string.h>

#include "base/memory.h"
#include "image/anyres.h"

/* ---- Resizing -------------------------------------------------------------------------------- */

/* A rectangle of pixels. */
typedef struct pixel_window {
    size_t top, left, height, width;
} pixel_window;

typedef struct resize_settings {
    mmn_resample resample;
    mmn_resize_order order;
    const mmn_kernels *kernels;
} resize_settings;

/* Fixed-point bits of the coefficients. */
#define PRECISION_BITS 22

/* The weights of one pass: output pixel i of the window is made of lengths[i] input pixels from
 * starts[i] on, with the weights coefficients[i * taps ...]. */
typedef struct resize_pass {
    int32_t *coefficients, *starts, *lengths;
    size_t taps;
} resize_pass;

static double bilinear(double x)
{
    if (x < 0.0)
        x = -x;
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* Keys' cubic with a = -0.5. */
static double bicubic(double x)
{
    const double a = -0.5;
    if (x < 0.0)
        x = -x;
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    if (x < 2.0)
        return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
    return 0.0;
}

static int32_t to_fixed_point(double weight)
{
    const double one = 1 << PRECISION_BITS;
    return (int32_t)(weight < 0.0 ? -0.5 + weight * one : 0.5 + weight * one);
}

static void pass_free(resize_pass *pass)
{
    mmn_free(pass->coefficients);
    mmn_free(pass->starts);
    mmn_free(pass->lengths);
}

/* The weights that make output pixels [first, first + count) of `output_size` from `input_size`
 * pixels; every operation in the order of Pillow's precompute_coeffs and normalize_coeffs_8bpc.
 * `*pass` is empty before, and to be freed after a failure too. */
static mmn_status pass_create(resize_pass *pass, size_t input_size, size_t output_size,
                              size_t first, size_t count, mmn_resample resample, mmn_error *error)
{
    double (*filter)(double) = resample == MMN_RESAMPLE_BILINEAR ? bilinear : bicubic;
    double scale = (double)input_size / (double)output_size;
    double filter_scale = scale < 1.0 ? 1.0 : scale;
    double support = (resample == MMN_RESAMPLE_BILINEAR ? 1.0 : 2.0) * filter_scale;
    double inverse = 1.0 / filter_scale;
    size_t whole_support = (size_t)support;
    pass->taps = 2 * ((double)whole_support < support ? whole_support + 1 : whole_support) + 1;

    double *weights = mmn_allocate(pass->taps, sizeof(*weights), error);
    pass->starts = mmn_allocate(count, sizeof(*pass->starts), error);
    pass->lengths = mmn_allocate(count, sizeof(*pass->lengths), error);
    pass->coefficients = mmn_allocate(count, pass->taps * sizeof(*pass->coefficients), error);
    if (!weights || !pass->starts || !pass->lengths || !pass->coefficients) {
        mmn_free(weights);
        return MMN_SYSTEM;
    }

    for (size_t i = 0; i < count; i++) {
        double centre = ((double)(first + i) + 0.5) * scale;
        int64_t start = (int64_t)(centre - support + 0.5);
        if (start < 0)
            start = 0;
        int64_t end = (int64_t)(centre + support + 0.5);
        if (end > (int64_t)input_size)
            end = (int64_t)input_size;
        size_t length = (size_t)(end - start);
        double sum = 0.0;
        for (size_t j = 0; j < length; j++) {
            weights[j] = filter(((double)((int64_t)j + start) - centre + 0.5) * inverse);
            sum += weights[j];
        }
        for (size_t j = 0; j < length; j++) {
            double weight = sum != 0.0 ? weights[j] / sum : weights[j];
            pass->coefficients[i * pass->taps + j] = to_fixed_point(weight);
        }
        pass->starts[i] = (int32_t)start;
        pass->lengths[i] = (int32_t)length;
    }
    mmn_free(weights);
    return MMN_OK;
}

/* Rows [first, first + rows) of `input`, each resized by `pass` to `width` pixels. */
static mmn_status resize_rows(mmn_image *output, const mmn_image *input, size_t first, size_t rows,
                              size_t width, const resize_pass *pass, const mmn_kernels *kernels,
                              mmn_error *error)
{
    MMN_TRY(mmn_image_create(output, width, rows, error));
    kernels->resize_horizontal(output->rgb, width, input->rgb + first * input->width * 3,
                               input->width, rows, 3, pass->coefficients, pass->taps, pass->starts,
                               pass->lengths);
    return MMN_OK;
}

/* `input` resized by `pass` to `height` rows. */
static mmn_status resize_columns(mmn_image *output, const mmn_image *input, size_t height,
                                 const resize_pass *pass, const mmn_kernels *kernels,
                                 mmn_error *error)
{
    MMN_TRY(mmn_image_create(output, input->width, height, error));
    kernels->resize_vertical(output->rgb, height, input->rgb, input->width * 3, pass->coefficients,
                             pass->taps, pass->starts, pass->lengths);
    return MMN_OK;
}

static mmn_status copy_window(mmn_image *output, const mmn_image *input, pixel_window window,
                              mmn_error *error)
{
    MMN_TRY(mmn_image_create(output, window.width, window.height, error));
    for (size_t y = 0; y < window.height; y++)
        memcpy(output->rgb + y * window.width * 3,
               input->rgb + ((window.top + y) * input->width + window.left) * 3, window.width * 3);
    return MMN_OK;
}

/* Whether Pillow 13 resizes the height first: when the image shrinks mostly there. */
static bool shrinks_mostly_in_height(const mmn_image *input, size_t width, size_t height)
{
    int64_t rows_lost = (int64_t)input->height - (int64_t)height;
    int64_t columns_lost = (int64_t)input->width - (int64_t)width;
    return rows_lost > 0 && rows_lost > 2 * columns_lost;
}

/* Both passes of one resizing, and the image between them. */
typedef struct resizing {
    resize_pass along_x, along_y;
    mmn_image between;
} resizing;

static mmn_status run_passes(mmn_image *output, resizing *run, const mmn_image *input, size_t width,
                             size_t height, pixel_window window, const resize_settings *settings,
                             mmn_error *error)
{
    const mmn_kernels *kernels = settings->kernels;
    bool horizontal = width != input->width, vertical = height != input->height;
    bool vertical_first = settings->order == MMN_RESIZE_PILLOW_13 &&
                          shrinks_mostly_in_height(input, width, height);
    if (horizontal)
        MMN_TRY(pass_create(&run->along_x, input->width, width, window.left, window.width,
                            settings->resample, error));
    if (vertical)
        MMN_TRY(pass_create(&run->along_y, input->height, height, window.top, window.height,
                            settings->resample, error));

    /* The input rows that matter, so that the first pass need not make the others. */
    size_t first = window.top, rows = window.height;
    if (vertical) {
        const resize_pass *pass = &run->along_y;
        size_t last = window.height - 1;
        first = (size_t)pass->starts[0];
        rows = (size_t)(pass->starts[last] + pass->lengths[last]) - first;
    }

    if (vertical_first && horizontal) {
        MMN_TRY(resize_columns(&run->between, input, window.height, &run->along_y, kernels, error));
        return resize_rows(output, &run->between, 0, window.height, window.width, &run->along_x,
                           kernels, error);
    }
    mmn_image *made = vertical ? &run->between : output;
    if (horizontal)
        MMN_TRY(resize_rows(made, input, first, rows, window.width, &run->along_x, kernels, error));
    else
        MMN_TRY(copy_window(made, input, (pixel_window){first, window.left, rows, window.width},
                            error));
    if (!vertical)
        return MMN_OK;
    for (size_t i = 0; i < window.height; i++)
        run->along_y.starts[i] -= (int32_t)first;
    return resize_columns(output, &run->between, window.height, &run->along_y, kernels, error);
}

/* Makes `*output` the part `window` of `input` resized to width x height pixels, where `window`
 * lies inside: the pixels that Image.resize((width, height)).crop(...) gives. What lies outside
 * the window is not computed. MMN_INPUT when the window (or what is between the two passes) has
 * more than MMN_IMAGE_MAXIMUM_PIXELS, MMN_SYSTEM when memory is short; `*output` is empty then. */
static mmn_status resize(mmn_image *output, const mmn_image *input, size_t width, size_t height,
                         pixel_window window, const resize_settings *settings, mmn_error *error)
{
    resizing run = {0};
    *output = (mmn_image){0};
    mmn_status status = run_passes(output, &run, input, width, height, window, settings, error);
    pass_free(&run.along_x);
    pass_free(&run.along_y);
    mmn_image_free(&run.between);
    return status;
}

/* ---- Tiles ----------------------------------------------------------------------------------- */

/* What all tiles of one image share. */
typedef struct tile_maker {
    const mmn_image_settings *settings;
    resize_settings resize;
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
    pixel_window window = {0, 0, height, width};
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
        MMN_NEED(pixels->values);
    } else if (tile_height != pixels->height || tile_width != pixels->width) {
        return mmn_fail(error, MMN_INPUT, NULL, NULL,
                        "the image processor makes tiles of different sizes, %zux%zu and %zux%zu: "
                        "check its size, crop_size and image_grid_pinpoints",
                        pixels->width, pixels->height, tile_width, tile_height);
    }

    mmn_image resized;
    MMN_TRY(resize(&resized, image, width, height, window, &maker->resize, error));
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
    MMN_TRY(pad(&square, image, side, side, (side - image->height) / 2, (side - image->width) / 2,
                background, error));
    mmn_status status = make_tile(maker, &square, error);
    mmn_image_free(&square);
    return status;
}

/* `image` scaled to fit into `target`, centred on black. */
static mmn_status fit(mmn_image *fitted, const mmn_image *image, mmn_resolution target,
                      const resize_settings *settings, mmn_error *error)
{
    mmn_resolution size = mmn_anyres_resized(
        target, (mmn_resolution){(uint32_t)image->height, (uint32_t)image->width});
    pixel_window all = {0, 0, size.height, size.width};
    const uint8_t black[3] = {0, 0, 0};
    mmn_image resized;
    MMN_TRY(resize(&resized, image, size.width, size.height, all, settings, error));
    mmn_status status = pad(fitted, &resized, target.height, target.width,
                            (target.height - size.height) / 2, (target.width - size.width) / 2,
                            black, error);
    mmn_image_free(&resized);
    return status;
}

/* The next tile, of the part `window` of an image that is resized to width x height. */
static mmn_status make_part(tile_maker *maker, const mmn_image *image, size_t width, size_t height,
                            pixel_window window, mmn_error *error)
{
    mmn_image part;
    MMN_TRY(resize(&part, image, width, height, window, &maker->resize, error));
    mmn_status status = make_tile(maker, &part, error);
    mmn_image_free(&part);
    return status;
}

/* The tiles of `side` pixels that an image of the size `whole` is divided into, row by row. */
static mmn_status make_grid(tile_maker *maker, const mmn_image *image, mmn_resolution whole,
                            size_t side, mmn_error *error)
{
    for (size_t top = 0; top < whole.height; top += side)
        for (size_t left = 0; left < whole.width; left += side) {
            pixel_window window = {top, left, side, side};
            if (window.height > whole.height - top)
                window.height = whole.height - top;
            if (window.width > whole.width - left)
                window.width = whole.width - left;
            MMN_TRY(make_part(maker, image, whole.width, whole.height, window, error));
        }
    return MMN_OK;
}

/* LLaVA-NeXT: the whole image squeezed to one tile, then the tiles of the best pinpoint. */
static mmn_status make_tiles(tile_maker *maker, const mmn_image *image, mmn_error *error)
{
    const mmn_image_settings *settings = maker->settings;
    mmn_resolution whole = settings->size;
    if (settings->shortest_edge > 0)
        whole = (mmn_resolution){settings->shortest_edge, settings->shortest_edge};
    size_t side = settings->crop_size.height;
    mmn_resolution best =
        mmn_anyres_select(settings->grid_pinpoints, settings->grid_pinpoint_count,
                          (mmn_resolution){(uint32_t)image->height, (uint32_t)image->width});
    maker->pixels->tiles = 1 + mmn_pieces(best.height, side) * mmn_pieces(best.width, side);

    mmn_image fitted;
    pixel_window all = {0, 0, whole.height, whole.width};
    MMN_TRY(make_part(maker, image, whole.width, whole.height, all, error));
    MMN_TRY(fit(&fitted, image, best, &maker->resize, error));
    mmn_status status = make_grid(maker, &fitted, best, side, error);
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
