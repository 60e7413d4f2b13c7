/* Resizing as Pillow does it: the coefficients of its ImagingResample, applied by two kernels. */
#include "image/resize.h"

#include <string.h>

#include "base/memory.h"

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

static mmn_status copy_window(mmn_image *output, const mmn_image *input, mmn_window window,
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

mmn_status mmn_image_resize(mmn_image *output, const mmn_image *input, size_t width, size_t height,
                            mmn_window window, const mmn_resize_settings *settings,
                            mmn_error *error)
{
    *output = (mmn_image){0};
    const mmn_kernels *kernels = settings->kernels;
    bool horizontal = width != input->width, vertical = height != input->height;
    bool vertical_first = settings->order == MMN_RESIZE_PILLOW_13 &&
                          shrinks_mostly_in_height(input, width, height);
    resize_pass along_x = {0}, along_y = {0};
    mmn_image between = {0};
    mmn_status status = MMN_OK;
    if (horizontal)
        status = pass_create(&along_x, input->width, width, window.left, window.width,
                             settings->resample, error);
    if (vertical && status == MMN_OK)
        status = pass_create(&along_y, input->height, height, window.top, window.height,
                             settings->resample, error);
    if (status != MMN_OK)
        goto done;

    /* The input rows that matter, so that the first pass need not make the others. */
    size_t first = window.top, rows = window.height;
    if (vertical) {
        size_t last = window.height - 1;
        first = (size_t)along_y.starts[0];
        rows = (size_t)(along_y.starts[last] + along_y.lengths[last]) - first;
    }

    if (vertical_first && horizontal) {
        status = resize_columns(&between, input, window.height, &along_y, kernels, error);
        if (status == MMN_OK)
            status = resize_rows(output, &between, 0, window.height, window.width, &along_x,
                                 kernels, error);
        goto done;
    }
    if (horizontal)
        status = resize_rows(vertical ? &between : output, input, first, rows, window.width,
                             &along_x, kernels, error);
    else
        status = copy_window(vertical ? &between : output, input,
                             (mmn_window){first, window.left, rows, window.width}, error);
    if (vertical && status == MMN_OK) {
        for (size_t i = 0; i < window.height; i++)
            along_y.starts[i] -= (int32_t)first;
        status = resize_columns(output, &between, window.height, &along_y, kernels, error);
    }

done:
    pass_free(&along_x);
    pass_free(&along_y);
    mmn_image_free(&between);
    return status;
}
