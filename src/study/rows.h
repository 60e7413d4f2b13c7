/* The rows of a study: those of the sample at hand, kept in files and found there again. */
#ifndef MMN_STUDY_ROWS_H
#define MMN_STUDY_ROWS_H

#include "study/row.h"
#include "study/rows_files.h"

/* Zero-initialise; free with mmn_study_rows_close. */
typedef struct mmn_study_rows {
    /* The study's to set: */
    const mmn_row_column *columns;
    size_t row_size; /* of the struct that begins with an mmn_row */
    const mmn_plan *plan;
    const mmn_samples *samples;

    char *rows;            /* [runs of the plan]: of the sample at hand, those of its domain */
    mmn_row_sample sample; /* of all of them */
    mmn_blocks blocks;     /* what they point to */

    mmn_rows_files files;
    mmn_text text; /* at work */
} mmn_study_rows;

/* Makes room for the rows of a sample, whose runs are those of the plan. `kept` is the study. */
mmn_status mmn_study_rows_begin(mmn_study_rows *rows, void *kept, mmn_error *error);
void mmn_study_rows_close(mmn_study_rows *rows);

/* Row number `run` of the sample at hand. */
mmn_row *mmn_study_rows_of(const mmn_study_rows *rows, size_t run);
/* Begins with a sample: all its rows are zero. */
void mmn_study_rows_clear(mmn_study_rows *rows);
/* Reads the sample's rows where a file has them (mmn_rows_files_find). */
mmn_status mmn_study_rows_find(mmn_study_rows *rows, const mmn_planned_sample *planned, bool *found,
                               mmn_error *error);
/* Adds the sample's rows to the file, if there is one. */
mmn_status mmn_study_rows_keep(mmn_study_rows *rows, const mmn_planned_sample *planned,
                               mmn_error *error);
/* Makes the lines, in rows->text, which mmn_rows_files_add may add elsewhere. */
mmn_status mmn_study_rows_lines(mmn_study_rows *rows, const mmn_planned_sample *planned,
                                mmn_error *error);
/* How many rows the sample has. */
size_t mmn_study_rows_count(const mmn_study_rows *rows, const mmn_planned_sample *planned);

#endif
