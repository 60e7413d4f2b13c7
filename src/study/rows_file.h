/* Files of rows: lines of JSON that each carry a check value, the first of which says what run the
 * others are of. doc/formats.md describes them. */
#ifndef MMN_STUDY_ROWS_FILE_H
#define MMN_STUDY_ROWS_FILE_H

#include "base/file.h"
#include "base/reader.h"
#include "base/text_buffer.h"

#define MMN_ROWS_FORMAT "mmneuron-rows-1"

/* Zero-initialise; free with mmn_rows_file_close, after a failure too. */
typedef struct mmn_rows_file {
    const char *path; /* the caller's */
    mmn_mapping mapping;
    size_t size, at; /* of the mapping: bytes that count, and of them those that have been read */
    uint64_t line;   /* how many lines these are */
    uint32_t shard, shards;

    /* Of a file that is written: */
    char *header; /* its first line, until there is a file */
    int lock;     /* its descriptor + 1; 0: it is only read, or is not there yet */
    uint64_t written;
    double synced; /* when it was last */
    bool unsynced;
} mmn_rows_file;

/* Ends a line that began at byte `start` of the text: adds its check value, "}" and a line end. */
void mmn_rows_line_end(mmn_text *text, size_t start);

/* The first line of a file: `run` are the members that say of which run it is. */
mmn_status mmn_rows_header(mmn_text *text, const char *run, uint32_t shard, uint32_t shards,
                           const char *const *arguments, size_t argument_count, mmn_error *error);

/* Opens a file of rows to be read, from the line behind its first. MMN_INPUT when it is none. */
mmn_status mmn_rows_file_open(mmn_rows_file *file, const char *path, mmn_error *error);
/* Opens one that is written, and locks it. It must not belong to another run than `header` says;
 * where there is none it is made with its first rows. */
mmn_status mmn_rows_file_take(mmn_rows_file *file, const char *path, const char *header,
                              mmn_error *error);
/* Reads the next line, which must begin with `key` unless that is NULL; *document is freed with
 * json_decref, and NULL after a failure. MMN_INPUT says what is wrong with it, and where. */
mmn_status mmn_rows_file_next(json_t **document, mmn_rows_file *file, const char *key,
                              mmn_error *error);
/* How many lines are left, the last of which may be torn. */
size_t mmn_rows_file_lines_left(const mmn_rows_file *file);
/* Whether the last line says that the run was finished. */
bool mmn_rows_file_finished(const mmn_rows_file *file);

/* Of a file that is written: gets ready to read all of it once more. */
mmn_status mmn_rows_file_again(mmn_rows_file *file, mmn_error *error);
/* Removes what is left, of a file that is written. */
mmn_status mmn_rows_file_cut(mmn_rows_file *file, mmn_error *error);
/* Adds lines, all or none of them, and sees to it now and then that they are on the disk. */
mmn_status mmn_rows_file_append(mmn_rows_file *file, const char *lines, size_t size,
                                mmn_error *error);
/* Adds the last line. */
mmn_status mmn_rows_file_finish(mmn_rows_file *file, uint64_t samples, mmn_error *error);
/* Sees to it that everything is on the disk. */
mmn_status mmn_rows_file_sync(mmn_rows_file *file, mmn_error *error);
void mmn_rows_file_close(mmn_rows_file *file);

/* Whether the file's first line is of the run that `header` is of, whatever the shards; if not,
 * MMN_INPUT says how they differ. */
mmn_status mmn_rows_same_run(const mmn_rows_file *file, const char *header, mmn_error *error);

#endif
