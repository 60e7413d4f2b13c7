/* Image files: the pixels that Pillow gives, and one clear sentence for damaged ones. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include "format/image_file.h"
#include "tests/image/readable.h"
#include "tests/tools/failing_allocator.h"

#define DATA MMN_SOURCE_DIR "/tests/image/data/"

/* The Pillow that the expectations are those of. */
#define PILLOW_12 MMN_RESIZE_HORIZONTAL_FIRST

static mmn_error error;

/* One line of decoded.tsv. */
typedef struct image_case {
    char name[128], path[512], digest[64];
    size_t width, height;
} image_case;

static FILE *open_cases(void)
{
    FILE *table = fopen(DATA "decoded.tsv", "r");
    cr_assert_not_null(table, "decoded.tsv cannot be opened");
    return table;
}

/* The next case of a format that this build reads. */
static int next_case(FILE *table, image_case *each)
{
    char line[512];
    while (fgets(line, sizeof(line), table)) {
        if (line[0] == '#' ||
            sscanf(line, "%127s %zu %zu %63s", each->name, &each->width, &each->height,
                   each->digest) != 4 ||
            !can_read(each->name))
            continue;
        snprintf(each->path, sizeof(each->path), DATA "files/%s", each->name);
        return 1;
    }
    return 0;
}

static uint8_t *read_bytes(const char *path, size_t *size)
{
    char *bytes = NULL;
    cr_assert_eq(mmn_read_file(&bytes, size, path, 1 << 20, &error), MMN_OK);
    return (uint8_t *)bytes;
}

Test(image_file, decodes_as_pillow_does)
{
    FILE *table = open_cases();
    image_case each;
    size_t count = 0;
    for (; next_case(table, &each); count++) {
        mmn_image image;
        char digest[MMN_DIGEST_SIZE];
        cr_assert_eq(mmn_image_load(&image, each.path, PILLOW_12, &error), MMN_OK, "%s: %s",
                     each.name, error.message);
        mmn_digest_of(image.rgb, image.width * image.height * 3, digest);
        cr_expect_eq(image.width, each.width, "%s", each.name);
        cr_expect_eq(image.height, each.height, "%s", each.name);
        cr_expect_str_eq(digest, each.digest, "%s", each.name);
        mmn_image_free(&image);
    }
    fclose(table);
    cr_assert_geq(count, 30);
}

static void expect_refused(const void *data, size_t size, const char *words)
{
    mmn_image image;
    memset(&error, 0, sizeof(error));
    cr_assert_eq(mmn_image_decode(&image, data, size, PILLOW_12, &error), MMN_INPUT, "%s", words);
    cr_expect_null(image.rgb);
    cr_expect_not_null(strstr(error.message, words), "\"%s\" lacks \"%s\"", error.message, words);
}

Test(image_file, names_the_formats_that_it_reads)
{
    expect_refused("", 0, "JPEG, PNG, WebP, TIFF, GIF or BMP");
    expect_refused("hello", 5, "not an image");
    /* Headers alone, of those that are read; or the names of the libraries that are missing. */
    expect_refused("GIF89a", 6, "GIF");
    expect_refused("RIFF\0\0\0\0WEBPVP8 ", 16, "WebP");
    expect_refused("BM", 2, "BMP");
    expect_refused("II*\0", 4, "TIFF");
    /* Those that are not. */
    expect_refused("\0\0\0\x1c"
                   "ftypavif",
                   12, "an AVIF image");
    expect_refused("\0\0\0\x1c"
                   "ftypheic",
                   12, "a HEIC (HEIF) image");
    expect_refused("\0\0\0\x0cJXL \r\n\x87\n", 12, "a JPEG XL image");
    expect_refused("\0\0\0\x0cjP  \r\n\x87\n", 12, "a JPEG 2000 image");
    expect_refused("8BPS\0\1", 6, "Photoshop");
    expect_refused("\0\0\1\0\1", 5, "ICO");
    expect_refused("%PDF-1.7", 8, "PDF");
    expect_refused("<svg ", 5, "SVG");
    expect_refused("P6\n1 1", 6, "PNM");
    expect_refused("version https://git-lfs.github.com/spec/v1\n", 43, "Git LFS pointer");
    mmn_image image;
    cr_assert_eq(mmn_image_load(&image, DATA "README.md", PILLOW_12, &error), MMN_INPUT);
    cr_expect_str_eq(error.file, DATA "README.md");
    cr_assert_eq(mmn_image_load(&image, DATA "no such file", PILLOW_12, &error), MMN_SYSTEM);
}

Test(image_file, refuses_truncated_files)
{
    FILE *table = open_cases();
    image_case each;
    size_t count = 0;
    while (next_case(table, &each)) {
        /* The others need not be whole to be read. */
        if (strcmp(each.name, "trailing_bytes.jpg") == 0 ||
            (!strstr(each.name, ".jpg") && !strstr(each.name, ".png")))
            continue;
        size_t size;
        uint8_t *bytes = read_bytes(each.path, &size);
        for (size_t i = 0; i < 25; i++, count++) {
            /* Bytes just past the end of a block of its own are caught by the sanitizers. */
            size_t kept = i < 5 ? size - 1 - i : size * (i - 5) / 20;
            uint8_t *part = malloc(kept ? kept : 1);
            memcpy(part, bytes, kept);
            mmn_image image;
            cr_expect_eq(mmn_image_decode(&image, part, kept, PILLOW_12, &error), MMN_INPUT,
                         "%s cut to %zu of %zu bytes", each.name, kept, size);
            cr_expect_gt(strlen(error.message), 10);
            mmn_image_free(&image);
            free(part);
        }
        mmn_free(bytes);
    }
    fclose(table);
    cr_assert_geq(count, 500);
}

/* Of the other formats something may be missing at the end, but then it makes no difference. */
Test(image_file, refuses_files_that_lack_pixels)
{
    FILE *table = open_cases();
    image_case each;
    size_t refused = 0;
    while (next_case(table, &each)) {
        if (strstr(each.name, ".jpg") || strstr(each.name, ".png") || strstr(each.name, ".tif"))
            continue;
        size_t size;
        uint8_t *bytes = read_bytes(each.path, &size);
        for (size_t i = 0; i < 25; i++) {
            size_t kept = i < 5 ? size - 1 - i : size * (i - 5) / 20;
            uint8_t *part = malloc(kept ? kept : 1);
            memcpy(part, bytes, kept);
            mmn_image image;
            char digest[MMN_DIGEST_SIZE];
            mmn_status status = mmn_image_decode(&image, part, kept, PILLOW_12, &error);
            if (status == MMN_OK) {
                mmn_digest_of(image.rgb, image.width * image.height * 3, digest);
                cr_expect_str_eq(digest, each.digest, "%s cut to %zu", each.name, kept);
            } else {
                cr_expect_eq(status, MMN_INPUT);
                refused++;
            }
            mmn_image_free(&image);
            free(part);
        }
        mmn_free(bytes);
    }
    fclose(table);
    cr_assert_geq(refused, 100);
}

Test(image_file, survives_flipped_bits)
{
    FILE *table = open_cases();
    image_case each;
    uint64_t state = 12345;
    size_t refused = 0, decoded = 0;
    while (next_case(table, &each)) {
        size_t size;
        uint8_t *bytes = read_bytes(each.path, &size);
        uint8_t *copy = malloc(size);
        for (size_t i = 0; i < 25; i++) {
            memcpy(copy, bytes, size);
            for (size_t j = 0; j < 1 + i / 10; j++) {
                state = state * 6364136223846793005u + 1442695040888963407u;
                copy[(state >> 20) % size] ^= (uint8_t)(1 << (state >> 60) % 8);
            }
            mmn_image image;
            mmn_status status = mmn_image_decode(&image, copy, size, PILLOW_12, &error);
            if (status == MMN_OK) {
                cr_expect(image.width > 0 && image.height > 0 && image.rgb);
                decoded++;
            } else {
                cr_expect_eq(status, MMN_INPUT, "%s: %s", each.name, error.message);
                cr_expect_null(image.rgb);
                refused++;
            }
            mmn_image_free(&image);
        }
        free(copy);
        mmn_free(bytes);
    }
    fclose(table);
    cr_assert(refused > 100 && decoded > 100, "%zu refused, %zu decoded", refused, decoded);
}

/* The place of `marker`'s 0xff in `bytes`, searched from `from` on. */
static size_t find_marker(const uint8_t *bytes, size_t size, size_t from, uint8_t marker)
{
    for (size_t i = from; i + 1 < size; i++)
        if (bytes[i] == 0xff && bytes[i + 1] == marker)
            return i;
    cr_assert_fail("no marker %02x", marker);
    return 0;
}

Test(image_file, limits_what_a_jpeg_can_cost)
{
    size_t size;
    uint8_t *bytes = read_bytes(DATA "files/baseline_420.jpg", &size);
    size_t frame = find_marker(bytes, size, 0, 0xc0);
    memcpy(bytes + frame + 5, "\xff\xdc\xff\xdc", 4);
    expect_refused(bytes, size, "more pixels than bytes");
    memcpy(bytes + frame + 5, "\x00\x00", 2);
    expect_refused(bytes, size, "not a JPEG image that can be read");
    bytes[frame + 9] = 2;
    expect_refused(bytes, size, "not a JPEG image that can be read");
    mmn_free(bytes);

    /* The last scan of a progressive file, six hundred times. */
    bytes = read_bytes(DATA "files/progressive_420.jpg", &size);
    size_t scan = 0;
    for (size_t i = 0; i + 1 < size; i++)
        if (bytes[i] == 0xff && bytes[i + 1] == 0xda)
            scan = i;
    size_t scan_size = size - 2 - scan, many = 600;
    uint8_t *repeated = malloc(scan + many * scan_size + 2);
    memcpy(repeated, bytes, scan);
    for (size_t i = 0; i < many; i++)
        memcpy(repeated + scan + i * scan_size, bytes + scan, scan_size);
    memcpy(repeated + scan + many * scan_size, "\xff\xd9", 2);
    expect_refused(repeated, scan + many * scan_size + 2, "too many scans");
    free(repeated);
    mmn_free(bytes);
}

/* Of a progressive image's first scan, which has the mean of each block alone, blocks of one grey
 * are made, by every version of libjpeg-turbo: nothing is made up for what is missing. */
Test(image_file, makes_nothing_up_for_scans_that_are_missing)
{
    size_t size;
    uint8_t *bytes = read_bytes(DATA "files/grey_progressive.jpg", &size);
    size_t first = find_marker(bytes, size, 0, 0xda);
    size_t second = find_marker(bytes, size, first + 2, 0xda);
    bytes[second + 1] = 0xd9; /* the end of the image instead */
    mmn_image image;
    cr_assert_eq(mmn_image_decode(&image, bytes, second + 2, PILLOW_12, &error), MMN_OK, "%s",
                 error.message);
    size_t greys = 0;
    for (size_t y = 0; y < image.height; y++)
        for (size_t x = 0; x < image.width; x++) {
            size_t corner = (y / 8 * 8 * image.width + x / 8 * 8) * 3;
            cr_expect_eq(image.rgb[(y * image.width + x) * 3], image.rgb[corner]);
            greys += image.rgb[corner] != image.rgb[0];
        }
    cr_expect_gt(greys, 0);
    mmn_image_free(&image);
    mmn_free(bytes);
}

#ifdef HAVE_LIBPNG
static void put_u32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t crc_of(const uint8_t *bytes, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

Test(image_file, limits_what_a_png_can_cost)
{
    size_t size;
    uint8_t *bytes = read_bytes(DATA "files/rgb.png", &size);
    /* Signature, length and name take 16 bytes; then come width, height, and 5 more. */
    put_u32(bytes + 16, 100000);
    put_u32(bytes + 20, 100000);
    expect_refused(bytes, size, "CRC");
    put_u32(bytes + 29, crc_of(bytes + 12, 17));
    expect_refused(bytes, size, "more pixels than bytes");
    put_u32(bytes + 16, 0x7fffffff);
    put_u32(bytes + 29, crc_of(bytes + 12, 17));
    expect_refused(bytes, size, "not a PNG image that can be read");
    put_u32(bytes + 16, 0);
    put_u32(bytes + 29, crc_of(bytes + 12, 17));
    expect_refused(bytes, size, "not a PNG image that can be read");
    mmn_free(bytes);
}
#endif

Test(image_file, says_which_library_is_missing)
{
    static const struct {
        const char *path, *library;
    } files[] = {
        {DATA "files/rgb.png", "without libpng"},
        {DATA "files/odd_lossy.webp", "without libwebp"},
        {DATA "files/odd_lzw.tif", "without libtiff"},
        {DATA "files/odd.gif", "without giflib"},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        mmn_image image;
        mmn_status status = mmn_image_load(&image, files[i].path, PILLOW_12, &error);
        cr_expect_eq(status, can_read(files[i].path) ? MMN_OK : MMN_INPUT);
        if (status != MMN_OK)
            cr_expect_not_null(strstr(error.message, files[i].library), "%s", error.message);
        mmn_image_free(&image);
    }
}

Test(image_file, reports_every_failed_allocation)
{
    static const char *const paths[] = {
        DATA "files/cmyk.jpg",
        DATA "files/exif_6.jpg",
        DATA "files/exif_6.png",
        DATA "files/odd_exif_6.webp",
        DATA "files/odd_orientation.tif",
        DATA "files/odd_transparent.gif",
        DATA "files/odd_runs_8.bmp",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (!can_read(paths[i]))
            continue;
        mmn_image image;
        mmn_status status = MMN_SYSTEM;
        unsigned long number = 1;
        for (; status != MMN_OK && number < 100; number++) {
            fail_allocation_at(number);
            status = mmn_image_load(&image, paths[i], PILLOW_12, &error);
            cr_expect(status == MMN_OK || status == MMN_SYSTEM);
            cr_expect(status == MMN_OK || !image.rgb);
        }
        fail_allocation_at(0);
        cr_assert(status == MMN_OK && number > 3, "%s: %lu", paths[i], number);
        mmn_image_free(&image);
    }
}
