/* Fuzz target: an image file of any kind, by its first bytes, and the pixel values that two
 * models make of it. */
#include <string.h>

#include "format/image_file.h"
#include "image/pixel_values.h"
#include "image/settings.h"
#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz.h"

enum { MODELS = 2, PIXEL_LIMIT = 1000000 };

/* LLaVA's settings and LLaVA-NeXT's, for a small vision tower. */
static void make_settings(mmn_image_settings settings[MODELS])
{
    static const char *const files[MODELS] = {
        "{\"image_processor_type\":\"CLIPImageProcessor\",\"size\":{\"shortest_edge\":28},"
        "\"crop_size\":{\"height\":28,\"width\":28}}",
        "{\"image_processor_type\":\"LlavaNextImageProcessor\",\"size\":{\"shortest_edge\":28},"
        "\"crop_size\":{\"height\":28,\"width\":28},"
        "\"image_grid_pinpoints\":[[56,28],[28,56],[56,56]]}"};
    static const mmn_resolution pinpoints[] = {{56, 28}, {28, 56}, {56, 56}};
    static const mmn_image_model models[MODELS] = {
        {.processor = MMN_PROCESSOR_LLAVA, .image_size = 28},
        {.processor = MMN_PROCESSOR_LLAVA_NEXT,
         .image_size = 28,
         .grid_pinpoints = pinpoints,
         .grid_pinpoint_count = 3}};
    for (int i = 0; i < MODELS; i++) {
        mmn_error error = {0};
        mmn_fuzz_put("preprocessor_config.json", files[i], strlen(files[i]));
        if (mmn_image_settings_read(&settings[i], mmn_fuzz_path("."), &models[i], &error) !=
            MMN_OK) {
            fprintf(stderr, "%s\n", error.message);
            abort();
        }
    }
}

FUZZ_TARGET(image, 100)
{
    static mmn_image_settings settings[MODELS];
    static bool made;
    if (!made)
        make_settings(settings);
    made = true;
    mmn_error error = {0};
    mmn_image image = {0};
    mmn_status status = mmn_image_decode(&image, data, size, MMN_RESIZE_HORIZONTAL_FIRST, &error);
    if (status == MMN_OK ? image.width == 0 || image.height == 0 || !image.rgb : image.rgb != NULL)
        abort();
    int result = mmn_fuzz_result(status, &error);
    /* What a build has no library for is refused by that name, whatever is in it. */
    if (status == MMN_INPUT && strstr(error.message, "this program was built without"))
        result = MMN_FUZZ_ACCEPTED;
    for (int i = 0; status == MMN_OK && i < MODELS; i++) {
        mmn_pixel_values pixels;
        if (image.width * image.height <= PIXEL_LIMIT &&
            mmn_fuzz_done(mmn_pixel_values_make(&pixels, &settings[i], &image,
                                                mmn_kernels_reference(), &error),
                          &error))
            mmn_pixel_values_free(&pixels);
    }
    mmn_image_free(&image);
    return result;
}
