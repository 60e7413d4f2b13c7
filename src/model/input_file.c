/* Inputs from a safetensors file, so that a comparison starts where another backend started. */

#include "base/bytes.h"
#include "base/error.h"
#include "base/memory.h"
#include "format/safetensors.h"
#include "model/compute.h"
#include "model/dump_read.h"
#include "model/input.h"
#include "model/instruction.h"
#include "model/model.h"

/* Element `index` of a tensor of i32 or i64. */
static int64_t integer_at(const mmn_tensor *tensor, size_t index)
{
    if (tensor->type == MMN_TYPE_I32)
        return (int32_t)mmn_load_u32(tensor->data + 4 * index);
    return (int64_t)mmn_load_u64(tensor->data + 8 * index);
}

static mmn_status check_integers(const mmn_tensor *tensor, size_t dimensions, mmn_error *error)
{
    if (tensor->type != MMN_TYPE_I32 && tensor->type != MMN_TYPE_I64)
        return mmn_fail(error, MMN_INPUT, tensor->file, tensor->name,
                        "has type %s; expected I32 or I64", mmn_tensor_type_name(tensor->type));
    if (tensor->dimensions != dimensions || mmn_tensor_elements(tensor) == 0)
        return mmn_fail(error, MMN_INPUT, tensor->file, tensor->name,
                        "has %zu dimensions and %zu elements; expected %zu dimensions and at "
                        "least one element",
                        tensor->dimensions, mmn_tensor_elements(tensor), dimensions);
    return MMN_OK;
}

/* *ids [*length]: the elements of a tensor, which must be below `vocabulary`. */
static mmn_status read_id_list(int32_t **ids, size_t *length, const mmn_tensor *tensor,
                               uint32_t vocabulary, mmn_error *error)
{
    size_t count = mmn_tensor_elements(tensor);
    MMN_NEED(*ids = mmn_allocate(count, sizeof(**ids), error));
    for (size_t i = 0; i < count; i++) {
        int64_t id = integer_at(tensor, i);
        if (id < 0 || id >= vocabulary)
            return mmn_fail(error, MMN_INPUT, tensor->file, tensor->name,
                            "element %zu is %lld; expected 0 to %u", i, (long long)id,
                            vocabulary - 1);
        (*ids)[i] = (int32_t)id;
    }
    *length = count;
    return MMN_OK;
}

static mmn_status read_ids(mmn_input *input, const mmn_model *model, const mmn_tensor *tensor,
                           mmn_error *error)
{
    size_t count = mmn_tensor_elements(tensor);
    if (count > MMN_MAXIMUM_POSITIONS)
        return mmn_fail(error, MMN_INPUT, tensor->file, tensor->name,
                        "has %zu positions; at most %d are supported", count,
                        MMN_MAXIMUM_POSITIONS);
    mmn_status status =
        read_id_list(&input->ids, &input->length, tensor, model->config.language.vocab_size, error);
    for (size_t i = 0; i < input->length; i++)
        input->image_positions += input->ids[i] == input->image_token;
    return status;
}

/* The instruction that a Q-Former reads with the image. */
static mmn_status read_instruction(mmn_input *input, const mmn_model *model,
                                   const mmn_tensor *tensor, const char *file, mmn_error *error)
{
    if (model->config.qformer.layers == 0 || input->image_count == 0)
        return MMN_OK;
    if (input->image_count != 1)
        return mmn_fail(error, MMN_INPUT, file, "pixel_values",
                        "has %zu images; this model reads one", input->image_count);
    if (!tensor)
        return mmn_fail(error, MMN_INPUT, file, "qformer_input_ids",
                        "is missing; the model's Q-Former needs it with pixel_values");
    MMN_TRY(check_integers(tensor, 1, error));
    MMN_TRY(mmn_instruction_check_length(model, mmn_tensor_elements(tensor), file, error));
    return read_id_list(&input->qformer_ids, &input->qformer_length, tensor,
                        model->config.qformer.vocab_size, error);
}

/* How many images pixel_values [tiles, 3, H, W] and image_sizes [images, 2] hold. LLaVA's need no
 * sizes, as every tile is an image; sizes that are there are kept. */
static mmn_status count_images(size_t *count, const mmn_model *model, const mmn_tensor *pixels,
                               const mmn_tensor *sizes, const char *file, mmn_error *error)
{
    *count = 0;
    if (!pixels)
        return MMN_OK;
    const mmn_vision_config *vision = &model->config.vision;
    if (!vision->form)
        return mmn_fail(error, MMN_INPUT, file, "pixel_values",
                        "is there, but the model is a language model alone, which reads no images");
    if (pixels->dimensions != 4 || pixels->shape[0] == 0 || pixels->shape[1] != vision->channels ||
        pixels->shape[2] != vision->image_size || pixels->shape[3] != vision->image_size) {
        char shape[128];
        mmn_tensor_shape_text(shape, sizeof(shape), pixels->shape, pixels->dimensions);
        return mmn_fail(error, MMN_INPUT, file, pixels->name,
                        "has shape %s; expected [tiles, %u, %u, %u]", shape, vision->channels,
                        vision->image_size, vision->image_size);
    }
    const bool every_tile = model->config.grid_pinpoint_count == 0;
    *count = pixels->shape[0];
    if (!sizes && every_tile)
        return MMN_OK;
    if (!sizes)
        return mmn_fail(error, MMN_INPUT, file, "image_sizes",
                        "is missing; LLaVA-NeXT needs it with pixel_values");
    MMN_TRY(check_integers(sizes, 2, error));
    if (sizes->shape[1] != 2)
        return mmn_fail(error, MMN_INPUT, file, "image_sizes",
                        "has rows of %zu elements; expected height and width", sizes->shape[1]);
    if (every_tile && sizes->shape[0] != *count)
        return mmn_fail(error, MMN_INPUT, file, "image_sizes",
                        "has %zu rows; expected one for each of %zu images", sizes->shape[0],
                        *count);
    *count = sizes->shape[0];
    return MMN_OK;
}

static mmn_status read_sizes(mmn_input *input, const mmn_model *model, const mmn_tensor *sizes,
                             mmn_error *error)
{
    uint32_t side = model->config.vision.image_size;
    for (size_t image = 0; image < input->image_count; image++) {
        mmn_resolution size = {side, side};
        if (sizes) {
            int64_t height = integer_at(sizes, 2 * image), width = integer_at(sizes, 2 * image + 1);
            if (height < 1 || width < 1 || height > INT32_MAX || width > INT32_MAX)
                return mmn_fail(error, MMN_INPUT, sizes->file, sizes->name,
                                "image %zu has %lld x %lld pixels", image, (long long)height,
                                (long long)width);
            size = (mmn_resolution){(uint32_t)height, (uint32_t)width};
        }
        MMN_TRY(mmn_input_set_image_size(input, model, image, size, error));
    }
    return MMN_OK;
}

/* Pixels that are no numbers would make every feature of their image one that is none. */
static mmn_status check_pixels(const mmn_input *input, const mmn_model *model,
                               const mmn_tensor *tensor, mmn_error *error)
{
    const mmn_pixel_values *pixels = &input->pixels;
    size_t row = pixels->width, rows = pixels->tiles * 3 * pixels->height;
    mmn_finite_watch watch = {0};
    mmn_finite_look(&watch, NULL, pixels->values, row, rows, row, 0, 0);
    if (!watch.found || model->watch.allow)
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, tensor->file, tensor->name,
                    "is infinite or NaN at [%zu, %zu, %zu, %zu]", watch.row / pixels->height / 3,
                    watch.row / pixels->height % 3, watch.row % pixels->height, watch.column);
}

static mmn_status read_pixels(mmn_input *input, const mmn_model *model, const mmn_tensor *tensor,
                              mmn_error *error)
{
    size_t tiles = input->anyres ? 0 : input->image_count, features = 0;
    for (size_t image = 0; image < input->image_count; image++) {
        tiles += input->anyres ? input->anyres[image].tiles : 0;
        features += mmn_input_image_features(input, model, image);
    }
    if (tiles != tensor->shape[0])
        return mmn_fail(error, MMN_INPUT, tensor->file, tensor->name,
                        "has %zu tiles; its images have %zu", tensor->shape[0], tiles);
    if (features != input->image_positions)
        return mmn_fail(error, MMN_INPUT, tensor->file, "input_ids",
                        "has %zu image tokens; the images have %zu features",
                        input->image_positions, features);

    const int type = mmn_stored_weight_type(tensor->type);
    if (type < 0)
        return mmn_fail(error, MMN_INPUT, tensor->file, tensor->name,
                        "has type %s; expected F32, F16 or BF16",
                        mmn_tensor_type_name(tensor->type));
    size_t count = mmn_tensor_elements(tensor);
    input->pixels = (mmn_pixel_values){NULL, tiles, tensor->shape[2], tensor->shape[3]};
    MMN_NEED(input->pixels.values = mmn_allocate(count, sizeof(*input->pixels.values), error));
    model->compute.kernels->widen(input->pixels.values, tensor->data, (mmn_weight_type)type, count);
    return check_pixels(input, model, tensor, error);
}

/* *input may be non-NULL after a failure too. */
static mmn_status read_input(mmn_input **input, const mmn_model *model,
                             const mmn_safetensors *tensors, const char *file, mmn_error *error)
{
    const mmn_tensor *ids = mmn_safetensors_find(tensors, "input_ids");
    const mmn_tensor *pixels = mmn_safetensors_find(tensors, "pixel_values");
    const mmn_tensor *sizes = mmn_safetensors_find(tensors, "image_sizes");
    const mmn_tensor *instruction = mmn_safetensors_find(tensors, "qformer_input_ids");
    size_t image_count = 0;
    if (!ids)
        return mmn_fail(error, MMN_INPUT, file, "input_ids",
                        "is missing; inputs are input_ids, and where they are needed "
                        "qformer_input_ids, pixel_values and image_sizes");
    MMN_TRY(check_integers(ids, 1, error));
    MMN_TRY(count_images(&image_count, model, pixels, sizes, file, error));
    if (model->config.image_apart && image_count > 1)
        return mmn_fail(error, MMN_INPUT, file, "pixel_values",
                        "has %zu images; this model reads one", image_count);
    MMN_TRY(mmn_input_create(input, model, image_count, error));
    MMN_TRY(read_ids(*input, model, ids, error));
    MMN_TRY(read_instruction(*input, model, instruction, file, error));
    if (!pixels && (*input)->image_positions > 0)
        return mmn_fail(error, MMN_INPUT, file, "pixel_values",
                        "is missing, but input_ids has image tokens");
    if (pixels) {
        MMN_TRY(read_sizes(*input, model, sizes, error));
        MMN_TRY(read_pixels(*input, model, pixels, error));
    }
    return mmn_safetensors_unchanged(tensors, error);
}

mmn_status mmn_input_from_file(mmn_input **made, const mmn_model *model, const char *file,
                               mmn_error *error)
{
    MMN_CLEAR(made);
    MMN_GIVEN(error, made, model, file);
    mmn_safetensors *tensors = NULL;
    MMN_TRY(mmn_dump_open(&tensors, file, error));
    const mmn_status status = read_input(made, model, tensors, file, error);
    mmn_safetensors_close(tensors);
    return mmn_input_finish(made, status);
}
