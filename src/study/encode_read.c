/* Files of responses and features. */
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "model/model.h"
#include "study/encode.h"

/* Numbers of a tensor that are widened together. */
enum { WIDENED = 4096 };

/* More numbers than a machine regresses; bytes of them fit. */
#define MOST_NUMBERS ((size_t)1 << 34)

static mmn_status wrong(mmn_error *error, const mmn_tensor *tensor, const char *expected)
{
    char shape[128];
    mmn_tensor_shape_text(shape, sizeof(shape), tensor->shape, tensor->dimensions);
    return mmn_fail(error, MMN_INPUT, tensor->file, tensor->name, "is %s %s; expected %s",
                    mmn_tensor_type_name(tensor->type), shape, expected);
}

static mmn_status check_tensor(const mmn_tensor *tensor, const char *expected, mmn_error *error)
{
    const bool is_real = tensor->type == MMN_TYPE_F64 || tensor->type == MMN_TYPE_F32 ||
                         tensor->type == MMN_TYPE_F16 || tensor->type == MMN_TYPE_BF16;
    if (!is_real || tensor->dimensions != 2 || mmn_tensor_elements(tensor) == 0 ||
        mmn_tensor_elements(tensor) > MOST_NUMBERS || tensor->shape[0] > UINT32_MAX)
        return wrong(error, tensor, expected);
    return MMN_OK;
}

/* Widens numbers [first, first + count) of a tensor. */
static void widen(double *values, const mmn_kernels *kernels, const mmn_tensor *tensor,
                  size_t first, size_t count)
{
    float floats[WIDENED];
    const uint8_t *data = tensor->data + first * mmn_tensor_type_size(tensor->type);
    const mmn_weight_type type = tensor->type == MMN_TYPE_F16    ? MMN_WEIGHT_F16
                                 : tensor->type == MMN_TYPE_BF16 ? MMN_WEIGHT_BF16
                                                                 : MMN_WEIGHT_F32;
    if (tensor->type == MMN_TYPE_F64) {
        for (size_t i = 0; i < count; i++)
            values[i] = mmn_load_f64(data + 8 * i);
        return;
    }
    kernels->widen(floats, data, type, count);
    for (size_t i = 0; i < count; i++)
        values[i] = (double)floats[i];
}

/* All numbers of a tensor: as they lie, or transposed. MMN_INPUT for one that is none, or whose
 * square would not be. */
static mmn_status read_tensor(double *values, const mmn_kernels *kernels, const mmn_tensor *tensor,
                              bool transposed, mmn_error *error)
{
    const size_t rows = tensor->shape[0], columns = tensor->shape[1];
    double part[WIDENED];
    for (size_t first = 0; first < rows * columns; first += WIDENED) {
        const size_t rest = rows * columns - first, count = rest < WIDENED ? rest : WIDENED;
        widen(part, kernels, tensor, first, count);
        for (size_t i = 0; i < count; i++) {
            const size_t row = (first + i) / columns, column = (first + i) % columns;
            if (!(fabs(part[i]) < 1e100))
                return mmn_fail(error, MMN_INPUT, tensor->file, tensor->name,
                                "has %g at [%zu, %zu]; expected a number below 1e100 in magnitude",
                                part[i], row, column);
            values[transposed ? column * rows + row : first + i] = part[i];
        }
    }
    return MMN_OK;
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* Adds a model, whose name must be new. */
static mmn_status add_model(mmn_encode_study *study, const char *name, const char *file,
                            mmn_error *error)
{
    for (size_t i = 0; i < study->model_count; i++)
        if (strcmp(study->models[i].name, name) == 0)
            return mmn_fail(error, MMN_USAGE, NULL, NULL, "two models are called \"%s\"", name);
    study->models[study->model_count].name = name;
    study->models[study->model_count].file = file;
    study->model_count++;
    return MMN_OK;
}

static mmn_status open_model(mmn_encode_study *study, const char *given, mmn_error *error)
{
    mmn_encode_model *model = &study->models[study->model_count];
    const char *equals = strchr(given, '=');
    if (!equals || equals == given || equals[1] == '\0' ||
        memchr(given, ':', (size_t)(equals - given)))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "features are \"%s\"; expected NAME=FILE, without \":\" in the name",
                        given);
    char *name = mmn_copy_bytes(given, (size_t)(equals - given), error);
    MMN_NEED(mmn_blocks_keep(&study->blocks, name, error));
    MMN_TRY(add_model(study, name, equals + 1, error));
    MMN_TRY(mmn_safetensors_open(&model->tensors, model->file, error));
    return mmn_safetensors_checksum(model->digest, model->tensors, "", error);
}

/* The model whose features are yet to be made. */
static mmn_status add_run_model(mmn_encode_study *study, mmn_error *error)
{
    const mmn_features_options *events = study->options->events;
    const char *name = study->options->model->weights->made ? "random" : "model";
    MMN_TRY(add_model(study, name, events->file ? events->file : events->list, error));
    study->models[study->model_count - 1].scratch = !events->file;
    return MMN_OK;
}

static mmn_status read_sites(mmn_encode_study *study, mmn_error *error)
{
    const char *file = study->options->responses;
    const char *sites = mmn_safetensors_metadata(study->responses, "sites");
    size_t i;
    json_t *site;
    if (!sites)
        return mmn_fail(error, MMN_INPUT, file, "metadata",
                        "has no \"sites\"; expected an array of the sites' names");
    MMN_TRY(mmn_json_parse(&study->sites, sites, strlen(sites), file, error));
    study->site_count = json_array_size(study->sites);
    if (study->site_count == 0)
        return mmn_fail(error, MMN_INPUT, file, "metadata, sites",
                        "is no array of names, or an empty one");
    json_array_foreach(study->sites, i, site) if (!json_is_string(site)) return mmn_fail(
        error, MMN_INPUT, file, "metadata, sites", "number %zu is %s; expected a text", i,
        mmn_json_type_name(site));
    return MMN_OK;
}

mmn_status mmn_encode_open(mmn_encode_study *study, mmn_error *error)
{
    const mmn_encode_options *options = study->options;
    const mmn_encode_model *pair[2];
    MMN_TRY(mmn_safetensors_open(&study->responses, options->responses, error));
    MMN_TRY(mmn_safetensors_checksum(study->digest, study->responses, "", error));
    MMN_TRY(read_sites(study, error));
    for (size_t i = 0; i < options->feature_count; i++)
        MMN_TRY(open_model(study, options->features[i], error));
    if (options->model)
        MMN_TRY(add_run_model(study, error));
    for (size_t i = 0; i < options->comparison_count; i++)
        MMN_TRY(mmn_encode_pair(study, options->comparisons[i], pair, error));
    return MMN_OK;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* The layer that a tensor's name "ALIGNMENT/LAYER" says, or NULL for another alignment. */
static const char *layer_of(const char *name, const char *alignment)
{
    const size_t length = strlen(alignment);
    return strncmp(name, alignment, length) == 0 && name[length] == '/' && name[length + 1]
               ? name + length + 1
               : NULL;
}

static mmn_status find_layers(mmn_encode_study *study, mmn_encode_model *model,
                              const char *alignment, mmn_error *error)
{
    const size_t count = mmn_safetensors_count(model->tensors);
    const size_t dimension = mmn_encoding_dimension(study->events, study->options->epsilon);
    model->layers = mmn_blocks_keep(&study->alignment,
                                    mmn_allocate(count, sizeof(*model->layers), error), error);
    MMN_NEED(model->layers);
    model->layer_count = model->layer = 0;
    for (size_t i = 0; i < count; i++) {
        const mmn_tensor *tensor = mmn_safetensors_get(model->tensors, i);
        const char *name = layer_of(tensor->name, alignment);
        if (!name)
            continue;
        MMN_TRY(check_tensor(tensor, "real numbers [events, features]", error));
        if (tensor->shape[0] != study->events)
            return mmn_fail(error, MMN_INPUT, tensor->file, tensor->name,
                            "has %zu events; expected %zu, as the responses have", tensor->shape[0],
                            study->events);
        const size_t features = tensor->shape[1];
        model->layers[model->layer_count++] = (mmn_encode_layer){
            .name = name,
            .features = features,
            .projected = features > dimension && dimension > 0 ? dimension : features};
    }
    if (model->layer_count == 0)
        return mmn_fail(error, MMN_INPUT, model->file, NULL,
                        "has no tensor \"%s/LAYER\", features for the responses \"%s\"", alignment,
                        alignment);
    return MMN_OK;
}

mmn_status mmn_encode_read(mmn_encode_study *study, const mmn_tensor *responses, mmn_error *error)
{
    MMN_TRY(check_tensor(responses, "real numbers [columns, events]", error));
    study->columns = responses->shape[0];
    study->events = responses->shape[1];
    study->bins = study->columns / study->site_count;
    if (study->columns % study->site_count != 0 || study->bins > MMN_ENCODE_MOST_BINS)
        return mmn_fail(error, MMN_INPUT, responses->file, responses->name,
                        "has %zu columns for %zu sites; expected the same number for each, at "
                        "most %d",
                        study->columns, study->site_count, MMN_ENCODE_MOST_BINS);
    if (study->events < 4 * MMN_RIDGE_FOLDS || study->events > UINT32_MAX)
        return mmn_fail(error, MMN_INPUT, responses->file, responses->name,
                        "has %zu events; expected at least %d", study->events, 4 * MMN_RIDGE_FOLDS);
    study->y = mmn_blocks_keep(&study->alignment,
                               mmn_allocate(study->events * study->columns, sizeof(double), error),
                               error);
    MMN_NEED(study->y);
    MMN_TRY(read_tensor(study->y, study->algebra.kernels, responses, true, error));
    mmn_ridge_prepare(study->y, study->events, study->columns, false);
    for (size_t i = 0; i < study->model_count; i++)
        MMN_TRY(find_layers(study, &study->models[i], responses->name, error));
    return MMN_OK;
}

static mmn_status project(double **x, const mmn_encode_study *study, const mmn_encode_layer *layer,
                          mmn_error *error)
{
    double *projected = mmn_allocate(study->events * layer->projected, sizeof(double), error);
    MMN_NEED(projected);
    mmn_status status = mmn_encoding_project(projected, *x, study->events, layer->features,
                                             layer->projected, study->options->seed,
                                             study->algebra.threads, error);
    mmn_free(*x);
    *x = projected;
    return status;
}

mmn_status mmn_encode_features(double **x, const mmn_encode_study *study,
                               const mmn_encode_model *model, const mmn_encode_layer *layer,
                               const char *alignment, mmn_error *error)
{
    const mmn_tensor *tensor = NULL;
    *x = NULL;
    /* A layer's name is the end of its tensor's. */
    for (size_t i = 0; !tensor || layer_of(tensor->name, alignment) != layer->name; i++)
        tensor = mmn_safetensors_get(model->tensors, i);
    *x = mmn_allocate(study->events * layer->features, sizeof(double), error);
    MMN_NEED(*x);
    mmn_status status = read_tensor(*x, study->algebra.kernels, tensor, false, error);
    if (status == MMN_OK && layer->projected < layer->features)
        status = project(x, study, layer, error);
    if (status != MMN_OK) {
        mmn_free(*x);
        *x = NULL;
    }
    return status;
}
