/* How an image becomes pixel_values: the settings of a Hugging Face image processor. */
#ifndef MMN_IMAGE_SETTINGS_H
#define MMN_IMAGE_SETTINGS_H

#include <stdbool.h>

#include "base/error.h"

/* The most entries of image_grid_pinpoints, and the largest side of a size, that are accepted. */
#define MMN_IMAGE_MAXIMUM_PINPOINTS 64
#define MMN_IMAGE_MAXIMUM_SIDE 16384

#define MMN_LLAVA_NEXT_PINPOINTS 5

typedef struct mmn_resolution {
    uint32_t height, width;
} mmn_resolution;

/* The default of LlavaNextImageProcessor and of LlavaNextConfig. */
extern const mmn_resolution mmn_llava_next_pinpoints[MMN_LLAVA_NEXT_PINPOINTS];

typedef enum mmn_image_processor {
    MMN_PROCESSOR_CLIP,      /* CLIPImageProcessor: resize and crop to one tile */
    MMN_PROCESSOR_LLAVA,     /* LlavaImageProcessor: the same, may pad to a square first */
    MMN_PROCESSOR_SIGLIP,    /* SiglipImageProcessor: resize to one tile, whatever the aspect */
    MMN_PROCESSOR_BLIP,      /* BlipImageProcessor: the same with CLIP's mean and deviation */
    MMN_PROCESSOR_OWLVIT,    /* OwlViTImageProcessor: the same, larger */
    MMN_PROCESSOR_LLAVA_NEXT /* LlavaNextImageProcessor: the whole image and a grid of tiles */
} mmn_image_processor;

/* Values of `resample` that are supported, as Pillow numbers them. */
typedef enum mmn_resample { MMN_RESAMPLE_BILINEAR = 2, MMN_RESAMPLE_BICUBIC = 3 } mmn_resample;

typedef struct mmn_image_settings {
    mmn_image_processor processor;
    mmn_resize_order resize_order;
    mmn_resample resample;
    bool do_resize, do_center_crop, do_rescale, do_normalize;
    bool do_convert_rgb;    /* white in the place of a colour that is transparent */
    bool pad_to_square;     /* LlavaImageProcessor's do_pad */
    uint32_t shortest_edge; /* length of the shorter side after resizing; 0: `size` counts */
    mmn_resolution size, crop_size;
    double rescale_factor, mean[3], std[3];
    size_t grid_pinpoint_count; /* > 0 for MMN_PROCESSOR_LLAVA_NEXT */
    mmn_resolution grid_pinpoints[MMN_IMAGE_MAXIMUM_PINPOINTS];
} mmn_image_settings;

/* What config.json says about images. */
typedef struct mmn_image_model {
    const char *family;            /* for messages: "llava" */
    mmn_image_processor processor; /* the family's own, where the file names none */
    uint32_t image_size;           /* of the vision tower */
    bool pads_to_square;           /* whatever the file says */
    size_t grid_pinpoint_count;
    const mmn_resolution *grid_pinpoints; /* LLaVA-NeXT only; NULL: whatever the file has */
} mmn_image_model;

/* Reads the settings in `folder`: processor_config.json's "image_processor" if there is one, else
 * preprocessor_config.json; both the published and the transformers 5 forms. Keys that are missing
 * have the defaults of the image processor's class, which do not ask what the vision tower reads;
 * switches that are null are off, as in Python. The order of resizing is horizontal first.
 * MMN_INPUT when neither file has settings (transformers refuses such a folder too), when a value
 * is not valid or not supported, when the processor's class does not suit the model, or when its
 * pinpoints or its tiles are not the model's. */
mmn_status mmn_image_settings_read(mmn_image_settings *settings, const char *folder,
                                   const mmn_image_model *model, mmn_error *error);

#endif
