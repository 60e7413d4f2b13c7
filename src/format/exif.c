/* Which way up an image is: the orientation that EXIF or XMP data gives. */
#include "format/exif.h"

#include <stdbool.h>
#include <string.h>

#define TAG_ORIENTATION 0x0112
#define ENTRY_BYTES 12

/* Types of TIFF values of which one fits into an entry. */
#define TYPE_BYTE 1
#define TYPE_SHORT 3
#define TYPE_LONG 4

static unsigned read_u16(const uint8_t *data, bool big_endian)
{
    return big_endian ? (unsigned)data[0] << 8 | data[1] : (unsigned)data[1] << 8 | data[0];
}

static uint32_t read_u32(const uint8_t *data, bool big_endian)
{
    uint32_t first = read_u16(data, big_endian), second = read_u16(data + 2, big_endian);
    return big_endian ? first << 16 | second : second << 16 | first;
}

unsigned mmn_exif_orientation(const uint8_t *data, size_t size)
{
    if (size < 8 || (memcmp(data, "MM", 2) != 0 && memcmp(data, "II", 2) != 0))
        return 0;
    /* TIFF's number; some writers store it in the other byte order. */
    if (memcmp(data + 2, "\0*", 2) != 0 && memcmp(data + 2, "*\0", 2) != 0)
        return 0;
    bool big_endian = data[0] == 'M';
    size_t directory = read_u32(data + 4, big_endian);
    if (directory > size || size - directory < 2)
        return 0;
    size_t entries = read_u16(data + directory, big_endian);
    size_t room = (size - directory - 2) / ENTRY_BYTES;
    if (entries > room)
        entries = room;
    unsigned orientation = 0;
    for (size_t i = 0; i < entries; i++) {
        const uint8_t *entry = data + directory + 2 + i * ENTRY_BYTES;
        unsigned type = read_u16(entry + 2, big_endian);
        if (read_u16(entry, big_endian) != TAG_ORIENTATION)
            continue;
        uint32_t value = 1;
        if (read_u32(entry + 4, big_endian) == 1) {
            if (type == TYPE_BYTE)
                value = entry[8];
            else if (type == TYPE_SHORT)
                value = read_u16(entry + 8, big_endian);
            else if (type == TYPE_LONG)
                value = read_u32(entry + 8, big_endian);
        }
        orientation = value >= 1 && value <= 8 ? (unsigned)value : 1;
    }
    return orientation;
}

unsigned mmn_xmp_orientation(const uint8_t *text, size_t size)
{
    static const char name[] = "tiff:Orientation";
    const size_t length = sizeof(name) - 1;
    for (size_t i = 0; i + length + 2 <= size; i++) {
        if (text[i] != 't' || memcmp(text + i, name, length) != 0)
            continue;
        size_t digit = 0;
        if (text[i + length] == '>')
            digit = i + length + 1;
        else if (text[i + length] == '=' && text[i + length + 1] == '"')
            digit = i + length + 2;
        if (digit > 0 && digit < size && text[digit] >= '0' && text[digit] <= '9')
            return (unsigned)(text[digit] - '0');
    }
    return 0;
}

mmn_status mmn_image_upright(mmn_image *image, unsigned orientation, mmn_error *error)
{
    if (orientation < 2 || orientation > 8)
        return MMN_OK;
    bool swapped = orientation >= 5;
    size_t width = swapped ? image->height : image->width;
    size_t height = swapped ? image->width : image->height;
    mmn_image turned;
    mmn_status status = mmn_image_create(&turned, width, height, error);
    if (status != MMN_OK)
        return status;
    /* Where the stored image is read: from its right end, from its bottom. */
    bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    for (size_t y = 0; y < height; y++) {
        for (size_t x = 0; x < width; x++) {
            size_t column = swapped ? y : x, row = swapped ? x : y;
            if (from_right)
                column = image->width - 1 - column;
            if (from_bottom)
                row = image->height - 1 - row;
            memcpy(turned.rgb + (y * width + x) * 3, image->rgb + (row * image->width + column) * 3,
                   3);
        }
    }
    mmn_image_free(image);
    *image = turned;
    return MMN_OK;
}
