/* Resizing as Pillow does it for 8-bit images, with antialiasing and two rounded passes. */
#ifndef MMN_IMAGE_RESIZE_H
#define MMN_IMAGE_RESIZE_H

#include "base/image.h"
#include "image/settings.h"
#include "kernels.h"

/* A rectangle of pixels. */
typedef struct mmn_window {
    size_t top, left, height, width;
} mmn_window;

typedef struct mmn_resize_settings {
    mmn_resample resample;
    mmn_resize_order order;
    const mmn_kernels *kernels;
} mmn_resize_settings;

/* Makes `*output` the part `window` of `input` resized to width x height pixels, where `window`
 * lies inside: the pixels that Image.resize((width, height)).crop(...) gives. What lies outside
 * the window is not computed. MMN_INPUT when the window (or what is between the two passes) has
 * more than MMN_IMAGE_MAXIMUM_PIXELS, MMN_SYSTEM when memory is short; `*output` is empty then. */
mmn_status mmn_image_resize(mmn_image *output, const mmn_image *input, size_t width, size_t height,
                            mmn_window window, const mmn_resize_settings *settings,
                            mmn_error *error);

#endif
