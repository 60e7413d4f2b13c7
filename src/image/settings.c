/* How an image becomes pixel_values: reading the settings of a Hugging Face image processor. */
#include "image/settings.h"

#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "base/reader.h"

#define FILE_LIMIT ((size_t)1 << 20)

/* What is divided by less would be too large for binary32. */
#define SMALLEST_DEVIATION 1e-30

/* The most tiles that a pinpoint may be divided into. */
#define MAXIMUM_TILES 1024

const mmn_resolution mmn_llava_next_pinpoints[MMN_LLAVA_NEXT_PINPOINTS] = {
    {336, 672}, {672, 336}, {672, 672}, {1008, 336}, {336, 1008},
};

/* Whether the class resizes to a square and does not crop, unless its file says otherwise. */
static bool makes_squares(mmn_image_processor processor)
{
    return processor == MMN_PROCESSOR_SIGLIP || processor == MMN_PROCESSOR_BLIP ||
           processor == MMN_PROCESSOR_OWLVIT;
}

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
    if (!makes_squares(processor))
        return;
    uint32_t side = processor == MMN_PROCESSOR_SIGLIP ? 224
                    : processor == MMN_PROCESSOR_BLIP ? 384
                                                      : 768;
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
static void read_class(mmn_image_settings *settings, const mmn_object *object,
                       const mmn_image_model *model)
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
        {"OwlViTImageProcessor", MMN_PROCESSOR_OWLVIT},
        {"OwlViTFeatureExtractor", MMN_PROCESSOR_OWLVIT},
    };
    const char *key = "image_processor_type", *name = NULL;
    if (!mmn_object_value(object, key))
        key = "feature_extractor_type";
    mmn_read_text(&name, object, key);
    if (!name)
        return;
    size_t length = strlen(name), i = 0, count = MMN_LENGTH(classes);
    strip_suffix(name, &length, "Fast");
    strip_suffix(name, &length, "Pil");
    while (i < count &&
           (strlen(classes[i].name) != length || memcmp(classes[i].name, name, length) != 0))
        i++;
    if (i == count) {
        mmn_read_wrong(object, key,
                       "image processor \"%s\" is not supported (supported are "
                       "CLIPImageProcessor, LlavaImageProcessor, LlavaNextImageProcessor, "
                       "SiglipImageProcessor, BlipImageProcessor, OwlViTImageProcessor)",
                       name);
        return;
    }
    set_class_defaults(settings, classes[i].processor);
    if ((settings->processor == MMN_PROCESSOR_LLAVA_NEXT) !=
        (model->processor == MMN_PROCESSOR_LLAVA_NEXT))
        mmn_read_wrong(object, key, "\"%s\" does not suit a %s model", name, model->family);
}

/* What the object of a size may say; 0: nothing. */
typedef struct size_object {
    mmn_resolution sides;
    uint32_t shortest_edge, longest_edge;
} size_object;

static const mmn_field size_fields[] = {
    {"height", NULL, MMN_FIELD_U32, offsetof(size_object, sides.height), 1, MMN_IMAGE_MAXIMUM_SIDE},
    {"width", NULL, MMN_FIELD_U32, offsetof(size_object, sides.width), 1, MMN_IMAGE_MAXIMUM_SIDE},
    {"shortest_edge", NULL, MMN_FIELD_U32, offsetof(size_object, shortest_edge), 1,
     MMN_IMAGE_MAXIMUM_SIDE},
    {"longest_edge", NULL, MMN_FIELD_U32, offsetof(size_object, longest_edge), 1, UINT32_MAX},
};

/* A size: an integer N, [height, width], {"height", "width"} or, if `shortest_edge` is not NULL,
 * {"shortest_edge"}. An integer is the shorter side where `square` is false, else a square. */
static void read_size(mmn_resolution *size, uint32_t *shortest_edge, bool square,
                      const mmn_object *object, const char *key)
{
    const char *forms = shortest_edge
                            ? "expected an integer, {\"shortest_edge\"} or {\"height\", \"width\"}"
                            : "expected an integer or {\"height\", \"width\"}";
    const json_t *value = mmn_object_value(object, key);
    size_object given = {{0, 0}, 0, 0};
    if (!value)
        return;
    if (json_is_object(value)) {
        mmn_object child = mmn_read_object(object, key);
        mmn_read_fields(&given, &child, size_fields, MMN_LENGTH(size_fields));
        bool sides_given = given.sides.height > 0 && given.sides.width > 0;
        bool edge_given = given.shortest_edge > 0;
        if (given.longest_edge > 0 || sides_given == edge_given || (edge_given && !shortest_edge))
            mmn_read_wrong(object, key, "%s", forms);
        if (!sides_given)
            given.sides = *size;
    } else {
        int64_t sides[2] = {0};
        size_t count = 0;
        mmn_read_integers(sides, &count, 2, object, key, 1, MMN_IMAGE_MAXIMUM_SIDE);
        if (count == 0 || (json_is_array(value) && count != 2))
            mmn_read_wrong(object, key, "%s", forms);
        given.sides = (mmn_resolution){(uint32_t)sides[0], (uint32_t)sides[count == 2]};
        given.shortest_edge = count == 1 && !square ? given.sides.height : 0;
    }
    *size = given.sides;
    if (shortest_edge)
        *shortest_edge = given.shortest_edge;
}

/* One number for all channels, or three. */
static void read_channels(double channels[3], const mmn_object *object, const char *key)
{
    const json_t *value = mmn_object_value(object, key);
    if (!value)
        return;
    bool many = json_is_array(value);
    if (many && json_array_size(value) != 3)
        mmn_read_wrong(object, key, "expected a number, or one per channel");
    for (size_t i = 0; i < 3; i++) {
        const json_t *channel = many ? json_array_get(value, i) : value;
        channels[i] = json_number_value(channel);
        if (!json_is_number(channel))
            mmn_read_wrong(object, key, "expected a number, or one per channel");
        if (!(channels[i] >= -1e6 && channels[i] <= 1e6))
            mmn_read_wrong(object, key, "a number lies outside [-1e6, 1e6]");
    }
}

static void read_pinpoints(mmn_image_settings *settings, const mmn_object *object)
{
    static const char key[] = "image_grid_pinpoints";
    json_t *array = NULL;
    mmn_read_array(&array, object, key);
    size_t count = json_array_size(array);
    if (array && (count == 0 || count > MMN_IMAGE_MAXIMUM_PINPOINTS))
        mmn_read_wrong(object, key, "expected 1 to %d entries, found %zu",
                       MMN_IMAGE_MAXIMUM_PINPOINTS, count);
    if (!array || !mmn_read_fine(object))
        return;
    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(array, i);
        json_int_t sides[2];
        for (size_t j = 0; j < 2; j++) {
            const json_t *side = json_array_get(pair, j);
            sides[j] = json_integer_value(side);
            if (json_array_size(pair) != 2 || !json_is_integer(side) || sides[j] < 1 ||
                sides[j] > MMN_IMAGE_MAXIMUM_SIDE)
                mmn_read_wrong(object, key,
                               "entry %zu is not [height, width] with integers from 1 to %d", i,
                               MMN_IMAGE_MAXIMUM_SIDE);
        }
        settings->grid_pinpoints[i] = (mmn_resolution){(uint32_t)sides[0], (uint32_t)sides[1]};
    }
    settings->grid_pinpoint_count = count;
}

/* A key that is there and null. */
static bool is_null(const mmn_object *object, const char *key)
{
    return mmn_object_has(object, key) && !mmn_object_value(object, key);
}

/* A switch; null switches off, as it does in Python. */
static void read_switch(bool *value, const mmn_object *object, const char *key)
{
    if (is_null(object, key))
        *value = false;
    mmn_read_bool(value, object, key);
}

/* A key that is null is not the default: transformers refuses to do the step without it. */
static void refuse_null(const mmn_object *object, const char *key, bool used)
{
    if (used && is_null(object, key))
        mmn_read_wrong(object, key,
                       "expected a value, not null: the image processor is told to use it");
}

/* The sizes that images are resized and cropped to. */
static void read_sizes(mmn_image_settings *settings, const mmn_object *object)
{
    bool square = settings->processor == MMN_PROCESSOR_BLIP ||
                  settings->processor == MMN_PROCESSOR_OWLVIT;
    bool kosmos = false;
    read_switch(&square, object, "default_to_square");
    read_size(&settings->size, &settings->shortest_edge, square, object, "size");
    read_size(&settings->crop_size, NULL, true, object, "crop_size");
    mmn_read_bool(&kosmos, object, "use_square_size");
    if (kosmos)
        mmn_read_wrong(object, "use_square_size", "is not supported");
    read_switch(&settings->do_resize, object, "do_resize");
    read_switch(&settings->do_center_crop, object, "do_center_crop");
    refuse_null(object, "size", settings->do_resize);
    refuse_null(object, "crop_size", settings->do_center_crop);
    if (settings->do_center_crop && settings->crop_size.height == 0)
        mmn_read_wrong(object, "do_center_crop",
                       "a crop needs a \"crop_size\", which this class has none of");
}

/* How pixels are resampled, scaled and centred. */
static void read_numbers(mmn_image_settings *settings, const mmn_object *object)
{
    uint32_t resample = settings->resample;
    refuse_null(object, "resample", settings->do_resize);
    refuse_null(object, "rescale_factor", settings->do_rescale);
    refuse_null(object, "image_mean", settings->do_normalize);
    refuse_null(object, "image_std", settings->do_normalize);
    mmn_read_u32(&resample, object, "resample", 0, UINT32_MAX);
    mmn_read_f64(&settings->rescale_factor, object, "rescale_factor", -1e6, 1e6);
    read_channels(settings->mean, object, "image_mean");
    read_channels(settings->std, object, "image_std");
    if (resample != MMN_RESAMPLE_BICUBIC && resample != MMN_RESAMPLE_BILINEAR)
        mmn_read_wrong(object, "resample",
                       "filter %u is not supported (supported are 2, bilinear, and 3, bicubic)",
                       (unsigned)resample);
    settings->resample = (mmn_resample)resample;
}

/* The steps that all classes have. */
static void read_steps(mmn_image_settings *settings, const mmn_object *object,
                       const mmn_image_model *model)
{
    bool do_pad = false;
    read_switch(&settings->do_rescale, object, "do_rescale");
    if (settings->processor == MMN_PROCESSOR_OWLVIT) /* its older name, which overrules */
        read_switch(&settings->do_rescale, object, "rescale");
    read_switch(&settings->do_normalize, object, "do_normalize");
    read_switch(&settings->do_convert_rgb, object, "do_convert_rgb");
    read_switch(&do_pad, object, "do_pad");
    read_numbers(settings, object);
    /* LlavaNextImageProcessor pads the number of tiles in a batch, which one image has not. */
    settings->pad_to_square = model->pads_to_square ||
                              (do_pad && settings->processor == MMN_PROCESSOR_LLAVA);
    bool pads_batches = settings->processor != MMN_PROCESSOR_LLAVA &&
                        settings->processor != MMN_PROCESSOR_LLAVA_NEXT;
    for (size_t i = 0; i < 3; i++) {
        if (settings->std[i] < SMALLEST_DEVIATION && settings->std[i] > -SMALLEST_DEVIATION)
            mmn_read_wrong(object, "image_std", "a standard deviation is 0%s",
                           settings->std[i] == 0 ? "" : ", or as good as");
        if (settings->pad_to_square && !(settings->mean[i] >= 0.0 && settings->mean[i] <= 1.0))
            mmn_read_wrong(object, "image_mean",
                           "with %s a mean must lie in [0, 1]: it is the colour of the padding",
                           model->pads_to_square ? "padded images" : "do_pad");
    }
    if (do_pad && pads_batches && mmn_object_value(object, "pad_size"))
        mmn_read_wrong(object, "pad_size", "padding to a size is not supported");
}

/* Tiles must be what the vision tower reads, and pinpoints whole numbers of them. */
static void check_sizes(const mmn_image_settings *settings, const mmn_object *object,
                        const mmn_image_model *model)
{
    uint32_t side = model->image_size;
    mmn_resolution made = settings->do_center_crop ? settings->crop_size : settings->size;
    bool known = settings->do_center_crop || (settings->do_resize && settings->shortest_edge == 0);
    if (known && (made.height != side || made.width != side))
        mmn_read_wrong(object, settings->do_center_crop ? "crop_size" : "size",
                       "the vision tower reads %ux%u pixels, but the image processor makes %ux%u",
                       (unsigned)side, (unsigned)side, (unsigned)made.width, (unsigned)made.height);
    if (settings->processor == MMN_PROCESSOR_LLAVA_NEXT && settings->crop_size.height != side)
        mmn_read_wrong(object, "crop_size",
                       "the tiles have %u pixels a side, but the vision tower reads %u",
                       (unsigned)settings->crop_size.height, (unsigned)side);
    for (size_t i = 0; i < settings->grid_pinpoint_count; i++) {
        mmn_resolution pinpoint = settings->grid_pinpoints[i];
        if (pinpoint.height % side != 0 || pinpoint.width % side != 0 ||
            (pinpoint.height / side) * (pinpoint.width / side) > MAXIMUM_TILES)
            mmn_read_wrong(object, "image_grid_pinpoints",
                           "entry %zu, [%u, %u], is not made of whole tiles of %u pixels, at "
                           "most %d of them",
                           i, (unsigned)pinpoint.height, (unsigned)pinpoint.width, (unsigned)side,
                           MAXIMUM_TILES);
    }
}

/* The grids of tiles that LLaVA-NeXT chooses from. */
static void read_grids(mmn_image_settings *settings, const mmn_object *object,
                       const mmn_image_model *model)
{
    static const char key[] = "image_grid_pinpoints";
    settings->grid_pinpoint_count = MMN_LLAVA_NEXT_PINPOINTS;
    memcpy(settings->grid_pinpoints, mmn_llava_next_pinpoints, sizeof(mmn_llava_next_pinpoints));
    refuse_null(object, key, true);
    read_pinpoints(settings, object);
    if (model->grid_pinpoints &&
        (settings->grid_pinpoint_count != model->grid_pinpoint_count ||
         memcmp(settings->grid_pinpoints, model->grid_pinpoints,
                model->grid_pinpoint_count * sizeof(*model->grid_pinpoints)) != 0))
        mmn_read_wrong(object, key,
                       "the entries (the class's, if there are none) are not those of config.json");
}

static void read_settings(mmn_image_settings *settings, const mmn_object *object,
                          const mmn_image_model *model)
{
    set_class_defaults(settings, model->processor);
    read_class(settings, object, model);
    read_sizes(settings, object);
    read_steps(settings, object, model);
    if (settings->processor == MMN_PROCESSOR_LLAVA_NEXT)
        read_grids(settings, object, model);
    check_sizes(settings, object, model);
}

mmn_status mmn_image_settings_read(mmn_image_settings *settings, const char *folder,
                                   const mmn_image_model *model, mmn_error *error)
{
    mmn_document processor = {0}, preprocessor = {0};
    mmn_reader reader = {.error = error};
    mmn_object object =
        mmn_read_in_folder(&processor, &reader, folder, "processor_config.json", FILE_LIMIT);
    object = mmn_read_object(&object, "image_processor");
    if (!object.value)
        object = mmn_read_in_folder(&preprocessor, &reader, folder, "preprocessor_config.json",
                                    FILE_LIMIT);
    if (object.value)
        read_settings(settings, &object, model);
    else if (reader.status == MMN_OK)
        reader.status = mmn_fail(error, MMN_INPUT, folder, NULL,
                                 "there is no preprocessor_config.json (nor \"image_processor\" in "
                                 "a processor_config.json), without which nobody knows how "
                                 "pictures become pixel values");
    mmn_document_close(&processor);
    mmn_document_close(&preprocessor);
    return reader.status;
}
