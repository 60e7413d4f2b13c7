/* The rows of a study: those of the sample at hand, kept in files and found there again. */
#include "study/rows.h"

#include <string.h>

#include "base/error.h"

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

void mmn_study_rows_close(mmn_study_rows *rows)
{
    mmn_rows_files_close(&rows->files);
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

/* A sample that is looked for. */
typedef struct seeking {
    mmn_study_rows *rows;
    const mmn_planned_sample *planned;
} seeking;

/* Of mmn_rows_sought. */
static mmn_status read_sample(void *context, mmn_rows_file *file, mmn_error *error)
{
    mmn_study_rows *rows = ((const seeking *)context)->rows;
    const mmn_planned_sample *planned = ((const seeking *)context)->planned;
    for (size_t run = mmn_plan_next(rows->plan, 0, planned->domain); run < rows->plan->run_count;
         run = mmn_plan_next(rows->plan, run + 1, planned->domain))
        MMN_TRY(read_row(rows, file, run, planned, error));
    return MMN_OK;
}

/* Of mmn_rows_sought. */
static void clear_sample(void *context)
{
    mmn_study_rows_clear(((const seeking *)context)->rows);
}

/* Of mmn_rows_sought. */
static mmn_status keep_sample(void *context, mmn_error *error)
{
    const seeking *at = context;
    return mmn_study_rows_keep(at->rows, at->planned, error);
}

size_t mmn_study_rows_count(const mmn_study_rows *rows, const mmn_planned_sample *planned)
{
    size_t count = 0;
    for (size_t run = mmn_plan_next(rows->plan, 0, planned->domain); run < rows->plan->run_count;
         run = mmn_plan_next(rows->plan, run + 1, planned->domain))
        count++;
    return count;
}

mmn_status mmn_study_rows_find(mmn_study_rows *rows, const mmn_planned_sample *planned, bool *found,
                               mmn_error *error)
{
    seeking at = {rows, planned};
    const mmn_rows_sought sought = {.context = &at,
                                    .lines = mmn_study_rows_count(rows, planned),
                                    .number = planned->number,
                                    .clear = clear_sample,
                                    .read = read_sample,
                                    .keep = keep_sample};
    return mmn_rows_files_find(&rows->files, &sought, found, error);
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

mmn_status mmn_study_rows_keep(mmn_study_rows *rows, const mmn_planned_sample *planned,
                               mmn_error *error)
{
    if (!rows->files.own.path)
        return MMN_OK;
    MMN_TRY(mmn_study_rows_lines(rows, planned, error));
    return mmn_rows_files_add(&rows->files, rows->text.text, rows->text.length, error);
}
