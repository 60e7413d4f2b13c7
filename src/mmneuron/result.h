/* mmneuron/result.h: results: what a study has found, as tables.
 *
 * Ownership. A result is its caller's and needs neither its model nor its files. What its functions
 * point to is valid until it is freed; texts that they make are freed with mmn_release.
 *
 * Threads. A result does not change once it is made: any number of threads may use it. */
#ifndef MMNEURON_RESULT_H
#define MMNEURON_RESULT_H

#include <stddef.h>

#include "mmneuron/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a study has found, as a value: it needs neither its model nor its files any more. It
 * consists of tables, whose columns have the names of its JSON's keys where that has them
 * (doc/formats.md): "result" has one row, of what the others were made from and with which
 * settings, and rows of other tables belong to rows of their parents. Its texts are valid until it
 * is freed. */
typedef struct mmn_result mmn_result;

MMN_API void mmn_result_free(mmn_result *result);
/* Reads the JSON that a result was written as: neurons.json, or what eval, perturb, lens or contrib
 * made. What only its table for people, or the table beside it, has is not there, so that it can be
 * written as JSON only. MMN_INPUT when it is no such file. */
MMN_API mmn_status mmn_result_read(mmn_result **result, const char *file, mmn_error *error);
/* Its JSON (doc/formats.md), and a table for people, which a result that was read has not
 * (MMN_USAGE). */
MMN_API mmn_status mmn_result_json(const mmn_result *result, char **text, mmn_error *error);
MMN_API mmn_status mmn_result_table(const mmn_result *result, char **text, mmn_error *error);
/* Writes the JSON to `file`, and beside that of a ranking its table (mmn_ranking_table_file). */
MMN_API mmn_status mmn_result_write(const mmn_result *result, const char *file, mmn_error *error);
/* The names of its tables, and of a table's columns; NULL behind the last. */
MMN_API const char *mmn_result_table_name(const mmn_result *result, size_t index);
MMN_API const char *mmn_result_column_name(const mmn_result *result, const char *table,
                                           size_t index);
/* The table whose rows those of `table` belong to; NULL of "result", and if there is no such. */
MMN_API const char *mmn_result_parent_table(const mmn_result *result, const char *table);

/* What the values of a column are, as far as there are any. */
typedef enum mmn_column_kind {
    MMN_COLUMN_NONE, /* there is no such column */
    MMN_COLUMN_TEXT,
    MMN_COLUMN_JSON,  /* texts that are JSON */
    MMN_COLUMN_WHOLE, /* whole numbers from 0 on */
    MMN_COLUMN_REAL,
    MMN_COLUMN_TRUTH
} mmn_column_kind;

MMN_API mmn_column_kind mmn_result_column_kind(const mmn_result *result, const char *table,
                                               const char *column);
/* How many rows a table has; 0 if there is no such table. */
MMN_API size_t mmn_result_rows(const mmn_result *result, const char *table);
/* The row of its parent that row `row` of a table belongs to. */
MMN_API size_t mmn_result_parent(const mmn_result *result, const char *table, size_t row);
/* A value: a number, or 0 and 1 for false and true; NaN where there is none. A text, or NULL. */
MMN_API double mmn_result_number(const mmn_result *result, const char *table, size_t row,
                                 const char *column);
MMN_API const char *mmn_result_text(const mmn_result *result, const char *table, size_t row,
                                    const char *column);

#ifdef __cplusplus
}
#endif

#endif
