/* Fuzz target: JPEG images. */
#include "tests/fuzz/fuzz.h"

#include "format/image_file.h"

FUZZ_TARGET(jpeg, 500)
{
    mmn_error error = {0};
    mmn_image image;
    mmn_status status = mmn_image_decode(&image, data, size, MMN_RESIZE_HORIZONTAL_FIRST, &error);
    if (status == MMN_OK ? image.width == 0 || image.height == 0 || !image.rgb : image.rgb != NULL)
        abort();
    mmn_image_free(&image);
    return mmn_fuzz_result(status, &error);
}
