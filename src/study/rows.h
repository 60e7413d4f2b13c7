/* The rows of a study: those of the sample at hand, and the files that they are kept in and come
 * back from. */
#ifndef MMN_STUDY_ROWS_H
#define MMN_STUDY_ROWS_H

#include "study/row.h"
#include "study/rows_file.h"

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

    mmn_rows_file file; /* that they are added to; path NULL: none */
    mmn_rows_file *parts;
    size_t part_count;
    uint64_t kept;        /* samples in the file */
    const char *found_in; /* the file that those of the sample at hand were read from */
    mmn_text text;        /* at work */
} mmn_study_rows;

/* Whether the options make sense. */
mmn_status mmn_study_rows_check(const mmn_rows_options *asked, mmn_error *error);
/* Makes room for the rows of a sample, whose runs are those of the plan. `kept` is the study. */
mmn_status mmn_study_rows_begin(mmn_study_rows *rows, void *kept, mmn_error *error);
/* Opens the files; `run` are the members of a header that say what run the rows are of. */
mmn_status mmn_study_rows_open(mmn_study_rows *rows, const mmn_rows_options *asked, const char *run,
                               mmn_error *error);
void mmn_study_rows_close(mmn_study_rows *rows);

/* Row number `run` of the sample at hand. */
mmn_row *mmn_study_rows_of(const mmn_study_rows *rows, size_t run);
/* Begins with a sample: all its rows are zero. */
void mmn_study_rows_clear(mmn_study_rows *rows);
/* Reads the sample's rows where a file has them, which is in the order of samples; what is torn or
 * damaged at the end of the file that they are added to is removed. */
mmn_status mmn_study_rows_find(mmn_study_rows *rows, const mmn_planned_sample *planned, bool *found,
                               mmn_error *error);
/* Adds the sample's rows to the file, if there is one. */
mmn_status mmn_study_rows_keep(mmn_study_rows *rows, const mmn_planned_sample *planned,
                               mmn_error *error);
/* The same in two steps, which may be done by two processes: makes the lines, in rows->text; adds
 * a sample's lines. */
mmn_status mmn_study_rows_lines(mmn_study_rows *rows, const mmn_planned_sample *planned,
                                mmn_error *error);
mmn_status mmn_study_rows_add(mmn_study_rows *rows, const char *lines, size_t size,
                              mmn_error *error);
/* How many rows the sample has. */
size_t mmn_study_rows_count(const mmn_study_rows *rows, const mmn_planned_sample *planned);
/* Gets ready to find what is in the file from its beginning. */
mmn_status mmn_study_rows_again(mmn_study_rows *rows, mmn_error *error);
/* Behind the last sample: marks the file as finished. */
mmn_status mmn_study_rows_finish(mmn_study_rows *rows, mmn_error *error);

#endif
