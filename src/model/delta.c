/* Deltas: reading and writing them, and several as one. */
#include "model/delta.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file_kind.h"
#include "base/memory.h"
#include "base/text_buffer.h"

#define FORMAT "mmneuron-delta-1"
#define NEURONS "language.neurons"
#define ROWS "language.rows"
#define CHECKSUM "checksum"

/* ---- Reading --------------------------------------------------------------------------------- */

static mmn_status read_metadata(mmn_delta *delta, const mmn_safetensors *file, const char *path,
                                mmn_error *error)
{
    const char *format = mmn_safetensors_metadata(file, "format");
    const char *model = mmn_safetensors_metadata(file, "model");
    const char *settings = mmn_safetensors_metadata(file, "settings");
    const char *checksum = mmn_safetensors_metadata(file, CHECKSUM);
    if (!format || strcmp(format, FORMAT) != 0 || !model || !settings || !checksum)
        return mmn_fail(error, MMN_INPUT, path, "__metadata__",
                        "this is not a delta of a version that is known");
    if (model[0] != '\0' && !mmn_digest_is_whole(model))
        return mmn_fail(error, MMN_INPUT, path, "model", "expected a digest of 32 hex digits");
    memcpy(delta->model, model, strlen(model) + 1);
    MMN_TRY(mmn_safetensors_checksum(delta->digest, file, CHECKSUM, error));
    if (strcmp(checksum, delta->digest) != 0)
        return mmn_fail(error, MMN_INPUT, path, CHECKSUM,
                        "is not that of the file's contents: the file has been damaged or edited");
    return (delta->settings = mmn_copy_text(settings, error)) ? MMN_OK : MMN_SYSTEM;
}

/* The tensor [rows][columns] of this name; any number of rows where `rows` is SIZE_MAX. */
static mmn_status find(const mmn_tensor **tensor, const mmn_safetensors *file, const char *path,
                       const char *name, mmn_tensor_type type, size_t rows, size_t columns,
                       mmn_error *error)
{
    const mmn_tensor *found = *tensor = mmn_safetensors_find(file, name);
    if (!found)
        return mmn_fail(error, MMN_INPUT, path, name, "is missing");
    if (found->type != type || found->dimensions != 2 || found->shape[1] != columns ||
        (found->shape[0] != rows && rows != SIZE_MAX))
        return mmn_fail(error, MMN_INPUT, path, name,
                        "is not of type %s with a row for each neuron, of %zu numbers",
                        mmn_tensor_type_name(type), columns);
    return MMN_OK;
}

static mmn_status take_neurons(mmn_additions *additions, const mmn_tensor *neurons,
                               const mmn_language_config *config, mmn_error *error)
{
    uint64_t before = 0;
    for (size_t i = 0; i < neurons->shape[0]; i++) {
        const uint32_t layer = mmn_load_u32(neurons->data + 8 * i);
        const uint32_t neuron = mmn_load_u32(neurons->data + 8 * i + 4);
        const uint64_t place = (uint64_t)layer * config->intermediate_size + neuron;
        if (layer >= config->layers || neuron >= config->intermediate_size)
            return mmn_fail(error, MMN_INPUT, neurons->file, neurons->name,
                            "names neuron %" PRIu32 " of layer %" PRIu32
                            ", and the model has %" PRIu32 " x %" PRIu32,
                            neuron, layer, config->layers, config->intermediate_size);
        if (i > 0 && place <= before)
            return mmn_fail(error, MMN_INPUT, neurons->file, neurons->name,
                            "neuron %" PRIu32 " of layer %" PRIu32 " is out of order", neuron,
                            layer);
        before = place;
        additions->neurons[i] = neuron;
        additions->first[layer + 1] = i + 1;
    }
    for (uint32_t layer = 0; layer < config->layers; layer++)
        if (additions->first[layer + 1] < additions->first[layer])
            additions->first[layer + 1] = additions->first[layer];
    return MMN_OK;
}

static mmn_status take_rows(const mmn_additions *additions, const mmn_tensor *rows,
                            mmn_error *error)
{
    const size_t count = mmn_tensor_elements(rows);
    for (size_t i = 0; i < count; i++) {
        additions->rows[i] = mmn_load_f32(rows->data + 4 * i);
        if (!isfinite(additions->rows[i]))
            return mmn_fail(error, MMN_INPUT, rows->file, rows->name,
                            "number %zu is infinite or NaN", i);
    }
    return MMN_OK;
}

static mmn_status read_file(mmn_delta *delta, const mmn_safetensors *file, const char *path,
                            const mmn_language_config *config, mmn_error *error)
{
    const mmn_tensor *neurons, *rows;
    MMN_TRY(read_metadata(delta, file, path, error));
    MMN_TRY(find(&neurons, file, path, NEURONS, MMN_TYPE_I32, SIZE_MAX, 2, error));
    MMN_TRY(
        find(&rows, file, path, ROWS, MMN_TYPE_F32, neurons->shape[0], config->hidden_size, error));
    if (mmn_safetensors_count(file) != 2)
        return mmn_fail(error, MMN_INPUT, path, NULL, "has tensors that belong to no delta");
    MMN_TRY(mmn_additions_reserve(&delta->additions, config, neurons->shape[0], error));
    MMN_TRY(take_neurons(&delta->additions, neurons, config, error));
    MMN_TRY(take_rows(&delta->additions, rows, error));
    return mmn_safetensors_unchanged(file, error);
}

mmn_status mmn_delta_read(mmn_delta *delta, const char *file, const mmn_language_config *config,
                          mmn_error *error)
{
    mmn_safetensors *opened = NULL;
    mmn_status status = mmn_safetensors_open(&opened, file, error);
    if (status == MMN_OK)
        status = read_file(delta, opened, file, config, error);
    mmn_safetensors_close(opened);
    return mmn_file_kind_explain(error, status, file, MMN_KIND_DELTA);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void store(uint8_t *neurons, uint8_t *rows, const mmn_additions *additions, uint32_t layers)
{
    for (uint32_t layer = 0; layer < layers; layer++)
        for (size_t i = additions->first[layer]; i < additions->first[layer + 1]; i++) {
            mmn_store_u32(neurons + 8 * i, layer);
            mmn_store_u32(neurons + 8 * i + 4, additions->neurons[i]);
        }
    for (size_t i = 0; i < additions->first[layers] * additions->width; i++)
        mmn_store_f32(rows + 4 * i, (float)additions->rows[i]);
}

mmn_status mmn_delta_write(mmn_delta *delta, const char *file, const mmn_language_config *config,
                           mmn_error *error)
{
    const mmn_additions *additions = &delta->additions;
    const size_t count = additions->first[config->layers], width = additions->width;
    const char *metadata[] = {"format", FORMAT,       "version",  mmn_version(),
                              "model",  delta->model, "settings", delta->settings,
                              NULL,     NULL,         NULL};
    uint8_t *data = mmn_allocate(count, 8 + 4 * width, error);
    MMN_NEED(data);
    const mmn_tensor tensors[] = {{.name = NEURONS,
                                   .type = MMN_TYPE_I32,
                                   .dimensions = 2,
                                   .shape = {count, 2},
                                   .data = data,
                                   .bytes = 8 * count},
                                  {.name = ROWS,
                                   .type = MMN_TYPE_F32,
                                   .dimensions = 2,
                                   .shape = {count, width},
                                   .data = data + 8 * count,
                                   .bytes = 4 * count * width}};
    store(data, data + 8 * count, additions, config->layers);
    mmn_status status = mmn_tensors_checksum(delta->digest, tensors, 2, metadata, error);
    metadata[8] = CHECKSUM;
    metadata[9] = delta->digest;
    if (status == MMN_OK)
        status = mmn_safetensors_write(file, tensors, 2, metadata, error);
    mmn_free(data);
    return status;
}

void mmn_delta_free(mmn_delta *delta)
{
    mmn_additions_free(&delta->additions);
    mmn_free(delta->settings);
    *delta = (mmn_delta){0};
}

/* ---- Several --------------------------------------------------------------------------------- */

/* Takes the additions of one more. */
static mmn_status join(mmn_deltas *deltas, mmn_delta *delta, const mmn_language_config *config,
                       mmn_error *error)
{
    if (deltas->count > 0)
        return mmn_additions_join(&deltas->additions, &delta->additions, config, error);
    deltas->additions = delta->additions;
    delta->additions = (mmn_additions){0};
    return MMN_OK;
}

static mmn_status list(mmn_deltas *deltas, const char *digest, mmn_error *error)
{
    mmn_text json = {0};
    MMN_TRY(mmn_resize(&deltas->digests, deltas->count, deltas->count + 1, sizeof(*deltas->digests),
                       error));
    MMN_NEED(deltas->digests[deltas->count] = mmn_copy_text(digest, error));
    deltas->count++;
    for (size_t i = 0; i < deltas->count; i++)
        mmn_text_add(&json, "%s\"%s\"", i > 0 ? ", " : "[", deltas->digests[i]);
    mmn_text_add(&json, "]");
    mmn_free(deltas->json);
    return mmn_text_finish(&json, &deltas->json, error);
}

mmn_status mmn_deltas_add(mmn_deltas *deltas, mmn_delta *delta, const mmn_language_config *config,
                          mmn_error *error)
{
    MMN_TRY(join(deltas, delta, config, error));
    return list(deltas, delta->digest, error);
}

void mmn_deltas_free(mmn_deltas *deltas)
{
    mmn_additions_free(&deltas->additions);
    for (size_t i = 0; i < deltas->count; i++)
        mmn_free(deltas->digests[i]);
    mmn_free(deltas->digests);
    mmn_free(deltas->json);
    *deltas = (mmn_deltas){0};
}

mmn_status mmn_deltas_digest(const mmn_deltas *deltas, char digest[MMN_DIGEST_SIZE],
                             mmn_error *error)
{
    mmn_digest *made;
    if (deltas->count == 0)
        return MMN_OK;
    MMN_TRY(mmn_digest_begin(&made, error));
    mmn_digest_add_text(made, digest);
    for (size_t i = 0; i < deltas->count; i++)
        mmn_digest_add_text(made, deltas->digests[i]);
    mmn_digest_finish(made, digest);
    mmn_digest_free(made);
    return MMN_OK;
}
