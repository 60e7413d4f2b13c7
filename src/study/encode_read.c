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

static mmn_status open_model(mmn_encode_study *study, const char *given, mmn_error *error)
{
    mmn_encode_model *model = &study->models[study->model_count];
    const char *equals = strchr(given, '=');
    if (!equals || equals[1] == '\0')
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "features are \"%s\"; expected NAME=FILE",
                        given);
    MMN_TRY(mmn_encode_name(study, model, given, (size_t)(equals - given), error));
    model->file = equals + 1;
    study->model_count++;
    MMN_TRY(mmn_safetensors_open(&model->tensors, model->file, error));
    return mmn_safetensors_checksum(model->digest, model->tensors, "", error);
}

/* The model whose features are yet to be made. */
static mmn_status add_run_model(mmn_encode_study *study, mmn_error *error)
{
    const mmn_features_options *events = study->options->events;
    const char *name = study->options->model->weights->made ? "random" : "model";
    mmn_encode_model *model = study->run = &study->models[study->model_count];
    MMN_TRY(mmn_encode_name(study, model, name, strlen(name), error));
    model->file = events->file ? events->file : events->list;
    model->scratch = !events->file;
    study->model_count++;
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
    MMN_TRY(mmn_safetensors_open(&study->responses, options->responses, error));
    MMN_TRY(mmn_safetensors_checksum(study->digest, study->responses, "", error));
    MMN_TRY(read_sites(study, error));
    if (options->site_parts > study->site_count)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "%u parts of sites were asked for, of which there are %zu",
                        options->site_parts, study->site_count);
    for (size_t i = 0; i < options->feature_count; i++)
        MMN_TRY(open_model(study, options->features[i], error));
    if (options->model)
        MMN_TRY(add_run_model(study, error));
    MMN_TRY(mmn_encode_roles(study, error));
    MMN_TRY(mmn_encode_list_pairs(study, error));
    const size_t verdicts = MMN_ENCODE_TESTS * mmn_safetensors_count(study->responses);
    study->verdicts = mmn_blocks_keep(
        &study->blocks, mmn_allocate(verdicts * study->site_count, sizeof(*study->verdicts), error),
        error);
    MMN_NEED(study->verdicts);
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

size_t mmn_encode_layers(const mmn_encode_model *model, const char *alignment)
{
    size_t count = model->parts != NULL;
    for (size_t i = 0; model->tensors && i < mmn_safetensors_count(model->tensors); i++)
        count += layer_of(mmn_safetensors_get(model->tensors, i)->name, alignment) != NULL;
    return count;
}

static mmn_status find_layers(mmn_encode_study *study, mmn_encode_model *model,
                              const char *alignment, mmn_error *error)
{
    const size_t count = mmn_encode_layers(model, alignment);
    const size_t dimension = mmn_encoding_dimension(study->events, study->options->epsilon);
    model->layers = mmn_blocks_keep(&study->alignment,
                                    mmn_allocate(count, sizeof(*model->layers), error), error);
    MMN_NEED(model->layers);
    model->layer_count = model->layer = 0;
    if (model->parts) {
        model->layer_count = 1; /* which mmn_encode_join describes when the parts' are chosen */
        return MMN_OK;
    }
    for (size_t i = 0; i < mmn_safetensors_count(model->tensors); i++) {
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

static mmn_status read_layer(double **x, const mmn_encode_study *study,
                             const mmn_encode_model *model, const mmn_encode_layer *layer,
                             const char *alignment, mmn_error *error)
{
    const mmn_tensor *tensor = NULL;
    /* A layer's name is the end of its tensor's. */
    for (size_t i = 0; !tensor || layer_of(tensor->name, alignment) != layer->name; i++)
        tensor = mmn_safetensors_get(model->tensors, i);
    *x = mmn_allocate(study->events * layer->features, sizeof(double), error);
    MMN_NEED(*x);
    MMN_TRY(read_tensor(*x, study->algebra.kernels, tensor, false, error));
    return layer->projected < layer->features ? project(x, study, layer, error) : MMN_OK;
}

/* ---- Joined models --------------------------------------------------------------------------- */

mmn_status mmn_encode_join(const mmn_encode_model *model, mmn_blocks *blocks, mmn_error *error)
{
    mmn_encode_layer *layer = &model->layers[0];
    mmn_text name = {0};
    char *text;
    for (size_t i = 0; i < model->part_count; i++) {
        const mmn_encode_model *part = model->parts[i];
        const mmn_encode_layer *own = &part->layers[part->layer];
        mmn_text_add(&name, "%s%s/%s", i > 0 ? " + " : "", part->name, own->name);
        layer->features += own->features;
        layer->projected += own->projected;
    }
    MMN_TRY(mmn_text_finish(&name, &text, error));
    layer->name = mmn_blocks_keep(blocks, text, error);
    MMN_NEED(layer->name);
    return MMN_OK;
}

/* Copies the chosen layer of a part to columns `first` and following of x. */
static mmn_status read_part(double *x, size_t first, size_t columns, const mmn_encode_study *study,
                            const mmn_encode_model *part, const char *alignment, mmn_error *error)
{
    const mmn_encode_layer *layer = &part->layers[part->layer];
    double *own = NULL;
    mmn_status status = read_layer(&own, study, part, layer, alignment, error);
    for (size_t event = 0; status == MMN_OK && event < study->events; event++)
        memcpy(x + event * columns + first, own + event * layer->projected,
               layer->projected * sizeof(double));
    mmn_free(own);
    return status;
}

static mmn_status read_parts(double **x, const mmn_encode_study *study,
                             const mmn_encode_model *model, const char *alignment, mmn_error *error)
{
    const size_t columns = model->layers[0].projected;
    size_t first = 0;
    *x = mmn_allocate(study->events * columns, sizeof(double), error);
    MMN_NEED(*x);
    for (size_t i = 0; i < model->part_count; i++) {
        const mmn_encode_model *part = model->parts[i];
        MMN_TRY(read_part(*x, first, columns, study, part, alignment, error));
        first += part->layers[part->layer].projected;
    }
    return MMN_OK;
}

mmn_status mmn_encode_features(double **x, const mmn_encode_study *study,
                               const mmn_encode_model *model, const mmn_encode_layer *layer,
                               const char *alignment, mmn_error *error)
{
    *x = NULL;
    const mmn_status status = model->parts ? read_parts(x, study, model, alignment, error)
                                           : read_layer(x, study, model, layer, alignment, error);
    if (status != MMN_OK) {
        mmn_free(*x);
        *x = NULL;
    }
    return status;
}
