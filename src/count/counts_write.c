/* Counts files: writing them. doc/formats.md describes the file. */
#include <inttypes.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "base/utf8.h"
#include "count/counts.h"
#include "format/safetensors.h"

/* METADATA: format, version, model, data, inputs, settings, modules, domains, samples, skipped,
 * shard; of some last_line, positions, nonfinite. */
enum { METADATA = 14, NAME_SIZE = 160 };

/* What the file is to hold. */
typedef struct image {
    const char *keys[METADATA];
    mmn_text values[METADATA];
    size_t pair_count;
    mmn_tensor *tensors;
    size_t tensor_count;
    char *names;
    uint8_t *data;
} image;

static void free_image(image *made)
{
    for (size_t i = 0; i < made->pair_count; i++)
        mmn_text_free(&made->values[i]);
    mmn_free(made->tensors);
    mmn_free(made->names);
    mmn_free(made->data);
}

/* The text that is to be the value of the metadata's next key. */
static mmn_text *value_of(image *made, const char *key)
{
    made->keys[made->pair_count] = key;
    return &made->values[made->pair_count++];
}

/* A number for each domain: of its samples, or else of its positions. */
static void add_domains(mmn_text *text, const mmn_counts *counts, bool samples)
{
    mmn_text_add(text, "{");
    for (size_t i = 0; i < counts->domain_count; i++) {
        const mmn_counted_domain *domain = &counts->domains[i];
        mmn_text_add(text, "%s", i > 0 ? ", " : "");
        mmn_text_add_json(text, domain->name);
        mmn_text_add(text, ": %" PRIu64, samples ? domain->samples : domain->positions);
    }
    mmn_text_add(text, "}");
}

static void add_modules(mmn_text *text, const mmn_counts *counts)
{
    mmn_text_add(text, "[");
    for (size_t i = 0; i < counts->module_count; i++) {
        const mmn_counted_module *module = &counts->modules[i];
        mmn_text_add(text,
                     "%s{\"name\": \"%s\", \"layers\": %" PRIu32 ", \"neurons\": %" PRIu32
                     ", \"first_inert_layer\": %" PRIu32 "%s}",
                     i > 0 ? ", " : "", module->name, module->layers, module->neurons,
                     module->first_inert_layer, module->magnitudes ? ", \"magnitudes\": true" : "");
    }
    mmn_text_add(text, "]");
}

static void add_skipped(mmn_text *text, const mmn_counts *counts)
{
    mmn_text_add(text, "[");
    for (size_t i = 0; i < counts->skipped_count; i++)
        mmn_text_add(text, "%s%" PRIu64, i > 0 ? ", " : "", counts->skipped[i]);
    mmn_text_add(text, "]");
}

static void add_metadata(image *made, const mmn_counts *counts)
{
    char inputs[MMN_DIGEST_SIZE];
    mmn_hexadecimal_write(inputs, counts->inputs, sizeof(counts->inputs));
    mmn_text_add(value_of(made, "format"),
                 counts->unfinished ? MMN_COUNTS_STATE_FORMAT : MMN_COUNTS_FORMAT);
    mmn_text_add(value_of(made, "version"), "%s", counts->version);
    mmn_text_add(value_of(made, "model"), "%s", counts->model);
    mmn_text_add(value_of(made, "data"), "%s", counts->data);
    mmn_text_add(value_of(made, "inputs"), "%s", inputs);
    mmn_text_add(value_of(made, "settings"), "%s", counts->settings);
    add_modules(value_of(made, "modules"), counts);
    add_domains(value_of(made, "domains"), counts, true);
    mmn_text_add(value_of(made, "samples"), "%" PRIu64, mmn_counts_samples(counts));
    add_skipped(value_of(made, "skipped"), counts);
    mmn_text_add(value_of(made, "shard"), "%" PRIu32 "/%" PRIu32, counts->shard, counts->shards);
    if (counts->unfinished) {
        mmn_text_add(value_of(made, "last_line"), "%" PRIu64, counts->last_line);
        add_domains(value_of(made, "positions"), counts, false);
    }
    if (counts->nonfinite > 0)
        mmn_text_add(value_of(made, "nonfinite"), "%" PRIu64, counts->nonfinite);
}

static void add_tensor(image *made, const mmn_counted_domain *domain,
                       const mmn_counted_module *module, const mmn_count_cell *cell,
                       mmn_count_field field, uint8_t *data)
{
    char *name = made->names + made->tensor_count * NAME_SIZE;
    snprintf(name, NAME_SIZE, "%s/%s.%s", domain->name, module->name, mmn_field_name(field));
    size_t size = mmn_field_size(module, field);
    for (size_t i = 0; i < size; i++)
        mmn_store_i64(data + 8 * i, cell->fields[field][i]);
    mmn_tensor *tensor = &made->tensors[made->tensor_count++];
    *tensor = (mmn_tensor){.name = name,
                           .type = MMN_TYPE_I64,
                           .dimensions = 1,
                           .shape = {1},
                           .data = data,
                           .bytes = 8 * size};
    if (mmn_field_is_matrix(field)) {
        tensor->dimensions = 2;
        tensor->shape[0] = module->layers;
        tensor->shape[1] = module->neurons;
    }
}

static mmn_status add_tensors(image *made, const mmn_counts *counts, mmn_error *error)
{
    size_t bytes_per_domain = 0;
    for (size_t m = 0; m < counts->module_count; m++)
        for (int field = 0; field < MMN_FIELDS; field++)
            if (mmn_field_exists(&counts->modules[m], field))
                bytes_per_domain += 8 * mmn_field_size(&counts->modules[m], field);
    const size_t tensors = mmn_counts_tensors(counts);
    made->tensors = mmn_allocate(tensors, sizeof(*made->tensors), error);
    made->names = mmn_allocate(tensors, NAME_SIZE, error);
    made->data = mmn_allocate(counts->domain_count, bytes_per_domain, error);
    MMN_NEED(made->tensors && made->names && made->data);
    uint8_t *data = made->data;
    for (size_t d = 0; d < counts->domain_count; d++)
        for (size_t m = 0; m < counts->module_count; m++)
            for (int field = 0; field < MMN_FIELDS; field++)
                if (mmn_field_exists(&counts->modules[m], field)) {
                    add_tensor(made, &counts->domains[d], &counts->modules[m],
                               &counts->domains[d].cells[m], field, data);
                    data += 8 * mmn_field_size(&counts->modules[m], field);
                }
    return MMN_OK;
}

static mmn_status write_image(image *made, const mmn_counts *counts, const char *file,
                              mmn_error *error)
{
    const char *metadata[2 * (METADATA + 1) + 1] = {NULL};
    char checksum[MMN_DIGEST_SIZE];
    size_t used = 0;
    add_metadata(made, counts);
    for (size_t i = 0; i < made->pair_count; i++) {
        MMN_TRY(mmn_text_status(&made->values[i], error));
        metadata[used++] = made->keys[i];
        metadata[used++] = made->values[i].text;
    }
    MMN_TRY(add_tensors(made, counts, error));
    MMN_TRY(mmn_tensors_checksum(checksum, made->tensors, made->tensor_count, metadata, error));
    metadata[used++] = MMN_COUNTS_CHECKSUM;
    metadata[used] = checksum;
    return mmn_safetensors_write(file, made->tensors, made->tensor_count, metadata, error);
}

mmn_status mmn_counts_write(const mmn_counts *counts, const char *file, mmn_error *error)
{
    image made = {.pair_count = 0};
    const mmn_status status = write_image(&made, counts, file, error);
    free_image(&made);
    return status;
}
