/* Fuzz target: PNG images. Checksums are put right first, so that damage gets past them. */
#include <string.h>

#include "tests/fuzz/fuzz.h"

#include "format/image_file.h"

static uint32_t checksum(const uint8_t *bytes, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

/* A chunk is a length, a name, that many bytes, and a checksum of name and bytes. */
static void repair_checksums(uint8_t *data, size_t size)
{
    for (size_t at = 8; at + 12 <= size;) {
        size_t length = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 |
                        (size_t)data[at + 2] << 8 | data[at + 3];
        if (length > size - at - 12)
            return;
        uint32_t crc = checksum(data + at + 4, length + 4);
        at += length + 8;
        for (int i = 0; i < 4; i++)
            data[at++] = (uint8_t)(crc >> (24 - 8 * i));
    }
}

FUZZ_TARGET(png, 500)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    repair_checksums(copy, size);
    mmn_error error = {0};
    mmn_image image;
    mmn_status status = mmn_image_decode(&image, copy, size, MMN_RESIZE_PILLOW_13, &error);
    free(copy);
    if (status == MMN_OK ? image.width == 0 || image.height == 0 || !image.rgb : image.rgb != NULL)
        abort();
    mmn_image_free(&image);
    return mmn_fuzz_result(status, &error);
}
