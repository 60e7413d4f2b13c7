/* The files of a run's rows: the one that they are added to, and those of its parts. */
#include "study/rows_files.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/memory.h"
#include "count/shards.h"

/* ---- Opening --------------------------------------------------------------------------------- */

mmn_status mmn_rows_options_check(const mmn_rows_options *asked, mmn_error *error)
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
static mmn_status open_part(mmn_rows_files *files, mmn_rows_file *file, mmn_shards *shards,
                            const char *header, mmn_error *error)
{
    MMN_TRY(mmn_rows_same_run(file, header, error));
    if (!mmn_rows_file_finished(file))
        return mmn_fail(error, MMN_INPUT, file->path, NULL,
                        "these are the rows of an unfinished run; let that run finish first");
    MMN_TRY(mmn_shards_take(shards, file->path, file->shard, file->shards, error));
    if (files->part_count > 0) {
        files->parts[file->shard - 1] = *file;
        *file = (mmn_rows_file){0};
    }
    return MMN_OK;
}

/* Makes room for all parts, by what the first says: none where more are missing anyway. */
static mmn_status reserve_parts(mmn_rows_files *files, mmn_shards *shards,
                                const mmn_rows_file *first, size_t given, mmn_error *error)
{
    MMN_TRY(mmn_shards_begin(shards, first->path, first->shards, error));
    if (first->shards > given)
        return MMN_OK;
    MMN_NEED(files->parts = mmn_allocate(first->shards, sizeof(*files->parts), error));
    files->part_count = first->shards;
    return MMN_OK;
}

static mmn_status open_parts(mmn_rows_files *files, const mmn_rows_options *asked,
                             const char *header, mmn_error *error)
{
    mmn_shards shards = {0};
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < asked->part_count && status == MMN_OK; i++) {
        mmn_rows_file file = {0};
        status = mmn_rows_file_open(&file, asked->parts[i], error);
        if (status == MMN_OK && i == 0)
            status = reserve_parts(files, &shards, &file, asked->part_count, error);
        if (status == MMN_OK)
            status = open_part(files, &file, &shards, header, error);
        mmn_rows_file_close(&file);
    }
    if (status == MMN_OK)
        status = mmn_shards_check(&shards, error);
    mmn_shards_free(&shards);
    return status;
}

static mmn_status open_files(mmn_rows_files *files, const mmn_rows_options *asked,
                             const char *header, mmn_error *error)
{
    const uint32_t shard = asked->shards > 0 ? asked->shard : 1;
    const uint32_t shards = asked->shards > 0 ? asked->shards : 1;
    if (asked->part_count > 0)
        MMN_TRY(open_parts(files, asked, header, error));
    if (!asked->file)
        return MMN_OK;
    MMN_TRY(mmn_rows_file_take(&files->own, asked->file, header, error));
    if (files->own.lock == 0 || (files->own.shard == shard && files->own.shards == shards))
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, asked->file, "shard",
                    "these are the rows of shard %" PRIu32 "/%" PRIu32 ", not of %" PRIu32
                    "/%" PRIu32 "; give another name, or remove the file to start again",
                    files->own.shard, files->own.shards, shard, shards);
}

mmn_status mmn_rows_files_open(mmn_rows_files *files, const mmn_rows_options *asked,
                               const char *run, mmn_error *error)
{
    mmn_text header = {0};
    mmn_status status = mmn_rows_header(&header, run, asked->shards > 0 ? asked->shard : 1,
                                        asked->shards > 0 ? asked->shards : 1, asked->arguments,
                                        asked->argument_count, error);
    if (status == MMN_OK)
        status = open_files(files, asked, header.text, error);
    mmn_text_free(&header);
    return status;
}

void mmn_rows_files_close(mmn_rows_files *files)
{
    if (files->own.lock > 0)
        mmn_rows_file_sync(&files->own, NULL);
    mmn_rows_file_close(&files->own);
    for (size_t i = 0; i < files->part_count; i++)
        mmn_rows_file_close(&files->parts[i]);
    mmn_free(files->parts);
    for (size_t i = 0; i < files->early_count; i++)
        mmn_free(files->early[i].lines);
    mmn_free(files->early);
    *files = (mmn_rows_files){0};
}

/* ---- Reading --------------------------------------------------------------------------------- */

mmn_status mmn_rows_files_again(mmn_rows_files *files, mmn_error *error)
{
    files->kept = 0;
    return files->own.lock > 0 ? mmn_rows_file_again(&files->own, error) : MMN_OK;
}

mmn_rows_place mmn_rows_files_place(const mmn_rows_files *files)
{
    return (mmn_rows_place){files->own.at, files->own.line, files->kept};
}

mmn_status mmn_rows_files_return(mmn_rows_files *files, const mmn_rows_place *place,
                                 mmn_error *error)
{
    MMN_TRY(mmn_rows_files_again(files, error));
    if (place->at == 0) /* there was no file, and all of it is behind the place */
        return MMN_OK;
    files->own.at = place->at;
    files->own.line = place->line;
    files->kept = place->kept;
    return MMN_OK;
}

/* The sample's rows, if the file that rows are added to has them. What is wrong with the last
 * sample there came of a sudden end, and is removed; before that it is an error. */
static mmn_status find_own(mmn_rows_files *files, const mmn_rows_sought *sought, bool *found,
                           mmn_error *error)
{
    mmn_rows_file *file = &files->own;
    const size_t at = file->at;
    const uint64_t line = file->line;
    mmn_error problem = {0};
    if (at == file->size)
        return MMN_OK;
    const mmn_status status = sought->read(sought->context, file, &problem);
    *found = status == MMN_OK;
    files->found_in = file->path;
    files->kept += *found;
    if (status == MMN_INPUT) {
        file->at = at;
        file->line = line;
        if (mmn_rows_file_lines_left(file) <= sought->lines) {
            sought->clear(sought->context);
            return mmn_rows_file_cut(file, error);
        }
    }
    if (status != MMN_OK && error)
        *error = problem;
    return status;
}

mmn_status mmn_rows_files_find(mmn_rows_files *files, const mmn_rows_sought *sought, bool *found,
                               mmn_error *error)
{
    *found = false;
    if (files->own.path)
        MMN_TRY(find_own(files, sought, found, error));
    if (files->part_count == 0)
        return MMN_OK;
    /* A part is read in its order, whatever else has its rows. */
    const bool kept = *found;
    for (size_t i = 0; i < files->part_count; i++) {
        if (!sought->in_all && i != sought->number % files->part_count)
            continue;
        sought->clear(sought->context);
        MMN_TRY(sought->read(sought->context, &files->parts[i], error));
        files->found_in = files->parts[i].path;
    }
    *found = true;
    return kept ? MMN_OK : sought->keep(sought->context, error);
}

/* ---- Writing --------------------------------------------------------------------------------- */

mmn_status mmn_rows_files_add(mmn_rows_files *files, const char *lines, size_t size,
                              mmn_error *error)
{
    MMN_TRY(mmn_rows_file_append(&files->own, lines, size, error));
    files->kept++;
    return MMN_OK;
}

/* Where the rows of this sample wait, or early_count. */
static size_t find_early(const mmn_rows_files *files, uint64_t number)
{
    size_t i = 0;
    while (i < files->early_count && files->early[i].number != number)
        i++;
    return i;
}

/* Keeps rows that came before their turn. */
static mmn_status keep_early(mmn_rows_files *files, uint64_t number, const char *lines, size_t size,
                             mmn_error *error)
{
    MMN_TRY(MMN_RESERVE(files->early, files->early_capacity, files->early_count + 1, error));
    mmn_early_rows *early = &files->early[files->early_count];
    *early = (mmn_early_rows){.number = number, .size = size};
    MMN_NEED(early->lines = mmn_copy_bytes(lines, size, error));
    files->early_count++;
    return MMN_OK;
}

mmn_status mmn_rows_files_add_in_turn(mmn_rows_files *files, uint64_t number, const char *lines,
                                      size_t size, mmn_error *error)
{
    size_t i;
    if (number != files->kept)
        return keep_early(files, number, lines, size, error);
    MMN_TRY(mmn_rows_files_add(files, lines, size, error));
    while ((i = find_early(files, files->kept)) < files->early_count) {
        mmn_early_rows *early = &files->early[i];
        MMN_TRY(mmn_rows_files_add(files, early->lines, early->size, error));
        mmn_free(early->lines);
        *early = files->early[--files->early_count];
    }
    return MMN_OK;
}

mmn_status mmn_rows_files_finish(mmn_rows_files *files, mmn_error *error)
{
    mmn_rows_file *file = &files->own;
    for (size_t i = 0; i < files->part_count; i++)
        if (mmn_rows_file_lines_left(&files->parts[i]) != 1)
            return mmn_fail(error, MMN_INPUT, files->parts[i].path, NULL,
                            "has more rows than the run");
    if (!file->path || mmn_rows_file_finished(file))
        return MMN_OK;
    if (mmn_rows_file_lines_left(file) > 1)
        return mmn_fail(error, MMN_INPUT, file->path,
                        MMN_PLACE("line %" PRIu64 ", byte %zu", file->line + 1, file->at),
                        "has more rows than the run");
    MMN_TRY(mmn_rows_file_cut(file, error));
    return mmn_rows_file_finish(file, files->kept, error);
}
