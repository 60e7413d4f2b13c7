/* How an image becomes pixel_values: reading the settings of a Hugging Face image processor. */
#include "image/settings.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"

#define FILE_LIMIT ((size_t)1 << 20)

/* What is divided by less would be too large for binary32. */
#define SMALLEST_DEVIATION 1e-30

/* The most tiles that a pinpoint may be divided into. */
#define MAXIMUM_TILES 1024

const mmn_resolution mmn_llava_next_pinpoints[MMN_LLAVA_NEXT_PINPOINTS] = {
    {336, 672}, {672, 336}, {672, 672}, {1008, 336}, {336, 1008},
};

/* What a class has where its file is silent, as transformers 5.23 does: sizes are the class's own,
 * whatever the vision tower reads. */
static void set_class_defaults(mmn_image_settings *settings, mmn_image_processor processor)
{
    *settings = (mmn_image_settings){
        .processor = processor,
        .resize_order = MMN_RESIZE_HORIZONTAL_FIRST,
        .resample = MMN_RESAMPLE_BICUBIC,
        .do_resize = true,
        .do_center_crop = true,
        .do_rescale = true,
        .do_normalize = true,
        .do_convert_rgb = true,
        .shortest_edge = 224,
        .crop_size = {224, 224},
        .rescale_factor = 1.0 / 255,
        .mean = {0.48145466, 0.4578275, 0.40821073},
        .std = {0.26862954, 0.26130258, 0.27577711},
    };
    if (processor != MMN_PROCESSOR_SIGLIP && processor != MMN_PROCESSOR_BLIP)
        return;
    uint32_t side = processor == MMN_PROCESSOR_SIGLIP ? 224 : 384;
    settings->do_center_crop = false;
    settings->shortest_edge = 0;
    settings->size = (mmn_resolution){side, side};
    settings->crop_size = (mmn_resolution){0, 0};
    for (size_t i = 0; i < 3 && processor == MMN_PROCESSOR_SIGLIP; i++)
        settings->mean[i] = settings->std[i] = 0.5;
}

/* Removes `suffix` from the end of the first *length characters of `name`. */
static void strip_suffix(const char *name, size_t *length, const char *suffix)
{
    size_t suffix_length = strlen(suffix);
    if (*length > suffix_length &&
        memcmp(name + *length - suffix_length, suffix, suffix_length) == 0)
        *length -= suffix_length;
}

/* The class, by its name without the suffix of the backend it was saved from. */
static mmn_status read_class(mmn_image_settings *settings, const mmn_json_object *object,
                             const mmn_image_model *model, mmn_error *error)
{
    static const struct {
        const char *name;
        mmn_image_processor processor;
    } classes[] = {
        {"CLIPImageProcessor", MMN_PROCESSOR_CLIP},
        {"CLIPFeatureExtractor", MMN_PROCESSOR_CLIP},
        {"LlavaImageProcessor", MMN_PROCESSOR_LLAVA},
        {"LlavaNextImageProcessor", MMN_PROCESSOR_LLAVA_NEXT},
        {"SiglipImageProcessor", MMN_PROCESSOR_SIGLIP},
        {"BlipImageProcessor", MMN_PROCESSOR_BLIP},
    };
    const char *key = "image_processor_type", *name = NULL;
    if (!mmn_json_has_value(object, key))
        key = "feature_extractor_type";
    mmn_status status = mmn_json_get_text(&name, object, key, error);
    if (status != MMN_OK || !name)
        return status;
    size_t length = strlen(name), i = 0, count = sizeof(classes) / sizeof(classes[0]);
    strip_suffix(name, &length, "Fast");
    strip_suffix(name, &length, "Pil");
    while (i < count &&
           (strlen(classes[i].name) != length || memcmp(classes[i].name, name, length) != 0))
        i++;
    if (i == count)
        return mmn_json_fail(object, key, error,
                             "image processor \"%s\" is not supported (supported are "
                             "CLIPImageProcessor, LlavaImageProcessor, LlavaNextImageProcessor, "
                             "SiglipImageProcessor, BlipImageProcessor)",
                             name);
    set_class_defaults(settings, classes[i].processor);
    if ((settings->processor == MMN_PROCESSOR_LLAVA_NEXT) !=
        (model->processor == MMN_PROCESSOR_LLAVA_NEXT))
        return mmn_json_fail(object, key, error, "\"%s\" does not suit a %s model", name,
                             model->family);
    return MMN_OK;
}

/* A size: an integer N, [height, width], {"height", "width"} or, if `shortest_edge` is not NULL,
 * {"shortest_edge"}. An integer is the shorter side where `square` is false, else a square. */
static mmn_status read_size(mmn_resolution *size, uint32_t *shortest_edge, bool square,
                            const mmn_json_object *object, const char *key, mmn_error *error)
{
    const char *forms = shortest_edge
                            ? "expected an integer, {\"shortest_edge\"} or {\"height\", \"width\"}"
                            : "expected an integer or {\"height\", \"width\"}";
    json_t *value = json_object_get(object->value, key);
    if (!value || json_is_null(value))
        return MMN_OK;
    mmn_status status;
    if (!json_is_object(value)) {
        int64_t sides[2];
        size_t count = 0;
        status = mmn_json_get_integers(sides, &count, 2, object, key, 1, MMN_IMAGE_MAXIMUM_SIDE,
                                       error);
        if (status != MMN_OK)
            return status;
        if (count == 0 || (json_is_array(value) && count != 2))
            return mmn_json_fail(object, key, error, "%s", forms);
        *size = (mmn_resolution){(uint32_t)sides[0], (uint32_t)sides[count - 1]};
        if (shortest_edge)
            *shortest_edge = count == 1 && !square ? size->height : 0;
        return MMN_OK;
    }

    mmn_json_object child;
    const uint32_t maximum = MMN_IMAGE_MAXIMUM_SIDE;
    mmn_resolution given = {0, 0};
    uint32_t edge = 0, longest_edge = 0;
    status = mmn_json_get_object(&child, object, key, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&given.height, &child, "height", 1, maximum, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&given.width, &child, "width", 1, maximum, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&edge, &child, "shortest_edge", 1, maximum, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&longest_edge, &child, "longest_edge", 1, UINT32_MAX, error);
    if (status != MMN_OK)
        return status;
    bool sides_given = given.height > 0 && given.width > 0;
    if (longest_edge > 0 || sides_given == (edge > 0) || (edge > 0 && !shortest_edge))
        return mmn_json_fail(object, key, error, "%s", forms);
    if (sides_given)
        *size = given;
    if (shortest_edge)
        *shortest_edge = edge;
    return MMN_OK;
}

/* One number for all channels, or three. */
static mmn_status read_channels(double channels[3], const mmn_json_object *object, const char *key,
                                mmn_error *error)
{
    json_t *value = json_object_get(object->value, key);
    if (!value || json_is_null(value))
        return MMN_OK;
    if (!json_is_number(value) && !(json_is_array(value) && json_array_size(value) == 3))
        return mmn_json_fail(object, key, error, "expected a number, or one per channel");
    for (size_t i = 0; i < 3; i++) {
        json_t *channel = json_is_array(value) ? json_array_get(value, i) : value;
        if (!json_is_number(channel))
            return mmn_json_fail(object, key, error, "expected a number, or one per channel");
        channels[i] = json_number_value(channel);
        if (!(channels[i] >= -1e6 && channels[i] <= 1e6))
            return mmn_json_fail(object, key, error, "a number lies outside [-1e6, 1e6]");
    }
    return MMN_OK;
}

static mmn_status read_pinpoints(mmn_image_settings *settings, const mmn_json_object *object,
                                 mmn_error *error)
{
    static const char key[] = "image_grid_pinpoints";
    json_t *array = NULL;
    mmn_status status = mmn_json_get_array(&array, object, key, error);
    if (status != MMN_OK || !array)
        return status;
    size_t count = json_array_size(array);
    if (count == 0 || count > MMN_IMAGE_MAXIMUM_PINPOINTS)
        return mmn_json_fail(object, key, error, "expected 1 to %d entries, found %zu",
                             MMN_IMAGE_MAXIMUM_PINPOINTS, count);
    for (size_t i = 0; i < count; i++) {
        json_t *pair = json_array_get(array, i);
        json_int_t sides[2];
        for (size_t j = 0; j < 2; j++) {
            json_t *side = json_array_get(pair, j);
            sides[j] = json_integer_value(side);
            if (json_array_size(pair) != 2 || !json_is_integer(side) || sides[j] < 1 ||
                sides[j] > MMN_IMAGE_MAXIMUM_SIDE)
                return mmn_json_fail(object, key, error,
                                     "entry %zu is not [height, width] with integers from 1 to %d",
                                     i, MMN_IMAGE_MAXIMUM_SIDE);
        }
        settings->grid_pinpoints[i] = (mmn_resolution){(uint32_t)sides[0], (uint32_t)sides[1]};
    }
    settings->grid_pinpoint_count = count;
    return MMN_OK;
}

/* A switch; null switches off, as it does in Python. */
static mmn_status read_switch(bool *value, const mmn_json_object *object, const char *key,
                              mmn_error *error)
{
    if (json_is_null(json_object_get(object->value, key)))
        *value = false;
    return mmn_json_get_bool(value, object, key, error);
}

/* A key that is null is not the default: transformers refuses to do the step without it. */
static mmn_status refuse_null(const mmn_json_object *object, const char *key, bool used,
                              mmn_error *error)
{
    if (!used || !json_is_null(json_object_get(object->value, key)))
        return MMN_OK;
    return mmn_json_fail(object, key, error,
                         "expected a value, not null: the image processor is told to use it");
}

/* The sizes that images are resized and cropped to. */
static mmn_status read_sizes(mmn_image_settings *settings, const mmn_json_object *object,
                             mmn_error *error)
{
    bool square = settings->processor == MMN_PROCESSOR_BLIP, kosmos = false;
    mmn_status status = read_switch(&square, object, "default_to_square", error);
    if (status == MMN_OK)
        status = read_size(&settings->size, &settings->shortest_edge, square, object, "size",
                           error);
    if (status == MMN_OK)
        status = read_size(&settings->crop_size, NULL, true, object, "crop_size", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&kosmos, object, "use_square_size", error);
    if (status == MMN_OK && kosmos)
        status = mmn_json_fail(object, "use_square_size", error, "is not supported");
    if (status == MMN_OK)
        status = read_switch(&settings->do_resize, object, "do_resize", error);
    if (status == MMN_OK)
        status = read_switch(&settings->do_center_crop, object, "do_center_crop", error);
    if (status == MMN_OK)
        status = refuse_null(object, "size", settings->do_resize, error);
    if (status == MMN_OK)
        status = refuse_null(object, "crop_size", settings->do_center_crop, error);
    if (status == MMN_OK && settings->do_center_crop && settings->crop_size.height == 0)
        status = mmn_json_fail(object, "do_center_crop", error,
                               "a crop needs a \"crop_size\", which this class has none of");
    return status;
}

/* The scalars that all classes have. */
static mmn_status read_steps(mmn_image_settings *settings, const mmn_json_object *object,
                             mmn_error *error)
{
    bool do_pad = false;
    uint32_t resample = settings->resample;
    mmn_status status = read_switch(&settings->do_rescale, object, "do_rescale", error);
    if (status == MMN_OK)
        status = read_switch(&settings->do_normalize, object, "do_normalize", error);
    if (status == MMN_OK)
        status = read_switch(&settings->do_convert_rgb, object, "do_convert_rgb", error);
    if (status == MMN_OK)
        status = read_switch(&do_pad, object, "do_pad", error);
    if (status == MMN_OK)
        status = refuse_null(object, "resample", settings->do_resize, error);
    if (status == MMN_OK)
        status = refuse_null(object, "rescale_factor", settings->do_rescale, error);
    if (status == MMN_OK)
        status = refuse_null(object, "image_mean", settings->do_normalize, error);
    if (status == MMN_OK)
        status = refuse_null(object, "image_std", settings->do_normalize, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&resample, object, "resample", 0, UINT32_MAX, error);
    if (status == MMN_OK)
        status = mmn_json_get_f64(&settings->rescale_factor, object, "rescale_factor", -1e6, 1e6,
                                  error);
    if (status == MMN_OK)
        status = read_channels(settings->mean, object, "image_mean", error);
    if (status == MMN_OK)
        status = read_channels(settings->std, object, "image_std", error);
    if (status != MMN_OK)
        return status;

    if (resample != MMN_RESAMPLE_BICUBIC && resample != MMN_RESAMPLE_BILINEAR)
        return mmn_json_fail(object, "resample", error,
                             "filter %u is not supported (supported are 2, bilinear, and 3, "
                             "bicubic)",
                             (unsigned)resample);
    settings->resample = (mmn_resample)resample;
    for (size_t i = 0; i < 3; i++) {
        if (settings->std[i] < SMALLEST_DEVIATION && settings->std[i] > -SMALLEST_DEVIATION)
            return mmn_json_fail(object, "image_std", error, "a standard deviation is 0%s",
                                 settings->std[i] == 0 ? "" : ", or as good as");
        if (do_pad && settings->processor == MMN_PROCESSOR_LLAVA &&
            !(settings->mean[i] >= 0.0 && settings->mean[i] <= 1.0))
            return mmn_json_fail(object, "image_mean", error,
                                 "with do_pad a mean must lie in [0, 1]: it is the colour of the "
                                 "padding");
    }
    /* LlavaNextImageProcessor pads the number of tiles in a batch, which one image has not. */
    settings->pad_to_square = do_pad && settings->processor == MMN_PROCESSOR_LLAVA;
    json_t *pad_size = json_object_get(object->value, "pad_size");
    bool pads_batches = settings->processor != MMN_PROCESSOR_LLAVA &&
                        settings->processor != MMN_PROCESSOR_LLAVA_NEXT;
    if (do_pad && pads_batches && pad_size && !json_is_null(pad_size))
        return mmn_json_fail(object, "pad_size", error,
                             "padding to a size is not supported");
    return MMN_OK;
}

/* Tiles must be what the vision tower reads, and pinpoints whole numbers of them. */
static mmn_status check_sizes(const mmn_image_settings *settings, const mmn_json_object *object,
                              const mmn_image_model *model, mmn_error *error)
{
    uint32_t side = model->image_size;
    mmn_resolution made = settings->do_center_crop ? settings->crop_size : settings->size;
    bool known = settings->do_center_crop || (settings->do_resize && settings->shortest_edge == 0);
    if (known && (made.height != side || made.width != side))
        return mmn_json_fail(object, settings->do_center_crop ? "crop_size" : "size", error,
                             "the vision tower reads %ux%u pixels, but the image processor makes "
                             "%ux%u",
                             (unsigned)side, (unsigned)side, (unsigned)made.width,
                             (unsigned)made.height);
    if (settings->processor != MMN_PROCESSOR_LLAVA_NEXT)
        return MMN_OK;
    if (settings->crop_size.height != side)
        return mmn_json_fail(object, "crop_size", error,
                             "the tiles have %u pixels a side, but the vision tower reads %u",
                             (unsigned)settings->crop_size.height, (unsigned)side);
    for (size_t i = 0; i < settings->grid_pinpoint_count; i++) {
        mmn_resolution pinpoint = settings->grid_pinpoints[i];
        if (pinpoint.height % side != 0 || pinpoint.width % side != 0 ||
            (pinpoint.height / side) * (pinpoint.width / side) > MAXIMUM_TILES)
            return mmn_json_fail(object, "image_grid_pinpoints", error,
                                 "entry %zu, [%u, %u], is not made of whole tiles of %u pixels, at "
                                 "most %d of them",
                                 i, (unsigned)pinpoint.height, (unsigned)pinpoint.width,
                                 (unsigned)side, MAXIMUM_TILES);
    }
    return MMN_OK;
}

static mmn_status read_settings(mmn_image_settings *settings, const mmn_json_object *object,
                                const mmn_image_model *model, mmn_error *error)
{
    set_class_defaults(settings, model->processor);
    mmn_status status = read_class(settings, object, model, error);
    if (status == MMN_OK)
        status = read_sizes(settings, object, error);
    if (status == MMN_OK)
        status = read_steps(settings, object, error);
    if (status != MMN_OK)
        return status;
    if (settings->processor == MMN_PROCESSOR_LLAVA_NEXT) {
        settings->grid_pinpoint_count = MMN_LLAVA_NEXT_PINPOINTS;
        memcpy(settings->grid_pinpoints, mmn_llava_next_pinpoints, sizeof(mmn_llava_next_pinpoints));
        status = refuse_null(object, "image_grid_pinpoints", true, error);
        if (status == MMN_OK)
            status = read_pinpoints(settings, object, error);
        if (status != MMN_OK)
            return status;
        if (model->grid_pinpoints &&
            (settings->grid_pinpoint_count != model->grid_pinpoint_count ||
             memcmp(settings->grid_pinpoints, model->grid_pinpoints,
                    model->grid_pinpoint_count * sizeof(*model->grid_pinpoints)) != 0))
            return mmn_json_fail(object, "image_grid_pinpoints", error,
                                 "the entries (the class's, if there are none) are not those of "
                                 "config.json");
    }
    return check_sizes(settings, object, model, error);
}

/* Parses `folder`/`name` to `*document` and names the file in `*path`; both stay NULL when there is
 * no such file. */
static mmn_status load(json_t **document, char **path, const char *folder, const char *name,
                       mmn_error *error)
{
    *document = NULL;
    mmn_status status = mmn_path_join(path, folder, name, error);
    return status == MMN_OK ? mmn_json_load_if_there(document, *path, FILE_LIMIT, error) : status;
}

mmn_status mmn_image_settings_read(mmn_image_settings *settings, const char *folder,
                                   const mmn_image_model *model, mmn_error *error)
{
    json_t *processor = NULL, *preprocessor = NULL;
    char *processor_path = NULL, *preprocessor_path = NULL;
    mmn_json_object object = {0}, root;
    mmn_status status = load(&processor, &processor_path, folder, "processor_config.json", error);
    if (status == MMN_OK && processor) {
        status = mmn_json_as_object(&root, processor, processor_path, error);
        if (status == MMN_OK)
            status = mmn_json_get_object(&object, &root, "image_processor", error);
    }
    if (status == MMN_OK && !object.value) {
        status = load(&preprocessor, &preprocessor_path, folder, "preprocessor_config.json", error);
        if (status == MMN_OK && preprocessor)
            status = mmn_json_as_object(&object, preprocessor, preprocessor_path, error);
        else if (status == MMN_OK)
            status = mmn_fail(error, MMN_INPUT, folder, NULL,
                              "there is no preprocessor_config.json (nor \"image_processor\" in a "
                              "processor_config.json), without which nobody knows how pictures "
                              "become pixel values");
    }
    if (status == MMN_OK)
        status = read_settings(settings, &object, model, error);
    json_decref(processor);
    json_decref(preprocessor);
    mmn_free(processor_path);
    mmn_free(preprocessor_path);
    return status;
}
