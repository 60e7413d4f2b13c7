/* Reading an image processor's settings: published and newer forms, defaults, refusals. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/settings.h"
#include "tests/tools/scratch.h"

static mmn_error error;
static mmn_image_settings settings;

/* Puts the file there, or with NULL takes it away. */
static void put(const char *text)
{
    if (text)
        scratch_write("preprocessor_config.json", text);
    else
        unlink(scratch_path("preprocessor_config.json"));
}

static mmn_status read_single(const char *text)
{
    mmn_image_model model = {.processor = MMN_PROCESSOR_LLAVA, .image_size = 224};
    put(text);
    memset(&error, 0, sizeof(error));
    return mmn_image_settings_read(&settings, scratch, &model, &error);
}

static mmn_status read_anyres(const char *text)
{
    mmn_image_model model = {.processor = MMN_PROCESSOR_LLAVA_NEXT, .image_size = 336};
    put(text);
    memset(&error, 0, sizeof(error));
    return mmn_image_settings_read(&settings, scratch, &model, &error);
}

TestSuite(settings, .init = scratch_make, .fini = scratch_remove);

/* As transformers, which cannot load an image processor from such a folder. */
Test(settings, must_be_there)
{
    cr_assert_eq(read_single(NULL), MMN_INPUT);
    cr_expect(strstr(error.message, "no preprocessor_config.json"), "%s", error.message);
    scratch_write("processor_config.json", "{\"processor_class\": \"LlavaProcessor\"}");
    cr_assert_eq(read_single(NULL), MMN_INPUT);
    scratch_write("processor_config.json", "{\"image_processor\": {}}");
    cr_assert_eq(read_single(NULL), MMN_OK, "%s", error.message);
}

/* What transformers 5.23's CLIPImageProcessorPil, LlavaImageProcessorPil and so on have as class
 * attributes. */
Test(settings, default_to_those_of_the_class)
{
    cr_assert_eq(read_single("{}"), MMN_OK, "%s", error.message);
    cr_expect_eq(settings.processor, MMN_PROCESSOR_LLAVA);
    cr_expect_eq(settings.shortest_edge, 224);
    cr_expect_eq(settings.crop_size.height, 224);
    cr_expect(settings.do_resize && settings.do_center_crop && settings.do_rescale &&
              settings.do_normalize && settings.do_convert_rgb && !settings.pad_to_square);
    cr_expect_eq(settings.resample, MMN_RESAMPLE_BICUBIC);
    cr_expect_eq(settings.rescale_factor, 1.0 / 255);
    cr_expect_eq(settings.mean[1], 0.4578275);
    cr_expect_eq(settings.std[2], 0.27577711);
    cr_assert_eq(read_anyres("{\"crop_size\": 336}"), MMN_OK);
    cr_expect_eq(settings.processor, MMN_PROCESSOR_LLAVA_NEXT);
    cr_expect_eq(settings.shortest_edge, 224);
    cr_expect_eq(settings.grid_pinpoint_count, 5);
    cr_expect_eq(settings.grid_pinpoints[3].height, 1008);
    cr_expect_eq(settings.grid_pinpoints[3].width, 336);

    /* The size is the class's, not the tower's; a crop of the tower's side then pads. */
    const mmn_image_model tower = {.processor = MMN_PROCESSOR_LLAVA, .image_size = 336};
    scratch_write("preprocessor_config.json", "{\"crop_size\": 336}");
    cr_assert_eq(mmn_image_settings_read(&settings, scratch, &tower, &error), MMN_OK);
    cr_expect_eq(settings.shortest_edge, 224);
    cr_expect_eq(settings.crop_size.width, 336);
    scratch_write("preprocessor_config.json", "{\"size\": 336}");
    cr_assert_eq(mmn_image_settings_read(&settings, scratch, &tower, &error), MMN_INPUT);
    cr_expect_not_null(strstr(error.message, "makes 224x224"));
}

/* A null switches off or is refused, as in transformers: it is not the default. */
Test(settings, that_are_null_are_not_the_default)
{
    static const char *const needed[] = {"size",           "crop_size",  "resample",
                                         "rescale_factor", "image_mean", "image_std"};
    char text[256];
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        snprintf(text, sizeof(text), "{\"%s\": null}", needed[i]);
        cr_expect_eq(read_single(text), MMN_INPUT, "%s", text);
        cr_expect_not_null(strstr(error.message, "not null"), "%s", error.message);
        snprintf(text, sizeof(text),
                 "{\"%s\": null, \"do_resize\": null, \"do_center_crop\": null, "
                 "\"do_rescale\": null, \"do_normalize\": null, \"do_convert_rgb\": null}",
                 needed[i]);
        cr_expect_eq(read_single(text), MMN_OK, "%s: %s", text, error.message);
        cr_expect(!settings.do_resize && !settings.do_center_crop && !settings.do_rescale &&
                  !settings.do_normalize && !settings.do_convert_rgb);
    }
    cr_expect_eq(read_anyres("{\"crop_size\": 336, \"image_grid_pinpoints\": null}"), MMN_INPUT);
}

Test(settings, take_sizes_in_every_form)
{
    cr_assert_eq(read_single("{\"size\": 336, \"crop_size\": 224}"), MMN_OK);
    cr_expect_eq(settings.shortest_edge, 336);
    cr_assert_eq(read_single("{\"size\": {\"shortest_edge\": 400, \"longest_edge\": null}}"),
                 MMN_OK);
    cr_expect_eq(settings.shortest_edge, 400);
    cr_assert_eq(read_single("{\"size\": {\"height\": 350, \"width\": 360}}"), MMN_OK);
    cr_expect_eq(settings.shortest_edge, 0);
    cr_expect_eq(settings.size.height, 350);
    cr_expect_eq(settings.size.width, 360);
    cr_assert_eq(read_single("{\"size\": [340, 338], \"crop_size\": [224, 224]}"), MMN_OK);
    cr_expect_eq(settings.size.height, 340);
    cr_expect_eq(settings.size.width, 338);
    cr_assert_eq(read_single("{\"image_mean\": 0.5, \"image_std\": [1, 2.5, 3]}"), MMN_OK);
    cr_expect_eq(settings.mean[2], 0.5);
    cr_expect_eq(settings.std[1], 2.5);
}

Test(settings, know_the_classes_with_any_suffix)
{
    cr_assert_eq(read_single("{\"image_processor_type\": \"CLIPImageProcessorFast\", "
                             "\"do_pad\": true}"),
                 MMN_OK);
    cr_expect_eq(settings.processor, MMN_PROCESSOR_CLIP);
    cr_expect_not(settings.pad_to_square);
    cr_assert_eq(read_single("{\"image_processor_type\": \"LlavaImageProcessorPil\", "
                             "\"do_pad\": true}"),
                 MMN_OK);
    cr_expect_eq(settings.processor, MMN_PROCESSOR_LLAVA);
    cr_expect(settings.pad_to_square);
    cr_assert_eq(read_single("{\"feature_extractor_type\": \"CLIPFeatureExtractor\"}"), MMN_OK);
    cr_expect_eq(settings.processor, MMN_PROCESSOR_CLIP);
    cr_assert_eq(read_anyres("{\"image_processor_type\": \"LlavaNextImageProcessorFast\", "
                             "\"crop_size\": 336}"),
                 MMN_OK);
}

Test(settings, of_siglip_resize_without_a_crop)
{
    cr_assert_eq(read_single("{\"image_processor_type\": \"SiglipImageProcessor\"}"), MMN_OK);
    cr_expect_eq(settings.processor, MMN_PROCESSOR_SIGLIP);
    cr_expect(settings.do_resize && !settings.do_center_crop && !settings.pad_to_square);
    cr_expect_eq(settings.shortest_edge, 0);
    cr_expect(settings.size.height == 224 && settings.size.width == 224);
    cr_expect_eq(settings.mean[1], 0.5);
    cr_expect_eq(settings.std[2], 0.5);
    cr_assert_eq(read_single("{\"image_processor_type\": \"SiglipImageProcessor\", "
                             "\"size\": 250, \"do_center_crop\": true, \"crop_size\": 224}"),
                 MMN_OK);
    cr_expect_eq(settings.shortest_edge, 250);
    cr_assert_eq(read_single("{\"image_processor_type\": \"SiglipImageProcessor\", "
                             "\"do_center_crop\": true}"),
                 MMN_INPUT);
    cr_expect_not_null(strstr(error.message, "crop_size"));
}

Test(settings, of_blip_are_the_same_with_the_mean_of_clip)
{
    const mmn_image_model model = {.processor = MMN_PROCESSOR_BLIP, .image_size = 384};
    scratch_write("preprocessor_config.json", "{}");
    cr_assert_eq(mmn_image_settings_read(&settings, scratch, &model, &error), MMN_OK);
    cr_expect_eq(settings.processor, MMN_PROCESSOR_BLIP);
    cr_expect(settings.size.height == 384 && settings.size.width == 384);
    cr_assert_eq(read_single("{\"image_processor_type\": \"BlipImageProcessorFast\", "
                             "\"size\": 224}"),
                 MMN_OK);
    cr_expect_eq(settings.processor, MMN_PROCESSOR_BLIP);
    cr_expect(settings.do_resize && !settings.do_center_crop && !settings.pad_to_square);
    cr_expect_eq(settings.shortest_edge, 0);
    cr_expect(settings.size.height == 224 && settings.size.width == 224);
    cr_expect_eq(settings.mean[1], 0.4578275);
    cr_expect_eq(settings.std[2], 0.27577711);
    cr_assert_eq(read_single("{\"image_processor_type\": \"BlipImageProcessor\", "
                             "\"size\": {\"height\": 384, \"width\": 384}}"),
                 MMN_INPUT);
}

Test(settings, prefer_those_nested_in_the_processor)
{
    scratch_write("processor_config.json",
                  "{\"image_processor\": {\"do_normalize\": false, \"resample\": 2}}");
    cr_assert_eq(read_single("{\"do_normalize\": true, \"do_rescale\": false}"), MMN_OK);
    cr_expect(!settings.do_normalize && settings.do_rescale);
    cr_expect_eq(settings.resample, MMN_RESAMPLE_BILINEAR);
    scratch_write("processor_config.json", "{\"patch_size\": 14}");
    cr_assert_eq(read_single("{\"do_rescale\": false}"), MMN_OK);
    cr_expect(settings.do_normalize && !settings.do_rescale);
}

Test(settings, refuse_what_they_cannot_do)
{
    static const struct {
        const char *text, *words;
    } wrong[] = {
        {"{\"image_processor_type\": \"ViTImageProcessor\"}", "ViTImageProcessor"},
        {"{\"image_processor_type\": \"LlavaNextImageProcessor\"}", "does not suit"},
        {"{\"image_processor_type\": 3}", ""},
        {"{\"image_processor_type\": \"SiglipImageProcessor\", \"size\": {\"height\": 384, "
         "\"width\": 384}}",
         "makes 384x384"},
        {"{\"resample\": 1}", "filter 1"},
        {"{\"size\": \"336\"}", ""},
        {"{\"size\": 0}", ""},
        {"{\"size\": 1e9}", ""},
        {"{\"size\": {\"longest_edge\": 336}}", "expected"},
        {"{\"size\": {\"shortest_edge\": 336, \"longest_edge\": 672}}", "expected"},
        {"{\"size\": {\"height\": 336}}", "expected"},
        {"{\"size\": [1, 2, 3]}", ""},
        {"{\"crop_size\": {\"shortest_edge\": 336}}", "expected"},
        {"{\"crop_size\": 336}", "reads 224x224"},
        {"{\"do_center_crop\": false, \"size\": {\"height\": 224, \"width\": 300}}", "300x224"},
        {"{\"use_square_size\": true}", "not supported"},
        {"{\"image_mean\": [0.5, 0.5]}", "one per channel"},
        {"{\"image_mean\": [0.5, 0.5, \"\"]}", "one per channel"},
        {"{\"image_std\": [0.5, 0.5, 0]}", "is 0"},
        {"{\"image_std\": 1e-60}", "is 0"},
        {"{\"image_std\": [1, 1, -1e-40]}", "is 0, or as good as"},
        {"{\"do_pad\": true, \"image_mean\": 1.5}", "in [0, 1]"},
        {"{\"do_resize\": 1}", ""},
        {"[]", ""},
        {"{\"size\": 336", ""},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_expect_eq(read_single(wrong[i].text), MMN_INPUT, "%s", wrong[i].text);
        cr_expect_not_null(strstr(error.message, wrong[i].words), "%s: %s", wrong[i].text,
                           error.message);
        cr_expect_not_null(strstr(error.file, "preprocessor_config.json"), "%s", wrong[i].text);
    }
}

Test(settings, refuse_pinpoints_that_make_no_tiles)
{
    static const char *const wrong[] = {
        "{\"crop_size\": 336, \"image_grid_pinpoints\": []}",
        "{\"crop_size\": 336, \"image_grid_pinpoints\": [[336, 672], 3]}",
        "{\"crop_size\": 336, \"image_grid_pinpoints\": [[336, 672, 1]]}",
        "{\"crop_size\": 336, \"image_grid_pinpoints\": [[336.0, 672]]}",
        "{\"crop_size\": 336, \"image_grid_pinpoints\": [[336, 0]]}",
        "{\"crop_size\": 336, \"image_grid_pinpoints\": [[336, 600]]}",
        "{\"crop_size\": 336, \"image_grid_pinpoints\": [[16128, 16128]]}",
        "{\"crop_size\": 336, \"image_grid_pinpoints\": [[336, 33600]]}",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        cr_expect_eq(read_anyres(wrong[i]), MMN_INPUT, "%s", wrong[i]);

    static const mmn_resolution pinpoints[] = {{336, 672}, {672, 672}};
    mmn_image_model model = {.processor = MMN_PROCESSOR_LLAVA_NEXT,
                             .image_size = 336,
                             .grid_pinpoint_count = 2,
                             .grid_pinpoints = pinpoints};
    scratch_write("preprocessor_config.json",
                  "{\"crop_size\": 336, \"image_grid_pinpoints\": [[336, 672], [672, 672]]}");
    cr_expect_eq(mmn_image_settings_read(&settings, scratch, &model, &error), MMN_OK);
    cr_expect_eq(settings.grid_pinpoint_count, 2);
    scratch_write("preprocessor_config.json",
                  "{\"crop_size\": 336, \"image_grid_pinpoints\": [[672, 672], [336, 672]]}");
    cr_expect_eq(mmn_image_settings_read(&settings, scratch, &model, &error), MMN_INPUT);
    cr_expect_not_null(strstr(error.message, "config.json"));
    scratch_write("preprocessor_config.json", "{\"crop_size\": 336}");
    cr_expect_eq(mmn_image_settings_read(&settings, scratch, &model, &error), MMN_INPUT);
    cr_expect_not_null(strstr(error.message, "the class's"));
}
