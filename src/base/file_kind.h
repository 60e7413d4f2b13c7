/* Kinds of files: what a file is that is not what was wanted, so that an error can say so. */
#ifndef MMN_BASE_FILE_KIND_H
#define MMN_BASE_FILE_KIND_H

#include "base/error.h"

typedef enum mmn_file_kind {
    MMN_KIND_UNKNOWN,
    MMN_KIND_FOLDER,
    MMN_KIND_MODEL, /* a folder with config.json */

    /* What the program reads and writes. */
    MMN_KIND_LIST,
    MMN_KIND_COUNTS,
    MMN_KIND_STATE, /* of a count */
    MMN_KIND_DELTA,
    MMN_KIND_DUMP,
    MMN_KIND_NEURONS,
    MMN_KIND_EVAL,
    MMN_KIND_PERPLEXITY,
    MMN_KIND_PERTURB,
    MMN_KIND_LENS,
    MMN_KIND_CONTRIB,
    MMN_KIND_OTHER_RESULT,
    MMN_KIND_ROWS,    /* of a study */
    MMN_KIND_RANKING, /* the table that rank writes */

    /* What lies in models' folders. */
    MMN_KIND_WEIGHTS,
    MMN_KIND_CONFIG,
    MMN_KIND_INDEX, /* of weights */

    /* What was saved, downloaded or converted by others. */
    MMN_KIND_ARRAY,        /* JSON: an array of objects */
    MMN_KIND_TEXT,         /* of no other kind */
    MMN_KIND_TEXT_OF_JSON, /* likewise, and may be JSON that was damaged */
    MMN_KIND_PICTURE,
    MMN_KIND_HTML,
    MMN_KIND_LFS,
    MMN_KIND_GGUF,
    MMN_KIND_PICKLE,
    MMN_KIND_ZIP,
    MMN_KIND_GZIP,
    MMN_KIND_PDF,
    MMN_KIND_PARQUET,

    /* What is wanted only. */
    MMN_KIND_SAFETENSORS, /* of any content */
    MMN_KIND_JSON,
    MMN_KIND_RESULT, /* for a report */
    MMN_KINDS
} mmn_file_kind;

/* The kind of the file or folder `path`, by its beginning; MMN_KIND_UNKNOWN when nothing tells. */
mmn_file_kind mmn_file_kind_of(const char *path);

/* For a reader of files of kind `wanted` that failed with `status` on `path`: when that is known to
 * be of another kind the error says which, and what was expected, else it stays. Returns the
 * status. */
mmn_status mmn_file_kind_explain(mmn_error *error, mmn_status status, const char *path,
                                 mmn_file_kind wanted);

#endif
