/* pixel_values: every bit as the PIL image processors of transformers give it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/image.h"
#include "format/image_file.h"
#include "image/pixel_values.h"
#include "tests/image/readable.h"
#include "tests/tools/failing_allocator.h"

#define DATA MMN_SOURCE_DIR "/tests/image/data/"

static mmn_error error;

static void digest_of(char text[MMN_DIGEST_SIZE], const mmn_pixel_values *pixels)
{
    mmn_digest *digest;
    cr_assert_eq(mmn_digest_begin(&digest, &error), MMN_OK);
    for (size_t i = 0; i < pixels->tiles * 3 * pixels->height * pixels->width; i++) {
        uint32_t bits;
        memcpy(&bits, &pixels->values[i], sizeof(bits));
        mmn_digest_add_u32(digest, bits);
    }
    mmn_digest_finish(digest, text);
    mmn_digest_free(digest);
}

static void read_settings(mmn_image_settings *settings, const char *name, const char *kind,
                          uint32_t side)
{
    char folder[512];
    snprintf(folder, sizeof(folder), DATA "settings/%s", name);
    mmn_image_model model = {.processor = strcmp(kind, "anyres") == 0 ? MMN_PROCESSOR_LLAVA_NEXT
                                                                      : MMN_PROCESSOR_LLAVA,
                             .image_size = side};
    cr_assert_eq(mmn_image_settings_read(settings, folder, &model, &error), MMN_OK, "%s: %s", name,
                 error.message);
}

static void compare(const char *table_name, mmn_resize_order order)
{
    char line[512], name[128], kind[32], file[128], expected[64], path[512];
    unsigned side;
    size_t tiles, height, width, count = 0;
    FILE *table = fopen(table_name, "r");
    cr_assert_not_null(table);
    while (fgets(line, sizeof(line), table)) {
        int found = sscanf(line, "%127s %31s %u %127s %zu %zu %zu %63s", name, kind, &side, file,
                           &tiles, &height, &width, expected);
        if (line[0] == '#' || found != 8)
            continue;
        if (!can_read(file))
            continue;
        mmn_image_settings settings;
        read_settings(&settings, name, kind, side);
        settings.resize_order = order;
        mmn_image image;
        snprintf(path, sizeof(path), DATA "files/%s", file);
        cr_assert_eq(mmn_image_load(&image, path, order, &error), MMN_OK);
        if (settings.do_convert_rgb)
            mmn_image_paint_key(&image);
        mmn_pixel_values pixels;
        cr_assert_eq(
            mmn_pixel_values_make(&pixels, &settings, &image, mmn_kernels_reference(), &error),
            MMN_OK, "%s of %s: %s", name, file, error.message);
        char digest[MMN_DIGEST_SIZE];
        digest_of(digest, &pixels);
        cr_expect_eq(pixels.tiles, tiles, "%s of %s", name, file);
        cr_expect_eq(pixels.height, height, "%s of %s", name, file);
        cr_expect_eq(pixels.width, width, "%s of %s", name, file);
        cr_expect_str_eq(digest, expected, "%s of %s", name, file);
        mmn_pixel_values_free(&pixels);
        mmn_image_free(&image);
        count++;
    }
    fclose(table);
    cr_assert_geq(count, 300);
}

Test(pixel_values, are_those_of_transformers_in_the_order_of_the_published_models)
{
    compare(DATA "pixel_values-horizontal.tsv", MMN_RESIZE_HORIZONTAL_FIRST);
}

Test(pixel_values, are_those_of_transformers_in_the_order_of_pillow_13)
{
    compare(DATA "pixel_values-pillow13.tsv", MMN_RESIZE_PILLOW_13);
}

/* An image that transformers would make 112 million pixels of, of which it keeps 336 x 336. */
Test(pixel_values, of_an_extreme_image_cost_no_more_than_what_is_kept)
{
    mmn_image_settings settings;
    read_settings(&settings, "clip", "single", 336);
    mmn_image image;
    cr_assert_eq(mmn_image_create(&image, 1, 1000000, &error), MMN_OK);
    memset(image.rgb, 255, 3000000);
    mmn_pixel_values pixels;
    cr_assert_eq(mmn_pixel_values_make(&pixels, &settings, &image, mmn_kernels_reference(), &error),
                 MMN_OK, "%s", error.message);
    for (size_t i = 0; i < 3 * 336 * 336; i++) {
        size_t channel = i / (336 * 336);
        float white = (1.0f - (float)settings.mean[channel]) / (float)settings.std[channel];
        cr_assert_eq(pixels.values[i], white);
    }
    mmn_pixel_values_free(&pixels);
    mmn_image_free(&image);
}

Test(pixel_values, report_every_failed_allocation)
{
    static const char *const names[] = {"llava_pad", "next_small"};
    mmn_image image;
    cr_assert_eq(
        mmn_image_load(&image, DATA "files/baseline_420.jpg", MMN_RESIZE_HORIZONTAL_FIRST, &error),
        MMN_OK);
    for (size_t i = 0; i < 2; i++) {
        mmn_image_settings settings;
        read_settings(&settings, names[i], i ? "anyres" : "single", 56);
        mmn_pixel_values pixels;
        mmn_status status = MMN_SYSTEM;
        unsigned long number = 1;
        for (; status != MMN_OK && number < 100; number++) {
            fail_allocation_at(number);
            status =
                mmn_pixel_values_make(&pixels, &settings, &image, mmn_kernels_reference(), &error);
            cr_expect(status == MMN_OK || (status == MMN_SYSTEM && !pixels.values));
        }
        fail_allocation_at(0);
        cr_assert(status == MMN_OK && number > 8);
        mmn_pixel_values_free(&pixels);
    }
    mmn_image_free(&image);
}

Test(pixel_values, refuse_tiles_of_different_sizes)
{
    mmn_image_settings settings;
    read_settings(&settings, "next_small", "anyres", 56);
    settings.do_center_crop = false;
    settings.do_resize = false;
    settings.crop_size.height = 50;
    mmn_image image;
    cr_assert_eq(mmn_image_create(&image, 30, 30, &error), MMN_OK);
    mmn_pixel_values pixels;
    cr_assert_eq(mmn_pixel_values_make(&pixels, &settings, &image, mmn_kernels_reference(), &error),
                 MMN_INPUT);
    cr_expect_null(pixels.values);
    cr_expect_not_null(strstr(error.message, "different sizes"));
    mmn_image_free(&image);
}

Test(join, puts_images_side_by_side_on_black)
{
    mmn_image images[2], joined;
    cr_assert_eq(mmn_image_create(&images[0], 1, 2, &error), MMN_OK);
    cr_assert_eq(mmn_image_create(&images[1], 2, 1, &error), MMN_OK);
    memset(images[0].rgb, 'a', 6);
    memset(images[1].rgb, 'b', 6);
    cr_assert_eq(mmn_image_join(&joined, images, 2, &error), MMN_OK);
    cr_expect_eq(joined.width, 3);
    cr_expect_eq(joined.height, 2);
    cr_expect_eq(memcmp(joined.rgb, "aaabbbbbbaaa\0\0\0\0\0\0", 18), 0);
    mmn_image_free(&joined);
    cr_expect_eq(mmn_image_join(&joined, images, 0, &error), MMN_USAGE);
    images[1].width = MMN_IMAGE_MAXIMUM_PIXELS;
    cr_expect_eq(mmn_image_join(&joined, images, 2, &error), MMN_INPUT);
    cr_expect_null(joined.rgb);
    mmn_image_free(&images[0]);
    mmn_image_free(&images[1]);
}
