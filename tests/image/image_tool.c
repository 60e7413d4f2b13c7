/* Shows what the library makes of images, for compare_with_pillow.py: reads commands from standard
 * input, one a line, and answers each with one line.
 *
 *   decode FILE                              width height digest-of-RGB
 *   pixels FOLDER anyres|single SIDE ORDER FILE   tiles height width digest-of-values
 *   anyres FOLDER SIDE PATCH HEIGHT WIDTH    the features, see below
 *
 * FOLDER is a folder with a processor's settings, SIDE the vision tower's image_size, ORDER
 * horizontal or pillow13. An error is answered with "error" and its sentence. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "format/image_file.h"
#include "image/anyres.h"
#include "image/pixel_values.h"

static void show_error(const mmn_error *error)
{
    char sentence[2048];
    mmn_error_sentence(error, sentence, sizeof(sentence));
    printf("error %s\n", sentence);
}

static void decode(const char *file)
{
    mmn_error error;
    mmn_image image;
    char digest[MMN_DIGEST_SIZE];
    if (mmn_image_load(&image, file, MMN_RESIZE_HORIZONTAL_FIRST, &error) != MMN_OK) {
        show_error(&error);
        return;
    }
    mmn_digest_of(image.rgb, image.width * image.height * 3, digest);
    printf("%zu %zu %s\n", image.width, image.height, digest);
    mmn_image_free(&image);
}

static void pixels(const char *folder, const char *kind, uint32_t side, const char *order,
                   const char *file)
{
    mmn_error error;
    mmn_image image = {0};
    mmn_pixel_values values = {0};
    mmn_image_settings settings;
    mmn_image_model model = {.processor = strcmp(kind, "anyres") == 0 ? MMN_PROCESSOR_LLAVA_NEXT
                                                                      : MMN_PROCESSOR_LLAVA,
                             .image_size = side};
    if (mmn_image_settings_read(&settings, folder, &model, &error) != MMN_OK)
        goto failed;
    if (strcmp(order, "pillow13") == 0)
        settings.resize_order = MMN_RESIZE_PILLOW_13;
    if (mmn_image_load(&image, file, settings.resize_order, &error) != MMN_OK)
        goto failed;
    if (settings.do_convert_rgb)
        mmn_image_paint_key(&image);
    if (mmn_pixel_values_make(&values, &settings, &image, mmn_kernels_reference(), &error) !=
        MMN_OK)
        goto failed;
    mmn_digest *digest;
    if (mmn_digest_begin(&digest, &error) != MMN_OK)
        goto failed;
    char text[MMN_DIGEST_SIZE];
    for (size_t i = 0; i < values.tiles * 3 * values.height * values.width; i++) {
        uint32_t bits;
        memcpy(&bits, &values.values[i], sizeof(bits));
        mmn_digest_add_u32(digest, bits);
    }
    mmn_digest_finish(digest, text);
    mmn_digest_free(digest);
    printf("%zu %zu %zu %s\n", values.tiles, values.height, values.width, text);
    goto done;
failed:
    show_error(&error);
done:
    mmn_pixel_values_free(&values);
    mmn_image_free(&image);
}

static void anyres(const char *folder, uint32_t side, uint32_t patch, mmn_resolution size)
{
    mmn_error error;
    mmn_image_settings settings;
    mmn_image_model model = {.processor = MMN_PROCESSOR_LLAVA_NEXT, .image_size = side};
    if (mmn_image_settings_read(&settings, folder, &model, &error) != MMN_OK) {
        show_error(&error);
        return;
    }
    mmn_resolution best =
        mmn_anyres_select(settings.grid_pinpoints, settings.grid_pinpoint_count, size);
    mmn_resolution resized = mmn_anyres_resized(best, size);
    mmn_anyres_features f = mmn_anyres_features_of(&settings, size, side, patch);
    printf("%u %u %u %u %zu %zu %zu %zu %zu\n", best.height, best.width, resized.height,
           resized.width, f.first_row, f.rows, f.first_column, f.columns, f.total);
}

int main(void)
{
    char line[8192];
    while (fgets(line, sizeof(line), stdin)) {
        char *words[8];
        size_t count = 0;
        for (char *word = strtok(line, " \n"); word && count < 8; word = strtok(NULL, " \n"))
            words[count++] = word;
        if (count == 2 && strcmp(words[0], "decode") == 0)
            decode(words[1]);
        else if (count == 6 && strcmp(words[0], "pixels") == 0)
            pixels(words[1], words[2], (uint32_t)atoi(words[3]), words[4], words[5]);
        else if (count == 6 && strcmp(words[0], "anyres") == 0)
            anyres(words[1], (uint32_t)atoi(words[2]), (uint32_t)atoi(words[3]),
                   (mmn_resolution){(uint32_t)atoi(words[4]), (uint32_t)atoi(words[5])});
        else
            printf("error unknown command\n");
        fflush(stdout);
    }
    return 0;
}
