/* Merging: adds the counts of the shards of one run. */
#include "count/merge.h"

#include "base/error.h"
#include "base/output.h"
#include "count/shards.h"
#include "mmneuron.h"

mmn_status mmn_counts_add(mmn_counts *sum, const mmn_counts *part, mmn_error *error)
{
    for (size_t d = 0; d < sum->domain_count; d++) {
        mmn_counted_domain *domain = &sum->domains[d];
        domain->samples += part->domains[d].samples;
        for (size_t m = 0; m < sum->module_count; m++)
            MMN_TRY(mmn_count_cell_add(&domain->cells[m], &part->domains[d].cells[m],
                                       &sum->modules[m], error));
    }
    sum->nonfinite += part->nonfinite;
    for (size_t i = 0; i < sizeof(sum->inputs); i++)
        sum->inputs[i] ^= part->inputs[i];
    for (size_t i = 0; i < part->skipped_count; i++)
        MMN_TRY(mmn_counts_add_skipped(sum, part->skipped[i], error));
    return MMN_OK;
}

/* Whether `part` may be added: finished, of the same run as `sum`, and not there yet. */
static mmn_status check_part(const mmn_counts *sum, const mmn_counts *part, const char *file,
                             mmn_shards *shards, mmn_error *error)
{
    const char *what;
    char difference[MMN_DIFFERENCE_SIZE];
    if (part->unfinished)
        return mmn_fail(error, MMN_INPUT, file, NULL,
                        "this is the state of an unfinished run; let that run finish first");
    if (part->unchecked)
        return mmn_fail(error, MMN_INPUT, file, NULL,
                        "was written before counts had checksums, which merged counts would seem "
                        "to have; count this shard again");
    if (!mmn_counts_same_run(part, sum, &what, "there", difference))
        return mmn_fail(error, MMN_INPUT, file, what,
                        "differs from %s in %s%s; only shards of one run can be merged", sum->file,
                        what, difference);
    return mmn_shards_take(shards, file, part->shard, part->shards, error);
}

static mmn_status add_file(mmn_counts *sum, const char *file, mmn_shards *shards, mmn_error *error)
{
    mmn_counts *part = NULL;
    MMN_TRY(mmn_counts_read(&part, file, error));
    mmn_status status = check_part(sum, part, file, shards, error);
    if (status == MMN_OK)
        status = mmn_counts_add(sum, part, error);
    mmn_counts_free(part);
    return status;
}

static mmn_status write_sum(const void *sum, const char *path, mmn_error *error)
{
    return mmn_counts_write(sum, path, error);
}

/* Adds the files behind the first, which `sum` is. */
static mmn_status add_files(mmn_counts *sum, const char *const *files, size_t file_count,
                            mmn_shards *shards, mmn_error *error)
{
    MMN_TRY(mmn_shards_begin(shards, files[0], sum->shards, error));
    MMN_TRY(check_part(sum, sum, files[0], shards, error));
    for (size_t i = 1; i < file_count; i++)
        MMN_TRY(add_file(sum, files[i], shards, error));
    MMN_TRY(mmn_shards_check(shards, error));
    sum->shard = sum->shards = 1;
    return mmn_counts_check_left(sum, files[0], error);
}

mmn_status mmn_counts_merge(const char *const *files, size_t file_count, const char *output,
                            mmn_error *error)
{
    MMN_GIVEN(error, files, output);
    MMN_GIVEN_TEXTS(error, "file", file_count, files);
    if (file_count == 0)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "merging needs counts files and an output");
    mmn_counts *sum = NULL;
    mmn_shards shards = {0};
    mmn_status status = mmn_counts_read(&sum, files[0], error);
    if (status == MMN_OK)
        status = add_files(sum, files, file_count, &shards, error);
    if (status == MMN_OK)
        status = mmn_output_write(output, write_sum, sum, error);
    mmn_shards_free(&shards);
    mmn_counts_free(sum);
    return status;
}
