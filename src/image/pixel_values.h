/* pixel_values: an image as the vision tower reads it. */
#ifndef MMN_IMAGE_PIXEL_VALUES_H
#define MMN_IMAGE_PIXEL_VALUES_H

#include "base/image.h"
#include "image/settings.h"
#include "kernels.h"

typedef struct mmn_pixel_values {
    float *values; /* [tiles][3][height][width], owned */
    size_t tiles, height, width;
} mmn_pixel_values;

/* Makes `*pixels` of `image` bit for bit as the PIL image processor with these settings does: for
 * CLIP and LLaVA one tile, for LLaVA-NeXT the whole image and then the tiles of the pinpoint that
 * mmn_anyres_select chooses, row by row. Free with mmn_pixel_values_free; `*pixels` is empty after
 * a failure. MMN_INPUT when the settings make tiles of different sizes or values beyond all
 * measure, MMN_SYSTEM when memory is short. */
mmn_status mmn_pixel_values_make(mmn_pixel_values *pixels, const mmn_image_settings *settings,
                                 const mmn_image *image, const mmn_kernels *kernels,
                                 mmn_error *error);

void mmn_pixel_values_free(mmn_pixel_values *pixels);

#endif
