/* The file of features, and the result that says what is in it. */
#include "study/features.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/output.h"
#include "model/model.h"
#include "study/run_result.h"

const char *const mmn_pool_names[MMN_POOLINGS] = {
    [MMN_POOL_LAST] = "last",
    [MMN_POOL_FIRST] = "first",
    [MMN_POOL_MEAN] = "mean",
    [MMN_POOL_FLAT] = "flat",
};

/* The tensors of the file; their names are texts of `names`. */
typedef struct written {
    mmn_tensor *tensors;
    size_t count;
    mmn_blocks names;
    const char *metadata[19];
    char seed[24]; /* of random weights */
} written;

static mmn_status list_tensors(written *file, const mmn_features_study *kept, mmn_error *error)
{
    size_t count = 0;
    for (size_t d = 0; d < kept->alignment_count; d++)
        count += kept->alignments[d].stage_count;
    MMN_NEED(file->tensors = mmn_allocate(count, sizeof(*file->tensors), error));
    for (size_t d = 0; d < kept->alignment_count; d++) {
        const mmn_features_alignment *of = &kept->alignments[d];
        const size_t events = mmn_features_domain(kept, d)->left;
        const uint8_t *matrix = of->bytes;
        for (size_t i = 0; i < of->stage_count; i++) {
            const size_t bytes = 4 * events * of->widths[i];
            char *name;
            MMN_TRY(mmn_path_join(&name, mmn_features_domain(kept, d)->name, of->stages[i], error));
            MMN_NEED(mmn_blocks_keep(&file->names, name, error));
            file->tensors[file->count++] = (mmn_tensor){.name = name,
                                                        .type = MMN_TYPE_F32,
                                                        .dimensions = 2,
                                                        .shape = {events, of->widths[i]},
                                                        .data = matrix,
                                                        .bytes = bytes};
            matrix += bytes;
        }
    }
    return MMN_OK;
}

/* An mmn_output_writer. */
static mmn_status write_file(const void *context, const char *path, mmn_error *error)
{
    const written *file = context;
    return mmn_safetensors_write(path, file->tensors, file->count, file->metadata, error);
}

/* Adds to metadata what is only said where it is so; returns how many texts there are then. */
static size_t add_truth(written *file, size_t used, const char *key)
{
    file->metadata[used] = key;
    file->metadata[used + 1] = "true";
    return used + 2;
}

static mmn_status write_tensors(const mmn_features_study *kept, written *file, mmn_error *error)
{
    const mmn_study *study = &kept->study;
    char data[MMN_DIGEST_SIZE];
    MMN_TRY(list_tensors(file, kept, error));
    MMN_TRY(mmn_list_digest(study->samples.list, data, error));
    const char *const metadata[] = {
        "format", "mmneuron-features-1", "version", mmn_version(),
        "model",  study->model_digest,   "data",    data,
        "stages", kept->stages,          "pool",    mmn_pool_names[kept->pool],
        NULL};
    memcpy(file->metadata, metadata, sizeof(metadata));
    size_t used = MMN_LENGTH(metadata) - 1;
    if (study->allowed.long_prompts)
        used = add_truth(file, used, "allow_long_prompts");
    if (study->nonfinite)
        used = add_truth(file, used, "nonfinite");
    if (study->model->weights->made) {
        snprintf(file->seed, sizeof(file->seed), "%" PRIu64, study->model->weights->seed);
        file->metadata[used] = "random_init";
        file->metadata[used + 1] = file->seed;
    }
    MMN_TRY(mmn_tensors_checksum(kept->digest, file->tensors, file->count, file->metadata, error));
    return mmn_output_write(kept->request->asked.file, write_file, file, error);
}

mmn_status mmn_features_write(const void *context, mmn_error *error)
{
    written file = {0};
    const mmn_status status = write_tensors(context, &file, error);
    mmn_free(file.tensors);
    mmn_blocks_free(&file.names);
    return status;
}

/* ---- Result ---------------------------------------------------------------------------------- */

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_MADE_COLUMNS, MMN_TEXT("list"), MMN_ALLOWED_COLUMNS, MMN_TEXT("stages"),
                 MMN_TEXT("pool"))},
    {"domains", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    {"files", "result", MMN_COLUMNS(MMN_TEXT("file"), MMN_TEXT("digest"))},
    {"alignments", "result", MMN_COLUMNS(MMN_TEXT("alignment"), MMN_WHOLE("events"))},
    {"layers", "alignments", MMN_COLUMNS(MMN_TEXT("name"), MMN_WHOLE("width"))},
    {0}};

static const char json[] =
    "{\n  'format': 'mmneuron-features-1',\n" MMN_MADE_JSON MMN_NONFINITE_JSON
    "  'settings': {'list': $list, 'stages': $stages, 'pool': $pool" MMN_ALLOWED_JSON "},\n"
    "  'domains': [<domains|, |$name>],\n"
    "  'files': [<files|, |{'file': $file, 'digest': $digest}>],\n"
    "  'alignments': [<alignments|,|\n"
    "    {'alignment': $alignment, 'events': $events,\n"
    "     'layers': [<layers|,|\n"
    "      {'name': $name, 'width': $width}>]}>]\n}\n";

static const char people[] =
    "<alignments||${alignment}: ${events} events\n<layers||  $6{width}  ${name}\n>>" MMN_REMARKS;

const mmn_form mmn_features_form = {
    .format = "mmneuron-features-1", .tables = tables, .json = json, .people = people};

void mmn_features_describe(mmn_result *result, const void *context)
{
    const mmn_features_study *kept = context;
    const mmn_study *study = &kept->study;
    MMN_ADD(result, "result", MMN_MADE(study), mmn_as_text(study->samples.file),
            MMN_ALLOWED(study->allowed), mmn_as_text(kept->stages),
            mmn_as_text(mmn_pool_names[kept->pool]));
}

void mmn_features_fill(mmn_result *result, const void *context)
{
    const mmn_features_study *kept = context;
    MMN_ADD(result, "files", mmn_as_text(kept->request->asked.file), mmn_as_text(kept->digest));
    for (size_t d = 0; d < kept->alignment_count; d++) {
        const mmn_features_alignment *of = &kept->alignments[d];
        MMN_ADD(result, "alignments", mmn_as_text(mmn_features_domain(kept, d)->name),
                mmn_as_whole(mmn_features_domain(kept, d)->left));
        for (size_t i = 0; i < of->stage_count; i++)
            MMN_ADD(result, "layers", mmn_as_text(of->stages[i]), mmn_as_whole(of->widths[i]));
    }
}
