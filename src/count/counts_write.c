/* Counts files: writing them. doc/formats.md describes the file. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "base/utf8.h"
#include "count/counts.h"
#include "count/counts_format.h"
#include "format/safetensors.h"

typedef enum domain_number { SAMPLES, POSITIONS } domain_number;

static mmn_status domains_text(char **text, const mmn_counts *counts, domain_number which,
                               mmn_error *error)
{
    mmn_text built = {0};
    mmn_text_add(&built, "{");
    for (size_t i = 0; i < counts->domain_count; i++) {
        const mmn_counted_domain *domain = &counts->domains[i];
        mmn_text_add(&built, "%s", i > 0 ? ", " : "");
        mmn_text_add_json(&built, domain->name);
        mmn_text_add(&built, ": %" PRIu64, which == SAMPLES ? domain->samples : domain->positions);
    }
    mmn_text_add(&built, "}");
    return mmn_text_finish(&built, text, error);
}

static mmn_status modules_text(char **text, const mmn_counts *counts, mmn_error *error)
{
    mmn_text built = {0};
    mmn_text_add(&built, "[");
    for (size_t i = 0; i < counts->module_count; i++) {
        const mmn_counted_module *module = &counts->modules[i];
        mmn_text_add(&built, "%s{\"name\": \"%s\", \"layers\": %" PRIu32 ", \"neurons\": %" PRIu32
                     ", \"first_inert_layer\": %" PRIu32 "}", i > 0 ? ", " : "", module->name,
                     module->layers, module->neurons, module->first_inert_layer);
    }
    mmn_text_add(&built, "]");
    return mmn_text_finish(&built, text, error);
}

static mmn_status skipped_text(char **text, const mmn_counts *counts, mmn_error *error)
{
    mmn_text built = {0};
    mmn_text_add(&built, "[");
    for (size_t i = 0; i < counts->skipped_count; i++)
        mmn_text_add(&built, "%s%" PRIu64, i > 0 ? ", " : "", counts->skipped[i]);
    mmn_text_add(&built, "]");
    return mmn_text_finish(&built, text, error);
}

/* Everything that the file's header points to. */
typedef struct image {
    mmn_tensor *tensors;
    size_t tensor_count;
    char *names;
    uint8_t *data;
} image;

enum { NAME_SIZE = 160 };

static void free_image(image *made)
{
    mmn_free(made->tensors);
    mmn_free(made->names);
    mmn_free(made->data);
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
    *tensor = (mmn_tensor){.name = name, .type = MMN_TYPE_I64, .dimensions = 1, .shape = {1},
                           .data = data, .bytes = 8 * size};
    if (field != MMN_FIELD_TOKENS && field != MMN_FIELD_IMAGE_TOKENS) {
        tensor->dimensions = 2;
        tensor->shape[0] = module->layers;
        tensor->shape[1] = module->neurons;
    }
}

static mmn_status make_image(image *made, const mmn_counts *counts, mmn_error *error)
{
    *made = (image){0};
    size_t bytes_per_domain = 0, tensors_per_domain = 0;
    for (size_t m = 0; m < counts->module_count; m++)
        for (int field = 0; field < MMN_FIELDS; field++)
            if (mmn_field_exists(&counts->modules[m], field)) {
                bytes_per_domain += 8 * mmn_field_size(&counts->modules[m], field);
                tensors_per_domain++;
            }
    size_t tensors = tensors_per_domain * counts->domain_count;
    made->tensors = mmn_allocate(tensors, sizeof(*made->tensors), error);
    made->names = mmn_allocate(tensors, NAME_SIZE, error);
    made->data = mmn_allocate(counts->domain_count, bytes_per_domain, error);
    if (!made->tensors || !made->names || !made->data)
        return MMN_SYSTEM;
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

static size_t add_pair(size_t used, const char **metadata, const char *key, const char *value)
{
    metadata[used] = key;
    metadata[used + 1] = value;
    return used + 2;
}

mmn_status mmn_counts_write(const mmn_counts *counts, const char *file, mmn_error *error)
{
    image made = {0};
    char *modules = NULL, *domains = NULL, *skipped = NULL, *positions = NULL;
    char samples[24], shard[32], last_line[24], inputs[MMN_DIGEST_SIZE], nonfinite[24];
    char checksum[MMN_DIGEST_SIZE];
    snprintf(samples, sizeof(samples), "%" PRIu64, mmn_counts_samples(counts));
    snprintf(shard, sizeof(shard), "%" PRIu32 "/%" PRIu32, counts->shard, counts->shards);
    snprintf(last_line, sizeof(last_line), "%" PRIu64, counts->last_line);
    snprintf(nonfinite, sizeof(nonfinite), "%" PRIu64, counts->nonfinite);
    mmn_hexadecimal_write(inputs, counts->inputs, sizeof(counts->inputs));

    mmn_status status = modules_text(&modules, counts, error);
    if (status == MMN_OK)
        status = domains_text(&domains, counts, SAMPLES, error);
    if (status == MMN_OK)
        status = domains_text(&positions, counts, POSITIONS, error);
    if (status == MMN_OK)
        status = skipped_text(&skipped, counts, error);
    if (status == MMN_OK)
        status = make_image(&made, counts, error);
    if (status == MMN_OK) {
        const char *metadata[2 * 16 + 1] = {
            "format", counts->unfinished ? MMN_COUNTS_STATE_FORMAT : MMN_COUNTS_FORMAT,
            "version", counts->version, "model", counts->model, "data", counts->data,
            "inputs", inputs, "settings", counts->settings, "modules", modules,
            "domains", domains, "samples", samples, "skipped", skipped, "shard", shard};
        size_t used = 2 * 11;
        if (counts->unfinished)
            used = add_pair(add_pair(used, metadata, "last_line", last_line), metadata,
                            "positions", positions);
        if (counts->nonfinite > 0)
            used = add_pair(used, metadata, "nonfinite", nonfinite);
        status = mmn_tensors_checksum(checksum, made.tensors, made.tensor_count, metadata, error);
        add_pair(used, metadata, MMN_COUNTS_CHECKSUM, checksum);
        if (status == MMN_OK)
            status = mmn_safetensors_write(file, made.tensors, made.tensor_count, metadata, error);
    }
    free_image(&made);
    mmn_free(modules);
    mmn_free(domains);
    mmn_free(positions);
    mmn_free(skipped);
    return status;
}
