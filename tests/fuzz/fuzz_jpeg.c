/* Fuzz target: JPEG images. */
#include "fuzz.h"

#include "format/image_file.h"
#include "format/jpeg.h"

const char mmn_fuzz_format[] = "jpeg";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mmn_error error = {0};
    mmn_image image;
    mmn_status status = mmn_jpeg_decode(&image, data, size, &error);
    if (status == MMN_OK ? image.width == 0 || image.height == 0 || !image.rgb : image.rgb != NULL)
        abort();
    mmn_image_free(&image);
    return mmn_fuzz_result(status, &error);
}
