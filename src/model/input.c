/* Inputs: what one forward pass starts from, made of a prompt and images. */
#include "model/input.h"

#include <string.h>

#include "base/error.h"
#include "base/image.h"
#include "base/memory.h"
#include "format/image_file.h"
#include "model/instruction.h"
#include "model/model.h"
#include "model/prompt.h"

enum { MAXIMUM_IMAGES = 4096 };

size_t mmn_input_image_features(const mmn_input *input, const mmn_model *model, size_t image)
{
    if (input->anyres)
        return input->anyres[image].total;
    if (model->config.image_apart)
        return 0;
    if (model->config.qformer.layers > 0)
        return model->config.qformer.queries;
    return mmn_vision_feature_tokens(&model->config.vision);
}

uint64_t mmn_input_module_positions(const mmn_input *input, const mmn_model *model,
                                    const char *name)
{
    const mmn_vision_config *vision = &model->config.vision;
    const uint64_t positions[MMN_MODULES] = {
        [MMN_MODULE_VISION] = input->pixels.tiles * (uint64_t)vision->positions,
        [MMN_MODULE_PROJECTOR] = input->pixels.tiles * (uint64_t)mmn_vision_feature_tokens(vision),
        [MMN_MODULE_QFORMER] = input->qformer_length,
        [MMN_MODULE_QUERY] = input->image_positions,
        [MMN_MODULE_LANGUAGE] = input->length,
    };
    return positions[mmn_module_number_of(name)];
}

mmn_status mmn_input_set_image_size(mmn_input *input, const mmn_model *model, size_t image,
                                    mmn_resolution size, mmn_error *error)
{
    const mmn_vision_config *vision = &model->config.vision;
    if (size.height == 0 || size.width == 0 || size.height > MMN_IMAGE_MAXIMUM_PIXELS ||
        size.width > MMN_IMAGE_MAXIMUM_PIXELS)
        return mmn_fail(error, MMN_INPUT, NULL, "image_sizes",
                        "image %zu has %u x %u pixels; expected 1 to %zu each", image, size.height,
                        size.width, MMN_IMAGE_MAXIMUM_PIXELS);
    input->image_sizes[image] = size;
    if (input->anyres)
        input->anyres[image] = mmn_anyres_features_of(&model->image_settings, size,
                                                      vision->image_size, vision->patch_size);
    return MMN_OK;
}

mmn_status mmn_input_create(mmn_input **created, const mmn_model *model, size_t image_count,
                            mmn_error *error)
{
    MMN_NEED(*created = mmn_allocate(1, sizeof(**created), error));
    mmn_input *input = *created;
    atomic_init(&input->references, 1);
    input->model_number = model->number;
    input->image_token = model->config.image_token_id;
    input->image_count = image_count;
    MMN_NEED(input->image_sizes = mmn_allocate(image_count, sizeof(*input->image_sizes), error));
    if (model->config.grid_pinpoint_count > 0 && image_count > 0)
        MMN_NEED(input->anyres = mmn_allocate(image_count, sizeof(*input->anyres), error));
    return MMN_OK;
}

mmn_status mmn_input_extend(mmn_input **made, const mmn_input *input, size_t length,
                            const int32_t *ids, size_t count, mmn_error *error)
{
    *made = NULL;
    int32_t *own = mmn_allocate(length + count, sizeof(*own), error);
    mmn_input *extended = mmn_allocate(1, sizeof(*extended), error);
    if (!own || !extended) {
        mmn_free(own);
        mmn_free(extended);
        return MMN_SYSTEM;
    }
    *extended = *input;
    atomic_init(&extended->references, 1);
    memcpy(own, input->ids, length * sizeof(*own));
    memcpy(own + length, ids, count * sizeof(*own));
    extended->ids = own;
    extended->length = length + count;
    extended->source = mmn_input_retain(input);
    *made = extended;
    return MMN_OK;
}

mmn_status mmn_input_finish(mmn_input **input, mmn_status status)
{
    if (status == MMN_OK)
        return MMN_OK;
    mmn_input_free(*input);
    *input = NULL;
    return status;
}

const mmn_input *mmn_input_retain(const mmn_input *input)
{
    atomic_fetch_add(&((mmn_input *)(uintptr_t)input)->references, 1);
    return input;
}

void mmn_input_release(const mmn_input *input)
{
    mmn_input_free((mmn_input *)(uintptr_t)input);
}

mmn_status mmn_input_check_model(const mmn_input *input, const mmn_model *model, mmn_error *error)
{
    if (input->model_number == model->number)
        return MMN_OK;
    return mmn_fail(error, MMN_USAGE, NULL, NULL,
                    "the input was made for another model than the one it is given to");
}

void mmn_input_free(mmn_input *input)
{
    if (!input || atomic_fetch_sub(&input->references, 1) > 1)
        return;
    mmn_free(input->ids);
    if (input->source) {
        mmn_input_release(input->source);
    } else {
        mmn_pixel_values_free(&input->pixels);
        mmn_free(input->image_sizes);
        mmn_free(input->anyres);
        mmn_free(input->qformer_ids);
    }
    mmn_free(input);
}

size_t mmn_input_length(const mmn_input *input)
{
    return input ? input->length : 0;
}

size_t mmn_input_image_positions(const mmn_input *input)
{
    return input ? input->image_positions : 0;
}

mmn_status mmn_input_fits(const mmn_input *input, const mmn_model *model, mmn_error *error)
{
    MMN_GIVEN(error, input, model);
    uint32_t most = model->config.language.max_position_embeddings;
    if (input->length <= most)
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, NULL, NULL,
                    "the prompt takes %zu positions, more than the %u that the model was made "
                    "for%s",
                    input->length, most,
                    model->config.language.learned_positions
                        ? ""
                        : " (--allow-long-prompts runs it all the same)");
}

int mmn_input_is_image(const mmn_input *input, size_t index)
{
    return index < mmn_input_length(input) && input->ids[index] == input->image_token &&
           input->image_count > 0;
}

/* Appends the tiles of `more` to `pixels`, which takes them over when it has none yet. */
static mmn_status append_pixels(mmn_pixel_values *pixels, mmn_pixel_values *more, mmn_error *error)
{
    if (!pixels->values) {
        *pixels = *more;
        *more = (mmn_pixel_values){0};
        return MMN_OK;
    }
    size_t tile = 3 * pixels->height * pixels->width;
    MMN_TRY(mmn_resize(&pixels->values, pixels->tiles * tile, (pixels->tiles + more->tiles) * tile,
                       sizeof(float), error));
    memcpy(pixels->values + pixels->tiles * tile, more->values, more->tiles * tile * sizeof(float));
    pixels->tiles += more->tiles;
    return MMN_OK;
}

/* Loads a file with white in the place of the colour that it calls transparent. */
static mmn_status load_image(mmn_image *image, const mmn_model *model, const char *file,
                             mmn_error *error)
{
    const mmn_image_settings *settings = &model->image_settings;
    MMN_TRY(mmn_interrupt_check_now(&model->interrupt, error));
    MMN_TRY(mmn_image_load(image, file, settings->resize_order, error));
    if (settings->do_convert_rgb)
        mmn_image_paint_key(image);
    return MMN_OK;
}

/* Loads `count` files and joins them to one image. */
static mmn_status load_joined(mmn_image *image, const mmn_model *model, const char *const *files,
                              size_t count, mmn_error *error)
{
    *image = (mmn_image){0};
    if (count == 1)
        return load_image(image, model, files[0], error);
    mmn_image *parts;
    MMN_NEED(parts = mmn_allocate(count, sizeof(*parts), error));
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < count && status == MMN_OK; i++)
        status = load_image(&parts[i], model, files[i], error);
    if (status == MMN_OK)
        status = mmn_image_join(image, parts, count, error);
    for (size_t i = 0; i < count; i++)
        mmn_image_free(&parts[i]);
    mmn_free(parts);
    return status;
}

/* Makes pixel_values of image number `index`, which is made of `count` files side by side. */
static mmn_status add_image(mmn_input *input, const mmn_model *model, size_t index,
                            const char *const *files, size_t count, mmn_error *error)
{
    mmn_image image;
    mmn_pixel_values pixels = {0};
    MMN_TRY(load_joined(&image, model, files, count, error));
    const mmn_resolution size = {(uint32_t)image.height, (uint32_t)image.width};
    mmn_status status = mmn_input_set_image_size(input, model, index, size, error);
    if (status == MMN_OK)
        status = mmn_pixel_values_make(&pixels, &model->image_settings, &image,
                                       model->compute.kernels, error);
    mmn_image_free(&image);
    if (status == MMN_OK)
        status = append_pixels(&input->pixels, &pixels, error);
    mmn_pixel_values_free(&pixels);
    return mmn_error_in_file(error, status, files[0]);
}

/* Replaces each image token among `ids` by as many as the image has features. */
static mmn_status expand_placeholders(mmn_input *input, const mmn_model *model, const int32_t *ids,
                                      size_t count, mmn_error *error)
{
    size_t total = count - (model->config.image_apart ? 0 : input->image_count);
    for (size_t image = 0; image < input->image_count; image++)
        total += mmn_input_image_features(input, model, image);
    if (total > MMN_MAXIMUM_POSITIONS)
        return mmn_fail(error, MMN_INPUT, NULL, NULL,
                        "the prompt has %zu positions; at most %d are supported", total,
                        MMN_MAXIMUM_POSITIONS);
    MMN_NEED(input->ids = mmn_allocate(total, sizeof(*input->ids), error));
    size_t image = 0;
    for (size_t i = 0; i < count; i++) {
        size_t repeat = 1;
        if (input->image_count > 0 && ids[i] == input->image_token) {
            repeat = mmn_input_image_features(input, model, image++);
            input->image_positions += repeat;
        }
        while (repeat-- > 0)
            input->ids[input->length++] = ids[i];
    }
    return MMN_OK;
}

mmn_status mmn_input_from_ids(mmn_input **made, const mmn_model *model, const int32_t *ids,
                              size_t count, mmn_error *error)
{
    MMN_CLEAR(made);
    MMN_GIVEN(error, made, model, ids);
    uint32_t vocabulary = model->config.language.vocab_size;
    if (count < 1 || count > MMN_MAXIMUM_POSITIONS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "%zu token ids; expected 1 to %d", count,
                        MMN_MAXIMUM_POSITIONS);
    for (size_t i = 0; i < count; i++)
        if (ids[i] < 0 || (uint32_t)ids[i] >= vocabulary)
            return mmn_fail(error, MMN_INPUT, NULL, NULL, "token id %zu is %d; expected 0 to %u", i,
                            (int)ids[i], vocabulary - 1);
    mmn_status status = mmn_input_create(made, model, 0, error);
    if (status == MMN_OK && !((*made)->ids = mmn_allocate(count, sizeof(*ids), error)))
        status = MMN_SYSTEM;
    if (status == MMN_OK) {
        memcpy((*made)->ids, ids, count * sizeof(*ids));
        (*made)->length = count;
    }
    return mmn_input_finish(made, status);
}

static size_t count_tokens(const int32_t *ids, size_t count, int32_t token)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += ids[i] == token;
    return found;
}

/* Whether `files` images fit `placeholders` in a prompt: one each, or all at a single one. */
static mmn_status check_placeholders(size_t placeholders, size_t files, mmn_error *error)
{
    if (files > MAXIMUM_IMAGES)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "%zu images are too many; at most %d", files,
                        MAXIMUM_IMAGES);
    if (placeholders == files || (placeholders == 1 && files > 1))
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, NULL, NULL,
                    "the prompt has %zu \"<image>\" and there are %zu images; expected as many, or "
                    "one \"<image>\" at which all images are joined",
                    placeholders, files);
}

/* Makes the input of a prompt's `count` ids; *input may be non-NULL after a failure too. */
static mmn_status fill_input(mmn_input **input, const mmn_model *model, const char *prompt,
                             const int32_t *ids, size_t count, const char *const *images,
                             size_t image_count, mmn_error *error)
{
    size_t placeholders = model->config.image_apart
                              ? image_count > 0
                              : count_tokens(ids, count, model->config.image_token_id);
    MMN_TRY(check_placeholders(placeholders, image_count, error));
    if (count == 0)
        return mmn_fail(error, MMN_INPUT, NULL, NULL, "the prompt is empty");
    MMN_TRY(mmn_input_create(input, model, placeholders, error));
    const size_t joined = placeholders == 1 ? image_count : 1;
    for (size_t i = 0; i < placeholders; i++)
        MMN_TRY(add_image(*input, model, i, &images[i], joined, error));
    MMN_TRY(expand_placeholders(*input, model, ids, count, error));
    return mmn_input_set_instruction(*input, model, prompt, error);
}

static mmn_status make_input(mmn_input **made, const mmn_model *model, const char *prompt,
                             bool add_special, const char *const *images, size_t image_count,
                             mmn_error *error)
{
    int32_t *ids = NULL;
    size_t count = 0;
    if (image_count > 0 && !model->config.vision.form)
        return mmn_fail(error, MMN_INPUT, model->folder, NULL,
                        "is a language model alone, which reads no images");
    mmn_status status =
        mmn_prompt_encode(model, prompt, add_special, image_count, &ids, &count, error);
    if (status == MMN_OK)
        status = fill_input(made, model, prompt, ids, count, images, image_count, error);
    mmn_free(ids);
    return mmn_input_finish(made, status);
}

mmn_status mmn_input_from_prompt(mmn_input **made, const mmn_model *model, const char *prompt,
                                 const char *const *images, size_t image_count, mmn_error *error)
{
    MMN_CLEAR(made);
    MMN_GIVEN(error, made, model, prompt);
    MMN_GIVEN_TEXTS(error, "image", image_count, images);
    return make_input(made, model, prompt, true, images, image_count, error);
}

mmn_status mmn_input_from_question(mmn_input **made, const mmn_model *model,
                                   const char *template_name, const char *question,
                                   const char *const *images, size_t image_count, char **prompt,
                                   mmn_error *error)
{
    MMN_CLEAR(made);
    MMN_CLEAR(prompt);
    MMN_GIVEN(error, made, model, question);
    MMN_GIVEN_TEXTS(error, "image", image_count, images);
    mmn_question_prompt own;
    mmn_status status =
        mmn_question_prompt_make(&own, model, template_name, question, image_count > 0, error);
    if (status == MMN_OK)
        status = make_input(made, model, own.text, !own.has_special, images, image_count, error);
    if (prompt)
        *prompt = own.text;
    else
        mmn_free(own.text);
    return status;
}
