/* Images in memory: the one place where their pixels are allocated and their size is limited. */
#include "base/image.h"

#include <string.h>

#include "base/memory.h"

mmn_status mmn_image_create(mmn_image *image, size_t width, size_t height, mmn_error *error)
{
    *image = (mmn_image){0};
    if (width == 0 || height == 0)
        return mmn_fail(error, MMN_INPUT, NULL, NULL, "the image has no pixels: %zux%zu", width,
                        height);
    if (width > MMN_IMAGE_MAXIMUM_PIXELS / height)
        return mmn_fail(error, MMN_INPUT, NULL, NULL,
                        "an image of %zux%zu is too large: at most %zu pixels are accepted", width,
                        height, MMN_IMAGE_MAXIMUM_PIXELS);
    MMN_NEED(image->rgb = mmn_allocate(width * height, 3, error));
    image->width = width;
    image->height = height;
    return MMN_OK;
}

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
    MMN_TRY(mmn_image_create(joined, width, height, error));
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        size_t row_bytes = images[i].width * 3;
        for (size_t y = 0; y < images[i].height; y++)
            memcpy(joined->rgb + (y * width + left) * 3, images[i].rgb + y * row_bytes, row_bytes);
        left += images[i].width;
    }
    return MMN_OK;
}

void mmn_image_paint_key(mmn_image *image)
{
    for (size_t i = 0; image->has_key && i < image->width * image->height; i++)
        if (memcmp(image->rgb + i * 3, image->key, 3) == 0)
            memset(image->rgb + i * 3, 255, 3);
    image->has_key = false;
}

void mmn_image_free(mmn_image *image)
{
    mmn_free(image->rgb);
    *image = (mmn_image){0};
}
