/* Image files: JPEG and PNG to 8-bit RGB, as Hugging Face's load_image gives them. */
#include "format/image_file.h"

#include <string.h>

#include "base/file.h"
#include "base/file_kind.h"
#include "format/jpeg.h"
#include "format/png.h"

/* What a file that is neither JPEG nor PNG begins with, for the error. */
static const char *guess_format(const uint8_t *data, size_t size)
{
    if (size >= 4 && memcmp(data, "GIF8", 4) == 0)
        return "a GIF";
    if (size >= 2 && memcmp(data, "BM", 2) == 0)
        return "a BMP";
    if (size >= 12 && memcmp(data, "RIFF", 4) == 0 && memcmp(data + 8, "WEBP", 4) == 0)
        return "a WebP";
    if (size >= 4 && (memcmp(data, "II*\0", 4) == 0 || memcmp(data, "MM\0*", 4) == 0))
        return "a TIFF";
    if (size >= 12 && memcmp(data + 4, "ftyp", 4) == 0)
        return "a HEIF or AVIF";
    return "not an image";
}

mmn_status mmn_image_decode(mmn_image *image, const uint8_t *data, size_t size,
                            mmn_resize_order pillow, mmn_error *error)
{
    if (mmn_is_jpeg(data, size))
        return mmn_jpeg_decode(image, data, size, pillow, error);
    if (mmn_is_png(data, size))
        return mmn_png_decode(image, data, size, pillow, error);
    *image = (mmn_image){0};
    return mmn_fail(error, MMN_INPUT, NULL, NULL,
                    size == 0 ? "the file is empty; images must be JPEG or PNG files"
                              : "images must be JPEG or PNG files, and this is %s file",
                    guess_format(data, size));
}

mmn_status mmn_image_load(mmn_image *image, const char *path, mmn_resize_order pillow,
                          mmn_error *error)
{
    *image = (mmn_image){0};
    mmn_mapping mapping;
    mmn_status status = mmn_map_file(&mapping, path, error);
    if (status != MMN_OK)
        return mmn_file_kind_explain(error, status, path, MMN_KIND_PICTURE);
    status = mmn_image_decode(image, mapping.data, mapping.size, pillow, error);
    mmn_unmap(&mapping);
    if (status != MMN_OK)
        status = mmn_error_in_file(error, status, path);
    return mmn_file_kind_explain(error, status, path, MMN_KIND_PICTURE);
}
