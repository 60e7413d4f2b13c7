/* Files: mapping and reading whole files, and output that appears complete or not at all. */
#ifndef MMN_BASE_FILE_H
#define MMN_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* What tells a file that was opened from what lies under its name later: two files, or one before
 * and after a change, differ in it. Times are seconds and nanoseconds. */
typedef struct mmn_file_identity {
    uint64_t device, inode, size;
    int64_t modified[2], changed[2];
} mmn_file_identity;

/* MMN_INPUT if `path` is no longer the file it was, which has been edited, replaced or removed:
 * what was computed from its bytes is then of nobody knows which of them. */
mmn_status mmn_file_unchanged(const mmn_file_identity *identity, const char *path,
                              mmn_error *error);

/* The bytes of a file, mapped read-only. `data` is page-aligned; NULL for an empty file. Where
 * another program shortens the file while it is mapped, accesses behind its end raise SIGBUS. */
typedef struct mmn_mapping {
    const uint8_t *data;
    size_t size;
    mmn_file_identity identity;
} mmn_mapping;

/* Maps the regular file `path`. MMN_SYSTEM when it cannot be opened or mapped. */
mmn_status mmn_map_file(mmn_mapping *mapping, const char *path, mmn_error *error);
/* Leaves the mapping empty; may be called on an empty one. */
void mmn_unmap(mmn_mapping *mapping);

/* As mmn_read_file; *identity is that of the file before it was read. */
mmn_status mmn_read_identified(char **text, size_t *size, mmn_file_identity *identity,
                               const char *path, size_t limit, mmn_error *error);

/* Reads a whole regular file into memory that mmn_free frees, with a terminating zero that *size
 * does not count; `size` may be NULL. MMN_INPUT when the file is larger than `limit` bytes,
 * MMN_SYSTEM when it cannot be read. */
mmn_status mmn_read_file(char **text, size_t *size, const char *path, size_t limit,
                         mmn_error *error);

/* Whether there is a file `path`, for files that may be left out. It is absent only where its
 * folder has no such name. What is there and cannot be read is an error that names it, as when it
 * is read: a link that points nowhere or to itself, a folder, a file without permission. */
mmn_status mmn_find_file(bool *found, const char *path, mmn_error *error);
/* *path is that of the file `name` in `folder`, freed with mmn_free, or NULL where it is absent. */
mmn_status mmn_find_in_folder(char **path, const char *folder, const char *name, mmn_error *error);
/* Whether `path` can be found and is a folder. */
bool mmn_is_folder(const char *path);

/* "folder/name", freed with mmn_free; `name` alone if it is absolute or `folder` is "". */
mmn_status mmn_path_join(char **path, const char *folder, const char *name, mmn_error *error);
/* The folder that `path` lies in ("." for a bare name), freed with mmn_free. */
mmn_status mmn_path_folder(char **folder, const char *path, mmn_error *error);

/* The last part of `path`: what follows its last '/'. */
const char *mmn_path_name(const char *path);
/* The path of a file that belongs to `path` and lies beside it: its name with `suffix`, of at most
 * 31 bytes. A name that is too long for that in its folder is cut, and gets a digest of the whole,
 * the same each time. Freed with mmn_free. */
mmn_status mmn_path_beside(char **beside, const char *path, const char *suffix, mmn_error *error);

/* Whether both paths lead to one file, by whatever links and names. */
bool mmn_is_same_file(const char *path, const char *other);

/* Locks an open file against other processes until it is closed. False when another has it locked;
 * true where the file system has no locks. */
bool mmn_lock_file(int descriptor);

/* Whether `path` is a regular file inside `folder` or a folder of it, all links followed. */
bool mmn_path_is_inside(const char *path, const char *folder);

/* A file being written under another name in the same folder, "NAME.PROCESS-NUMBER.partial",
 * locked. Until mmn_writer_commit has succeeded, `path` is whatever it was before; afterwards it is
 * complete and on the disk, whatever interrupts the program. */
typedef struct mmn_writer mmn_writer;

mmn_status mmn_writer_open(mmn_writer **writer, const char *path, mmn_error *error);
/* Appends; an error here or earlier makes commit fail too. */
mmn_status mmn_writer_write(mmn_writer *writer, const void *data, size_t size, mmn_error *error);
/* Syncs, renames to `path` and syncs the folder. Frees the writer, also on failure, when nothing
 * is left behind. */
mmn_status mmn_writer_commit(mmn_writer *writer, mmn_error *error);
/* Removes what was written and frees the writer; NULL is allowed. */
void mmn_writer_abandon(mmn_writer *writer);

/* The three in one: `path` becomes exactly these bytes, or stays as it was. */
mmn_status mmn_write_file(const char *path, const void *data, size_t size, mmn_error *error);

#endif
