/* mmneuron/output.h: outputs: places of results, taken before the work and kept from harm.
 *
 * Ownership. An output is its caller's, who releases it, which removes its lock. Paths are copied.
 *
 * Threads. An output is for one thread at a time. */
#ifndef MMNEURON_OUTPUT_H
#define MMNEURON_OUTPUT_H

#include <stddef.h>

#include "mmneuron/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a result is made from. */
typedef enum mmn_source_kind {
    MMN_SOURCE_FILE,
    MMN_SOURCE_MODEL, /* a model's folder: all files of it that a checkpoint consists of */
    MMN_SOURCE_LIST   /* DATA.jsonl, with the pictures and texts that it names */
} mmn_source_kind;

typedef struct mmn_source {
    mmn_source_kind kind;
    const char *path;
} mmn_source;

typedef struct mmn_output_options {
    size_t size;         /* sizeof(mmn_output_options) */
    const char *purpose; /* what shall write it, told to whoever finds it taken; NULL: nothing */
    int folder;          /* whether it is a folder, for several files; it is made if not there */
    const mmn_source *sources; /* none of which it may be */
    size_t source_count;
    const char *const
        *beside; /* further files that will be written, which may be no source either */
    size_t beside_count;
} mmn_output_options;

typedef struct mmn_output mmn_output;

/* Takes the output `path` before the work whose result shall go there: proves that it can be
 * written, by writing a lock beside it; refuses it, MMN_USAGE, where it is one of the sources by
 * whatever name, and, MMN_SYSTEM, where another run that has taken it is still at work, on this
 * machine or on another that locks files of the same file system; and removes temporary files of
 * runs that were killed. The error names the folder where that refuses. `options` may be NULL. A
 * killed run's lock is open. */
MMN_API mmn_status mmn_output_claim(mmn_output **output, const char *path,
                                    const mmn_output_options *options, mmn_error *error);
/* The lock, for whoever ends without mmn_output_release, as a signal's handler does, and would
 * remove it. A folder's is in it. NULL of NULL. */
MMN_API const char *mmn_output_lock_file(const mmn_output *output);
/* Removes the lock; NULL is allowed. */
MMN_API void mmn_output_release(mmn_output *output);

/* For a result that could not be written to `path`: writes its text to a file of the same name in a
 * new folder of TMPDIR, /tmp, /var/tmp, HOME or /dev/shm. *place is that file, freed with
 * mmn_release, or NULL. */
MMN_API mmn_status mmn_keep_elsewhere(char **place, const char *path, const char *text,
                                      mmn_error *error);

#ifdef __cplusplus
}
#endif

#endif
