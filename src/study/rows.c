/* The rows of a study: those of the sample at hand, and the files that they are kept in and come
 * back from. */
#include "study/rows.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "count/shards.h"

/* ---- The sample at hand ---------------------------------------------------------------------- */

mmn_status mmn_study_rows_begin(mmn_study_rows *rows, void *kept, mmn_error *error)
{
    const size_t runs = rows->plan->run_count;
    MMN_NEED(rows->rows = mmn_allocate(runs, rows->row_size, error));
    for (size_t i = 0; i < runs; i++)
        *mmn_study_rows_of(rows, i) = (mmn_row){.kept = kept, .run = &rows->plan->runs[i]};
    return MMN_OK;
}

mmn_row *mmn_study_rows_of(const mmn_study_rows *rows, size_t run)
{
    return (mmn_row *)(void *)(rows->rows + run * rows->row_size);
}

void mmn_study_rows_clear(mmn_study_rows *rows)
{
    for (size_t i = 0; i < rows->plan->run_count; i++)
        memset((char *)mmn_study_rows_of(rows, i) + sizeof(mmn_row), 0,
               rows->row_size - sizeof(mmn_row));
    mmn_blocks_free(&rows->blocks);
    rows->sample = (mmn_row_sample){0};
}

/* ---- Opening --------------------------------------------------------------------------------- */

mmn_status mmn_study_rows_check(const mmn_rows_options *asked, mmn_error *error)
{
    MMN_TRY(mmn_shard_check(asked->shard, asked->shards, error));
    MMN_GIVEN_TEXTS(error, "part", asked->part_count, asked->parts);
    MMN_GIVEN_TEXTS(error, "argument", asked->argument_count, asked->arguments);
    if (asked->shards > 0 && !asked->plan && (!asked->file || asked->part_count > 0))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "a shard makes rows from samples, and needs the name of their file");
    if (asked->ranks && asked->ranks->count > 1 && asked->shards > 0)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "several processes divide all samples among themselves, and not those of "
                        "a shard");
    if (asked->ranks && asked->ranks->count > 1 && (!asked->file || asked->part_count > 0))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "several processes make rows from samples, and need the name of their "
                        "file");
    return MMN_OK;
}

/* Opens a part, which must be finished, of the same run, and there once. */
static mmn_status open_part(mmn_study_rows *rows, mmn_rows_file *file, mmn_shards *shards,
                            const char *header, mmn_error *error)
{
    MMN_TRY(mmn_rows_same_run(file, header, error));
    if (!mmn_rows_file_finished(file))
        return mmn_fail(error, MMN_INPUT, file->path, NULL,
                        "these are the rows of an unfinished run; let that run finish first");
    MMN_TRY(mmn_shards_take(shards, file->path, file->shard, file->shards, error));
    if (rows->part_count > 0) {
        rows->parts[file->shard - 1] = *file;
        *file = (mmn_rows_file){0};
    }
    return MMN_OK;
}

/* Makes room for all parts, by what the first says: none where more are missing anyway. */
static mmn_status reserve_parts(mmn_study_rows *rows, mmn_shards *shards,
                                const mmn_rows_file *first, size_t given, mmn_error *error)
{
    MMN_TRY(mmn_shards_begin(shards, first->path, first->shards, error));
    if (first->shards > given)
        return MMN_OK;
    MMN_NEED(rows->parts = mmn_allocate(first->shards, sizeof(*rows->parts), error));
    rows->part_count = first->shards;
    return MMN_OK;
}

static mmn_status open_parts(mmn_study_rows *rows, const mmn_rows_options *asked,
                             const char *header, mmn_error *error)
{
    mmn_shards shards = {0};
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < asked->part_count && status == MMN_OK; i++) {
        mmn_rows_file file = {0};
        status = mmn_rows_file_open(&file, asked->parts[i], error);
        if (status == MMN_OK && i == 0)
            status = reserve_parts(rows, &shards, &file, asked->part_count, error);
        if (status == MMN_OK)
            status = open_part(rows, &file, &shards, header, error);
        mmn_rows_file_close(&file);
    }
    if (status == MMN_OK)
        status = mmn_shards_check(&shards, error);
    mmn_shards_free(&shards);
    return status;
}

static mmn_status open_files(mmn_study_rows *rows, const mmn_rows_options *asked,
                             const char *header, mmn_error *error)
{
    const uint32_t shard = asked->shards > 0 ? asked->shard : 1;
    const uint32_t shards = asked->shards > 0 ? asked->shards : 1;
    if (asked->part_count > 0)
        MMN_TRY(open_parts(rows, asked, header, error));
    if (!asked->file)
        return MMN_OK;
    MMN_TRY(mmn_rows_file_take(&rows->file, asked->file, header, error));
    if (rows->file.lock == 0 || (rows->file.shard == shard && rows->file.shards == shards))
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, asked->file, "shard",
                    "these are the rows of shard %" PRIu32 "/%" PRIu32 ", not of %" PRIu32
                    "/%" PRIu32 "; give another name, or remove the file to start again",
                    rows->file.shard, rows->file.shards, shard, shards);
}

mmn_status mmn_study_rows_open(mmn_study_rows *rows, const mmn_rows_options *asked, const char *run,
                               mmn_error *error)
{
    mmn_text header = {0};
    mmn_status status = mmn_rows_header(&header, run, asked->shards > 0 ? asked->shard : 1,
                                        asked->shards > 0 ? asked->shards : 1, asked->arguments,
                                        asked->argument_count, error);
    if (status == MMN_OK)
        status = open_files(rows, asked, header.text, error);
    mmn_text_free(&header);
    return status;
}

void mmn_study_rows_close(mmn_study_rows *rows)
{
    if (rows->file.lock > 0)
        mmn_rows_file_sync(&rows->file, NULL);
    mmn_rows_file_close(&rows->file);
    for (size_t i = 0; i < rows->part_count; i++)
        mmn_rows_file_close(&rows->parts[i]);
    mmn_free(rows->parts);
    mmn_text_free(&rows->text);
    mmn_blocks_free(&rows->blocks);
    mmn_free(rows->rows);
    *rows = (mmn_study_rows){0};
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Reads one row of the sample. */
static mmn_status read_row(mmn_study_rows *rows, mmn_rows_file *file, size_t run,
                           const mmn_planned_sample *planned, mmn_error *error)
{
    mmn_row *row = mmn_study_rows_of(rows, run);
    mmn_reader reader = {.error = error};
    json_t *document;
    rows->text.length = 0;
    mmn_row_add_key(&rows->text, row, rows->plan, rows->samples, planned);
    MMN_TRY(mmn_text_status(&rows->text, error));
    MMN_TRY(mmn_rows_file_next(&document, file, rows->text.text, error));
    const mmn_object line = mmn_read_document(&reader, document, file->path);
    mmn_row_read(row, &rows->sample, &line, rows->columns, &rows->blocks);
    json_decref(document);
    return reader.status;
}

static mmn_status read_sample(mmn_study_rows *rows, mmn_rows_file *file,
                              const mmn_planned_sample *planned, mmn_error *error)
{
    for (size_t run = mmn_plan_next(rows->plan, 0, planned->domain); run < rows->plan->run_count;
         run = mmn_plan_next(rows->plan, run + 1, planned->domain))
        MMN_TRY(read_row(rows, file, run, planned, error));
    return MMN_OK;
}

size_t mmn_study_rows_count(const mmn_study_rows *rows, const mmn_planned_sample *planned)
{
    size_t count = 0;
    for (size_t run = mmn_plan_next(rows->plan, 0, planned->domain); run < rows->plan->run_count;
         run = mmn_plan_next(rows->plan, run + 1, planned->domain))
        count++;
    return count;
}

mmn_status mmn_study_rows_again(mmn_study_rows *rows, mmn_error *error)
{
    rows->kept = 0;
    return rows->file.lock > 0 ? mmn_rows_file_again(&rows->file, error) : MMN_OK;
}

/* The sample's rows, if the file that rows are added to has them. What is wrong with the last
 * sample there came of a sudden end, and is removed; before that it is an error. */
static mmn_status find_own(mmn_study_rows *rows, const mmn_planned_sample *planned, bool *found,
                           mmn_error *error)
{
    mmn_rows_file *file = &rows->file;
    const size_t at = file->at;
    const uint64_t line = file->line;
    mmn_error problem = {0};
    if (at == file->size)
        return MMN_OK;
    const mmn_status status = read_sample(rows, file, planned, &problem);
    *found = status == MMN_OK;
    rows->found_in = file->path;
    rows->kept += *found;
    if (status == MMN_INPUT) {
        file->at = at;
        file->line = line;
        if (mmn_rows_file_lines_left(file) <= mmn_study_rows_count(rows, planned)) {
            mmn_study_rows_clear(rows);
            return mmn_rows_file_cut(file, error);
        }
    }
    if (status != MMN_OK && error)
        *error = problem;
    return status;
}

mmn_status mmn_study_rows_find(mmn_study_rows *rows, const mmn_planned_sample *planned, bool *found,
                               mmn_error *error)
{
    *found = false;
    if (rows->file.path)
        MMN_TRY(find_own(rows, planned, found, error));
    if (rows->part_count == 0)
        return MMN_OK;
    /* A part is read in its order, whatever else has its rows. */
    const bool kept = *found;
    mmn_rows_file *part = &rows->parts[planned->number % rows->part_count];
    mmn_study_rows_clear(rows);
    MMN_TRY(read_sample(rows, part, planned, error));
    *found = true;
    rows->found_in = part->path;
    return kept ? MMN_OK : mmn_study_rows_keep(rows, planned, error);
}

/* ---- Writing --------------------------------------------------------------------------------- */

mmn_status mmn_study_rows_lines(mmn_study_rows *rows, const mmn_planned_sample *planned,
                                mmn_error *error)
{
    mmn_text *text = &rows->text;
    text->length = 0;
    for (size_t run = mmn_plan_next(rows->plan, 0, planned->domain); run < rows->plan->run_count;
         run = mmn_plan_next(rows->plan, run + 1, planned->domain)) {
        const mmn_row *row = mmn_study_rows_of(rows, run);
        const size_t start = text->length;
        mmn_row_add_key(text, row, rows->plan, rows->samples, planned);
        MMN_TRY(mmn_row_add_values(text, row, &rows->sample, rows->columns, error));
        mmn_rows_line_end(text, start);
    }
    return mmn_text_status(text, error);
}

mmn_status mmn_study_rows_add(mmn_study_rows *rows, const char *lines, size_t size,
                              mmn_error *error)
{
    MMN_TRY(mmn_rows_file_append(&rows->file, lines, size, error));
    rows->kept++;
    return MMN_OK;
}

mmn_status mmn_study_rows_keep(mmn_study_rows *rows, const mmn_planned_sample *planned,
                               mmn_error *error)
{
    if (!rows->file.path)
        return MMN_OK;
    MMN_TRY(mmn_study_rows_lines(rows, planned, error));
    return mmn_study_rows_add(rows, rows->text.text, rows->text.length, error);
}

mmn_status mmn_study_rows_finish(mmn_study_rows *rows, mmn_error *error)
{
    mmn_rows_file *file = &rows->file;
    for (size_t i = 0; i < rows->part_count; i++)
        if (mmn_rows_file_lines_left(&rows->parts[i]) != 1)
            return mmn_fail(error, MMN_INPUT, rows->parts[i].path, NULL,
                            "has more rows than the run");
    if (!file->path || mmn_rows_file_finished(file))
        return MMN_OK;
    if (mmn_rows_file_lines_left(file) > 1)
        return mmn_fail(error, MMN_INPUT, file->path,
                        MMN_PLACE("line %" PRIu64 ", byte %zu", file->line + 1, file->at),
                        "has more rows than the run");
    MMN_TRY(mmn_rows_file_cut(file, error));
    return mmn_rows_file_finish(file, rows->kept, error);
}
