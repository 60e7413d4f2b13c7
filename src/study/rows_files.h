/* The files of a run's rows: the one that they are added to, and those of the run's parts that they
 * come back from. What has rows is called a sample here, whatever it is. */
#ifndef MMN_STUDY_ROWS_FILES_H
#define MMN_STUDY_ROWS_FILES_H

#include "mmneuron/study.h"
#include "study/rows_file.h"

/* Rows that came before their turn. */
typedef struct mmn_early_rows {
    uint64_t number;
    char *lines;
    size_t size;
} mmn_early_rows;

/* Zero-initialise; free with mmn_rows_files_close. */
typedef struct mmn_rows_files {
    mmn_rows_file own; /* that rows are added to; path NULL: none */
    mmn_rows_file *parts;
    size_t part_count;
    uint64_t kept;        /* samples in `own` */
    const char *found_in; /* the file that the sample at hand was read from */
    mmn_early_rows *early;
    size_t early_count, early_capacity;
} mmn_rows_files;

/* Whether the options make sense. */
mmn_status mmn_rows_options_check(const mmn_rows_options *asked, mmn_error *error);
/* Opens the files; `run` are the members of a header that say what run the rows are of. */
mmn_status mmn_rows_files_open(mmn_rows_files *files, const mmn_rows_options *asked,
                               const char *run, mmn_error *error);
void mmn_rows_files_close(mmn_rows_files *files);

/* A sample whose rows are looked for. */
typedef struct mmn_rows_sought {
    void *context;
    size_t lines; /* how many rows it has */
    bool in_all;  /* whether every part has them, else part `number` modulo their count, from 0 */
    uint64_t number; /* from 0 */
    /* Forgets what was read; reads them all from a file; adds their lines to `own`. */
    void (*clear)(void *context);
    mmn_status (*read)(void *context, mmn_rows_file *file, mmn_error *error);
    mmn_status (*keep)(void *context, mmn_error *error);
} mmn_rows_sought;

/* Reads a sample's rows where a file has them, which is in the order of samples; what is torn or
 * damaged at the end of the file that they are added to is removed. */
mmn_status mmn_rows_files_find(mmn_rows_files *files, const mmn_rows_sought *sought, bool *found,
                               mmn_error *error);
/* Adds a sample's lines to `own`. */
mmn_status mmn_rows_files_add(mmn_rows_files *files, const char *lines, size_t size,
                              mmn_error *error);
/* The same for sample number `number`, once all before it are there. */
mmn_status mmn_rows_files_add_in_turn(mmn_rows_files *files, uint64_t number, const char *lines,
                                      size_t size, mmn_error *error);
/* Gets ready to find what is in `own` from its beginning. */
mmn_status mmn_rows_files_again(mmn_rows_files *files, mmn_error *error);
/* How far `own` has been read; gets ready to find what is behind that. */
typedef struct mmn_rows_place {
    size_t at;
    uint64_t line, kept;
} mmn_rows_place;
mmn_rows_place mmn_rows_files_place(const mmn_rows_files *files);
mmn_status mmn_rows_files_return(mmn_rows_files *files, const mmn_rows_place *place,
                                 mmn_error *error);
/* Behind the last sample: marks `own` as finished. */
mmn_status mmn_rows_files_finish(mmn_rows_files *files, mmn_error *error);

#endif
