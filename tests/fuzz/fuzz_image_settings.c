/* Fuzz target: preprocessor_config.json or processor_config.json, and the pixel values of an image.
 * The first letter says for which model, the second in which file (p: the processor's). */
#include "image/pixel_values.h"
#include "image/settings.h"
#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz.h"

enum { WIDTH = 40, HEIGHT = 30 };

FUZZ_TARGET(image_settings, 100)
{
    static const mmn_resolution pinpoints[] = {{56, 28}, {28, 56}, {56, 56}};
    static uint8_t rgb[WIDTH * HEIGHT * 3];
    if (size < 2)
        return MMN_FUZZ_REFUSED;
    char kind = (char)data[0];
    bool of_processor = data[1] == 'p';
    mmn_fuzz_put(of_processor ? "processor_config.json" : "preprocessor_config.json", data + 2,
                 size - 2);
    mmn_fuzz_take(of_processor ? "preprocessor_config.json" : "processor_config.json");

    /* a: LLaVA-NeXT, c: that with pinpoints in its config.json, b: InstructBLIP, else LLaVA. */
    mmn_image_model model = {.processor = kind == 'a' || kind == 'c' ? MMN_PROCESSOR_LLAVA_NEXT
                                          : kind == 'b'              ? MMN_PROCESSOR_BLIP
                                                                     : MMN_PROCESSOR_LLAVA,
                             .image_size = 28};
    if (kind == 'c') {
        model.grid_pinpoints = pinpoints;
        model.grid_pinpoint_count = sizeof(pinpoints) / sizeof(pinpoints[0]);
    }
    mmn_error error = {0};
    mmn_image_settings settings;
    mmn_status status = mmn_image_settings_read(&settings, mmn_fuzz_path("."), &model, &error);
    if (status == MMN_OK) {
        mmn_error refused = {0};
        mmn_pixel_values pixels;
        for (size_t i = 0; i < sizeof(rgb); i++)
            rgb[i] = (uint8_t)(i * 7);
        mmn_image image = {.width = WIDTH, .height = HEIGHT, .rgb = rgb};
        if (mmn_fuzz_done(mmn_pixel_values_make(&pixels, &settings, &image, mmn_kernels_reference(),
                                                &refused),
                          &refused))
            mmn_pixel_values_free(&pixels);
    }
    return mmn_fuzz_result(status, &error);
}
