/* Counts files: reading and checking them. doc/formats.md describes the file. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file_kind.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/reader.h"
#include "base/text_buffer.h"
#include "base/utf8.h"
#include "count/counts.h"
#include "format/list.h"
#include "format/safetensors.h"

/* Numbers in metadata stay below this, so that Jansson, Python and binary64 have them exactly. */
#define NUMBER_LIMIT (INT64_C(1) << 53)
/* One value's share of a sum is at most 2^20, in units of 2^-20. */
#define VALUE_LIMIT (INT64_C(1) << 40)

/* ---- The header ------------------------------------------------------------------------------ */

typedef struct counts_reader {
    const char *file;
    mmn_safetensors *tensors;
    mmn_counts *counts;
    mmn_error *error;
} counts_reader;

static mmn_status wrong(const counts_reader *reader, const char *where, const char *what)
{
    return mmn_fail(reader->error, MMN_INPUT, reader->file, where, "%s", what);
}

/* The metadata's text for `key`, which must be there. */
static mmn_status metadata(const char **text, const counts_reader *reader, const char *key)
{
    *text = mmn_safetensors_metadata(reader->tensors, key);
    if (*text)
        return MMN_OK;
    return mmn_fail(reader->error, MMN_INPUT, reader->file, "__metadata__",
                    "\"%s\" is missing: this is not a counts file", key);
}

static mmn_status copy_metadata(char *to, size_t size, const counts_reader *reader, const char *key)
{
    const char *text;
    MMN_TRY(metadata(&text, reader, key));
    if (strlen(text) >= size)
        return wrong(reader, key, "the text is too long");
    memcpy(to, text, strlen(text) + 1);
    return MMN_OK;
}

/* 32 lower-case hex digits. */
static mmn_status digest_metadata(char digest[MMN_DIGEST_SIZE], const counts_reader *reader,
                                  const char *key)
{
    MMN_TRY(copy_metadata(digest, MMN_DIGEST_SIZE, reader, key));
    return mmn_digest_is_whole(digest) ? MMN_OK
                                       : wrong(reader, key, "expected a digest of 32 hex digits");
}

/* A decimal number without sign; *end is what follows it. */
static bool parse_number(uint64_t *number, const char *text, const char **end)
{
    size_t length = strspn(text, "0123456789");
    *number = 0;
    for (size_t i = 0; i < length; i++) {
        *number = 10 * *number + (uint64_t)(text[i] - '0');
        if (*number >= (uint64_t)NUMBER_LIMIT)
            return false;
    }
    *end = text + length;
    return length > 0;
}

static mmn_status read_shard(const counts_reader *reader)
{
    const char *text, *end;
    uint64_t shard, shards = 0;
    MMN_TRY(metadata(&text, reader, "shard"));
    bool good = parse_number(&shard, text, &end) && *end == '/' &&
                parse_number(&shards, end + 1, &end) && *end == '\0';
    if (!good || shard == 0 || shard > shards || shards > UINT32_MAX)
        return wrong(reader, "shard", "expected \"I/N\" with I from 1 to N");
    reader->counts->shard = (uint32_t)shard;
    reader->counts->shards = (uint32_t)shards;
    return MMN_OK;
}

/* Only files with such samples have the key. */
static mmn_status read_nonfinite(const counts_reader *reader)
{
    const char *text = mmn_safetensors_metadata(reader->tensors, "nonfinite"), *end;
    if (text && (!parse_number(&reader->counts->nonfinite, text, &end) || *end != '\0'))
        return wrong(reader, "nonfinite", "expected a number of samples");
    return MMN_OK;
}

/* Hands the JSON that is the metadata's text for `key` to `take`, if it is of this type. */
static mmn_status take_metadata(counts_reader *reader, const char *key, json_type type,
                                const char *expected,
                                mmn_status (*take)(counts_reader *reader, json_t *value))
{
    const char *text;
    json_t *value = NULL;
    MMN_TRY(metadata(&text, reader, key));
    mmn_status status = mmn_json_parse(&value, text, strlen(text), reader->file, reader->error);
    if (status == MMN_OK && json_typeof(value) != type)
        status = wrong(reader, key, expected);
    if (status == MMN_OK)
        status = take(reader, value);
    json_decref(value);
    return status;
}

static mmn_status take_skipped(counts_reader *reader, json_t *lines)
{
    int64_t before = 0;
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const json_t *line = json_array_get(lines, i);
        int64_t number = json_is_integer(line) ? json_integer_value(line) : 0;
        if (number <= before || number >= NUMBER_LIMIT)
            return wrong(reader, "skipped", "expected line numbers in ascending order");
        MMN_TRY(mmn_counts_add_skipped(reader->counts, (uint64_t)number, reader->error));
        before = number;
    }
    return MMN_OK;
}

static mmn_status read_module(const counts_reader *reader, json_t *value,
                              mmn_counted_module *module)
{
    mmn_reader json = {.error = reader->error};
    mmn_object object = mmn_read_document(&json, value, reader->file);
    const char *name = "";
    snprintf(object.prefix, sizeof(object.prefix), "modules.");
    mmn_read_text(&name, &object, "name");
    mmn_read_required(&object, "layers");
    mmn_read_u32(&module->layers, &object, "layers", 1, 100000);
    mmn_read_required(&object, "neurons");
    mmn_read_u32(&module->neurons, &object, "neurons", 1, 1 << 24);
    module->first_inert_layer = module->layers;
    mmn_read_u32(&module->first_inert_layer, &object, "first_inert_layer", 0, module->layers);
    mmn_read_bool(&module->magnitudes, &object, "magnitudes");
    size_t length = strlen(name);
    if (json.status != MMN_OK)
        return json.status;
    if (length == 0 || length >= sizeof(module->name) ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz") != length)
        return wrong(reader, "modules", "expected a module's name in lower-case letters");
    memcpy(module->name, name, length + 1);
    return MMN_OK;
}

#define MODULES_EXPECTED "expected an array of modules, one or more"

/* Makes the counts, without domains. */
static mmn_status take_modules(counts_reader *reader, json_t *array)
{
    mmn_counted_module modules[MMN_MODULES] = {{.layers = 0}};
    const size_t count = json_array_size(array);
    if (count == 0 || count > MMN_MODULES)
        return wrong(reader, "modules", MODULES_EXPECTED);
    for (size_t i = 0; i < count; i++) {
        MMN_TRY(read_module(reader, json_array_get(array, i), &modules[i]));
        for (size_t before = 0; before < i; before++)
            if (strcmp(modules[before].name, modules[i].name) == 0)
                return wrong(reader, "modules", "a module is named twice");
    }
    return mmn_counts_create(&reader->counts, modules, count, reader->error);
}

static mmn_status read_header(counts_reader *reader)
{
    mmn_counts *counts = reader->counts;
    char inputs[MMN_DIGEST_SIZE];
    const char *settings;
    MMN_TRY(copy_metadata(counts->version, sizeof(counts->version), reader, "version"));
    MMN_TRY(digest_metadata(counts->model, reader, "model"));
    MMN_TRY(digest_metadata(counts->data, reader, "data"));
    MMN_TRY(digest_metadata(inputs, reader, "inputs"));
    MMN_TRY(metadata(&settings, reader, "settings"));
    MMN_TRY(read_shard(reader));
    MMN_TRY(take_metadata(reader, "skipped", JSON_ARRAY, "expected an array of line numbers",
                          take_skipped));
    MMN_TRY(read_nonfinite(reader));
    mmn_hexadecimal_read(counts->inputs, inputs, sizeof(counts->inputs));
    counts->settings = mmn_copy_text(settings, reader->error);
    return counts->settings ? MMN_OK : MMN_SYSTEM;
}

/* ---- Domains and tensors --------------------------------------------------------------------- */

/* The field's tensor, whose shape has been checked. */
static mmn_status find_tensor(const mmn_tensor **found, const counts_reader *reader,
                              const char *domain, const mmn_counted_module *module,
                              mmn_count_field field)
{
    mmn_text text = {0};
    char *name = NULL;
    mmn_text_add(&text, "%s/%s.%s", domain, module->name, mmn_field_name(field));
    MMN_TRY(mmn_text_finish(&text, &name, reader->error));
    mmn_status status = MMN_OK;
    const mmn_tensor *tensor = mmn_safetensors_find(reader->tensors, name);
    const bool matrix = mmn_field_is_matrix(field);
    if (!tensor)
        status = wrong(reader, name, "the tensor is missing");
    else if (tensor->type != MMN_TYPE_I64 ||
             (matrix ? tensor->dimensions != 2 || tensor->shape[0] != module->layers ||
                           tensor->shape[1] != module->neurons
                     : tensor->dimensions != 1 || tensor->shape[0] != 1))
        status = mmn_fail(reader->error, MMN_INPUT, reader->file, name,
                          "expected 64-bit integers of shape [%" PRIu32 ", %" PRIu32 "]",
                          matrix ? module->layers : 1, matrix ? module->neurons : 1);
    mmn_free(name);
    *found = tensor;
    return status;
}

/* Counts that no run can have given would lead the ranking astray. */
static const char *implausible(const mmn_count_cell *cell, const mmn_counted_module *module)
{
    int64_t *const *fields = cell->fields;
    const int64_t tokens = fields[MMN_FIELD_TOKENS][0];
    const bool images = fields[MMN_FIELD_IMAGE_TOKENS] != NULL;
    const int64_t image_tokens = images ? fields[MMN_FIELD_IMAGE_TOKENS][0] : 0;
    const int64_t *magnitude = fields[MMN_FIELD_MAGNITUDE]; /* NULL: they were not summed */
    if (tokens < 0 || tokens >= NUMBER_LIMIT || image_tokens < 0 || image_tokens > tokens)
        return "the number of positions is not possible";
    for (size_t i = 0; i < mmn_field_size(module, MMN_FIELD_COUNT); i++) {
        int64_t active = fields[MMN_FIELD_COUNT][i];
        int64_t image_active = images ? fields[MMN_FIELD_IMAGE_COUNT][i] : 0;
        if (active < 0 || active > tokens || image_active < 0 || image_active > image_tokens ||
            image_active > active || active - image_active > tokens - image_tokens)
            return "a neuron is counted more often than there are positions";
        if (llabs(fields[MMN_FIELD_SUM][i] / VALUE_LIMIT) > tokens ||
            (images && llabs(fields[MMN_FIELD_IMAGE_SUM][i] / VALUE_LIMIT) > image_tokens))
            return "a sum is larger than its positions allow";
        if (magnitude &&
            (magnitude[i] < 0 || magnitude[i] / VALUE_LIMIT > tokens ||
             fields[MMN_FIELD_SUM][i] > magnitude[i] || fields[MMN_FIELD_SUM][i] < -magnitude[i]))
            return "a sum of absolute values is not possible";
    }
    return NULL;
}

static mmn_status read_cell(const counts_reader *reader, mmn_counted_domain *domain, size_t index)
{
    const mmn_counted_module *module = &reader->counts->modules[index];
    mmn_count_cell *cell = &domain->cells[index];
    for (int field = 0; field < MMN_FIELDS; field++) {
        if (!mmn_field_exists(module, field))
            continue;
        const mmn_tensor *tensor;
        MMN_TRY(find_tensor(&tensor, reader, domain->name, module, field));
        for (size_t i = 0; i < mmn_field_size(module, field); i++)
            cell->fields[field][i] = mmn_load_i64(tensor->data + 8 * i);
    }
    const char *fault = implausible(cell, module);
    if (!fault)
        return MMN_OK;
    char where[128];
    snprintf(where, sizeof(where), "%s/%s", domain->name, module->name);
    return wrong(reader, where, fault);
}

/* The number that a domain is given, which is to be one that this format has. */
static mmn_status domain_number(uint64_t *number, const counts_reader *reader, const char *key,
                                const char *name, const json_t *value)
{
    const int64_t found = json_is_integer(value) ? json_integer_value(value) : -1;
    if (!mmn_is_domain(name) || found < 0 || found >= NUMBER_LIMIT)
        return wrong(reader, key, "expected domains' names and a number for each");
    *number = (uint64_t)found;
    return MMN_OK;
}

/* Makes the domains, from their numbers of samples; their first tensors are looked for before
 * memory is taken for them. */
static mmn_status take_domains(counts_reader *reader, json_t *object)
{
    mmn_counts *counts = reader->counts;
    const char *name;
    json_t *value;
    if (json_object_size(object) == 0)
        return wrong(reader, "domains", "there is no domain");
    json_object_foreach(object, name, value)
    {
        const mmn_tensor *tensor;
        uint64_t samples = 0;
        MMN_TRY(domain_number(&samples, reader, "domains", name, value));
        for (size_t m = 0; m < counts->module_count; m++)
            MMN_TRY(find_tensor(&tensor, reader, name, &counts->modules[m], MMN_FIELD_COUNT));
        MMN_TRY(mmn_counts_add_domain(counts, name, reader->error));
        counts->domains[mmn_counts_find_domain(counts, name)].samples = samples;
    }
    return MMN_OK;
}

static mmn_status take_positions(counts_reader *reader, json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        uint64_t positions = 0;
        MMN_TRY(domain_number(&positions, reader, "positions", name, value));
        const size_t index = mmn_counts_find_domain(reader->counts, name);
        if (index == SIZE_MAX)
            return wrong(reader, "positions", "there is a domain that has not been counted");
        reader->counts->domains[index].positions = positions;
    }
    return MMN_OK;
}

#define DOMAINS_EXPECTED "expected an object of domains and numbers"

/* How far an unfinished run has come. */
static mmn_status read_progress(counts_reader *reader)
{
    const char *text, *end;
    MMN_TRY(metadata(&text, reader, "last_line"));
    if (!parse_number(&reader->counts->last_line, text, &end) || *end != '\0')
        return wrong(reader, "last_line", "expected a line number");
    return take_metadata(reader, "positions", JSON_OBJECT, DOMAINS_EXPECTED, take_positions);
}

static mmn_status check_checksum(const counts_reader *reader)
{
    char stored[MMN_DIGEST_SIZE], found[MMN_DIGEST_SIZE];
    MMN_TRY(digest_metadata(stored, reader, MMN_COUNTS_CHECKSUM));
    MMN_TRY(mmn_safetensors_checksum(found, reader->tensors, MMN_COUNTS_CHECKSUM, reader->error));
    if (strcmp(stored, found) == 0)
        return MMN_OK;
    return wrong(reader, MMN_COUNTS_CHECKSUM,
                 "is not that of the file's contents: the file has been damaged or edited");
}

static mmn_status read_counts(counts_reader *reader)
{
    const char *format;
    MMN_TRY(mmn_safetensors_open(&reader->tensors, reader->file, reader->error));
    MMN_TRY(metadata(&format, reader, "format"));
    const bool unfinished = strcmp(format, MMN_COUNTS_STATE_FORMAT) == 0;
    const bool unchecked = strcmp(format, MMN_COUNTS_UNCHECKED_FORMAT) == 0;
    if (!unfinished && !unchecked && strcmp(format, MMN_COUNTS_FORMAT) != 0)
        return wrong(reader, "format", "this is not a counts file of a version that is known");
    if (!unchecked)
        MMN_TRY(check_checksum(reader));
    MMN_TRY(take_metadata(reader, "modules", JSON_ARRAY, MODULES_EXPECTED, take_modules));
    mmn_counts *counts = reader->counts;
    counts->unfinished = unfinished;
    counts->unchecked = unchecked;
    if (!(counts->file = mmn_copy_text(reader->file, reader->error)))
        return MMN_SYSTEM;
    MMN_TRY(read_header(reader));
    MMN_TRY(take_metadata(reader, "domains", JSON_OBJECT, DOMAINS_EXPECTED, take_domains));
    if (unfinished)
        MMN_TRY(read_progress(reader));
    for (size_t d = 0; d < counts->domain_count; d++)
        for (size_t m = 0; m < counts->module_count; m++)
            MMN_TRY(read_cell(reader, &counts->domains[d], m));
    if (mmn_safetensors_count(reader->tensors) != mmn_counts_tensors(counts))
        return wrong(reader, "", "there are tensors that belong to no domain and module");
    return mmn_safetensors_unchanged(reader->tensors, reader->error);
}

static mmn_counts_info describe(const mmn_counts *counts)
{
    return (mmn_counts_info){.version = counts->version,
                             .model = counts->model,
                             .data = counts->data,
                             .settings = counts->settings,
                             .samples = mmn_counts_samples(counts),
                             .skipped = counts->skipped_count,
                             .nonfinite = counts->nonfinite,
                             .shard = counts->shard,
                             .shards = counts->shards,
                             .unfinished = counts->unfinished,
                             .unchecked = counts->unchecked,
                             .module_count = counts->module_count,
                             .domain_count = counts->domain_count};
}

mmn_status mmn_counts_read(mmn_counts **read, const char *file, mmn_error *error)
{
    MMN_CLEAR(read);
    MMN_GIVEN(error, read, file);
    counts_reader reader = {.file = file, .error = error};
    const mmn_status status = read_counts(&reader);
    mmn_safetensors_close(reader.tensors);
    if (status != MMN_OK) {
        mmn_counts_free(reader.counts);
        reader.counts = NULL;
    } else {
        reader.counts->info = describe(reader.counts);
    }
    *read = reader.counts;
    return mmn_file_kind_explain(error, status, file, MMN_KIND_COUNTS);
}
