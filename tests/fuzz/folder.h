/* A folder of files, for fuzz targets whose reader opens what it reads. */
#ifndef TESTS_FUZZ_FOLDER_H
#define TESTS_FUZZ_FOLDER_H

#include <stddef.h>

/* The path of a file in the process's own folder, or of that ("."), which is made at first and
 * removed with its files by mmn_fuzz_remove_folder or when the process exits. Holds as long as
 * the folder. */
const char *mmn_fuzz_path(const char *name);
void mmn_fuzz_empty_folder(void);
void mmn_fuzz_remove_folder(void);

/* Makes it hold a file of these bytes; no such file. */
void mmn_fuzz_put(const char *name, const void *data, size_t size);
void mmn_fuzz_take(const char *name);

/* Makes it hold what a folder of the source does, as links. */
void mmn_fuzz_link(const char *folder);

#endif
