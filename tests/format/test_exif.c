/* EXIF and XMP data: the orientation that Pillow takes from every form of them, and turning. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/decoders.h"

static mmn_error error;

/* Compares with every line of `name`, made by make_exif_cases.py. */
static void compare(const char *name, mmn_resize_order pillow)
{
    char line[2048], path[512];
    size_t count = 0;
    snprintf(path, sizeof(path), MMN_SOURCE_DIR "/tests/format/data/%s", name);
    FILE *table = fopen(path, "r");
    cr_assert_not_null(table);
    while (fgets(line, sizeof(line), table)) {
        char *tab = strchr(line, '\t');
        if (line[0] == '#' || !tab)
            continue;
        *tab = '\0';
        /* In a block of its own, so that the sanitizers catch what is read beyond. */
        size_t size = (size_t)(tab - line) / 2;
        uint8_t *data = malloc(size ? size : 1);
        for (size_t i = 0; i < size; i++) {
            unsigned byte;
            cr_assert_eq(sscanf(line + 2 * i, "%2x", &byte), 1);
            data[i] = (uint8_t)byte;
        }
        cr_expect_eq(mmn_exif_orientation(data, size, pillow), (unsigned)atoi(tab + 1), "%s: %s",
                     name, line);
        free(data);
        count++;
    }
    fclose(table);
    cr_assert_geq(count, 500);
}

Test(exif, is_taken_as_pillow_12_takes_it)
{
    compare("exif-12.tsv", MMN_RESIZE_HORIZONTAL_FIRST);
}

Test(exif, is_taken_as_pillow_13_takes_it_where_that_is_asked_for)
{
    compare("exif-13.tsv", MMN_RESIZE_PILLOW_13);
}

/* A 3x2 image of the bytes 1 to 6 turned by each orientation, drawn by hand. */
Test(exif, turns_images_upright)
{
    static const struct {
        size_t width, height;
        const char *pixels;
    } upright[9] = {
        {3, 2, "123456"}, {3, 2, "123456"}, {3, 2, "321654"}, {3, 2, "654321"}, {3, 2, "456123"},
        {2, 3, "142536"}, {2, 3, "415263"}, {2, 3, "635241"}, {2, 3, "362514"},
    };
    for (unsigned orientation = 0; orientation < 10; orientation++) {
        mmn_image image;
        cr_assert_eq(mmn_image_create(&image, 3, 2, &error), MMN_OK);
        for (size_t i = 0; i < 18; i++)
            image.rgb[i] = (uint8_t)('1' + i / 3);
        cr_assert_eq(mmn_image_upright(&image, orientation, &error), MMN_OK);
        size_t row = orientation <= 8 ? orientation : 1;
        cr_expect_eq(image.width, upright[row].width);
        cr_expect_eq(image.height, upright[row].height);
        for (size_t i = 0; i < 18; i++)
            cr_expect_eq(image.rgb[i], upright[row].pixels[i / 3], "orientation %u, byte %zu",
                         orientation, i);
        mmn_image_free(&image);
    }
}

Test(exif, reads_the_orientation_and_nothing_beyond_the_data)
{
    static const uint8_t exif[] = "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0";
    cr_expect_eq(mmn_exif_orientation(exif, sizeof(exif) - 1, MMN_RESIZE_HORIZONTAL_FIRST), 6);
    for (size_t size = 0; size < 22; size++) {
        uint8_t *part = malloc(size ? size : 1);
        memcpy(part, exif, size);
        cr_expect_eq(mmn_exif_orientation(part, size, MMN_RESIZE_HORIZONTAL_FIRST),
                     size > 0 && size < 8, "%zu bytes", size);
        free(part);
    }
    uint8_t far_away[sizeof(exif)];
    memcpy(far_away, exif, sizeof(exif));
    memset(far_away + 4, 0xff, 4);
    cr_expect_eq(mmn_exif_orientation(far_away, sizeof(far_away), MMN_RESIZE_HORIZONTAL_FIRST), 0);

    memcpy(far_away, exif, sizeof(exif));
    far_away[2] = '+';
    cr_expect_eq(mmn_exif_orientation(far_away, sizeof(far_away), MMN_RESIZE_HORIZONTAL_FIRST), 1);

    static const char xmp[] = "<a tiff:Orientation=\"\" tiff:Orientation=\"3\"/>";
    cr_expect_eq(mmn_xmp_orientation((const uint8_t *)xmp, sizeof(xmp) - 1), 3);
    static const char cut[] = "tiff:Orientation=\"";
    cr_expect_eq(mmn_xmp_orientation((const uint8_t *)cut, sizeof(cut) - 1), 0);
}
