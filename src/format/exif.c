/* Which way up an image is: the orientation that EXIF or XMP data gives. */
#include "format/decoders.h"

#include <stdbool.h>
#include <string.h>

#define TAG_ORIENTATION 0x0112
#define ENTRY_BYTES 12
#define MAXIMUM_TYPE 16

/* Of data whose header is no TIFF's: Pillow refuses them, and then looks at no XMP either. */
#define REFUSED 1

/* Bytes of one value of each of TIFF's types; 0 for those that Pillow does not know. */
static const uint8_t type_bytes[MAXIMUM_TYPE + 1] = {
    [1] = 1,  /* BYTE */
    [2] = 1,  /* ASCII */
    [3] = 2,  /* SHORT */
    [4] = 4,  /* LONG */
    [5] = 8,  /* RATIONAL */
    [6] = 1,  /* SBYTE */
    [7] = 1,  /* UNDEFINED */
    [8] = 2,  /* SSHORT */
    [9] = 4,  /* SLONG */
    [10] = 8, /* SRATIONAL */
    [11] = 4, /* FLOAT */
    [12] = 8, /* DOUBLE */
    [13] = 4, /* IFD */
    [16] = 8, /* LONG8 */
};

static const char prefix[] = "Exif\0"; /* the second zero is the literal's own */

/* The `bytes` (1 to 8) at `data` as one number. */
static uint64_t read_number(const uint8_t *data, size_t bytes, bool big_endian)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | data[big_endian ? i : bytes - 1 - i];
    return number;
}

/* The orientation that one value of TIFF's type `type` means: 1 where Pillow does not compare equal
 * to one of 2 to 8. Bytes and text are no numbers to Pillow. */
static unsigned value_of(const uint8_t *data, unsigned type, bool big_endian)
{
    size_t bytes = type_bytes[type];
    uint64_t bits = read_number(data, bytes, big_endian);
    double number = 0;
    if (type == 1 || type == 2 || type == 7)
        return 1;
    if (type == 5 || type == 10) {
        uint32_t top = (uint32_t)read_number(data, 4, big_endian);
        uint32_t bottom = (uint32_t)read_number(data + 4, 4, big_endian);
        if (bottom == 0)
            return 1;
        number = type == 5 ? (double)top / bottom : (double)(int32_t)top / (int32_t)bottom;
    } else if (type == 11) {
        uint32_t half = (uint32_t)bits;
        float value;
        memcpy(&value, &half, sizeof(value));
        number = value;
    } else if (type == 12) {
        memcpy(&number, &bits, sizeof(number));
    } else {
        number = bits <= 8 ? (double)bits : 0; /* negative ones have their highest bit */
    }
    for (unsigned orientation = 2; orientation <= 8; orientation++)
        if (number == orientation)
            return orientation;
    return 1;
}

/* Reads the directory at `directory` entry by entry, as Pillow does: an entry whose values lie
 * beyond the data ends the directory, one of an unknown type or without values does not count.
 * Of several orientations Pillow 12 takes the last and Pillow 13 the first; 13 also passes over
 * entries that claim, together, more bytes than there are. */
static unsigned read_directory(const uint8_t *data, size_t size, size_t directory, bool big_endian,
                               mmn_resize_order pillow)
{
    bool newer = pillow == MMN_RESIZE_PILLOW_13;
    if (directory > size || size - directory < 2)
        return 0;
    size_t entries = read_number(data + directory, 2, big_endian);
    size_t room = (size - directory - 2) / ENTRY_BYTES;
    if (entries > room)
        entries = room;
    unsigned orientation = 0;
    uint64_t total = 0;
    for (size_t i = 0; i < entries; i++) {
        const uint8_t *entry = data + directory + 2 + i * ENTRY_BYTES;
        unsigned tag = (unsigned)read_number(entry, 2, big_endian);
        unsigned type = (unsigned)read_number(entry + 2, 2, big_endian);
        bool wanted = tag == TAG_ORIENTATION;
        if (type > MAXIMUM_TYPE || type_bytes[type] == 0 || (newer && wanted && orientation))
            continue;
        uint64_t bytes = read_number(entry + 4, 4, big_endian) * type_bytes[type];
        const uint8_t *values = entry + 8;
        if (bytes > 4) {
            uint64_t offset = read_number(entry + 8, 4, big_endian);
            total += bytes;
            if (newer && total > size)
                continue;
            if (offset > size || bytes > size - offset)
                break;
            values = data + offset;
        }
        if (wanted && bytes > 0)
            orientation = value_of(values, type, big_endian);
    }
    return orientation;
}

unsigned mmn_exif_orientation(const uint8_t *data, size_t size, mmn_resize_order pillow)
{
    while (size >= sizeof(prefix) && memcmp(data, prefix, sizeof(prefix)) == 0) {
        data += sizeof(prefix);
        size -= sizeof(prefix);
    }
    if (size == 0)
        return 0;
    if (size < 8 || (memcmp(data, "MM", 2) != 0 && memcmp(data, "II", 2) != 0))
        return REFUSED;
    /* TIFF's number; some writers store it in the other byte order. */
    if (memcmp(data + 2, "\0*", 2) != 0 && memcmp(data + 2, "*\0", 2) != 0)
        return REFUSED;
    bool big_endian = data[0] == 'M';
    return read_directory(data, size, read_number(data + 4, 4, big_endian), big_endian, pillow);
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
    MMN_TRY(mmn_image_create(&turned, width, height, error));
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
    turned.has_key = image->has_key;
    memcpy(turned.key, image->key, sizeof(turned.key));
    mmn_image_free(image);
    *image = turned;
    return MMN_OK;
}
