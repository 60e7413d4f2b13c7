/* Several images as one: side by side. */
#include "image/join.h"

#include <string.h>

mmn_status mmn_image_join(mmn_image *joined, const mmn_image *images, size_t count,
                          mmn_error *error)
{
    *joined = (mmn_image){0};
    if (count == 0)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there is no image to join");
    size_t width = 0, height = 0;
    for (size_t i = 0; i < count; i++) {
        if (images[i].width > MMN_IMAGE_MAXIMUM_PIXELS - width)
            return mmn_fail(error, MMN_INPUT, NULL, NULL,
                            "the images are too wide to be joined side by side");
        width += images[i].width;
        if (images[i].height > height)
            height = images[i].height;
    }
    mmn_status status = mmn_image_create(joined, width, height, error);
    if (status != MMN_OK)
        return status;
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        size_t row_bytes = images[i].width * 3;
        for (size_t y = 0; y < images[i].height; y++)
            memcpy(joined->rgb + (y * width + left) * 3, images[i].rgb + y * row_bytes, row_bytes);
        left += images[i].width;
    }
    return MMN_OK;
}
