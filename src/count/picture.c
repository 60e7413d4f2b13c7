/* The pictures of a sample as files: their bytes, checked by decoding, and their sizes. */
#include "count/picture.h"

#include "format/image_file.h"

mmn_status mmn_picture_open(mmn_picture *picture, const char *path, size_t limit,
                            mmn_error *error)
{
    mmn_image image = {0};
    *picture = (mmn_picture){0};
    mmn_status status = mmn_map_file(&picture->bytes, path, error);
    if (status != MMN_OK)
        return status;
    if (picture->bytes.size > limit)
        status = mmn_fail(error, MMN_INPUT, path, NULL, "has %zu bytes, more than %zu",
                          picture->bytes.size, limit);
    if (status == MMN_OK)
        status = mmn_error_in_file(
            error,
            mmn_image_decode(&image, picture->bytes.data, picture->bytes.size,
                             MMN_RESIZE_HORIZONTAL_FIRST, error),
            path);
    if (status != MMN_OK) {
        mmn_picture_close(picture);
        return status;
    }
    picture->type = mmn_image_type(picture->bytes.data, picture->bytes.size);
    picture->width = image.width;
    picture->height = image.height;
    mmn_image_free(&image);
    return MMN_OK;
}

void mmn_picture_close(mmn_picture *picture)
{
    mmn_unmap(&picture->bytes);
    *picture = (mmn_picture){0};
}
