/* A folder of its own for each test that writes, under TMPDIR; it is gone after the test with all
 * that is in it: TestSuite(name, .init = scratch_make, .fini = scratch_remove). */
#ifndef MMN_TESTS_TOOLS_SCRATCH_H
#define MMN_TESTS_TOOLS_SCRATCH_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch[256]; /* the folder's path */

static inline void scratch_make(void)
{
    const char *place = getenv("TMPDIR");
    snprintf(scratch, sizeof(scratch), "%s/mmneuron-test-XXXXXX",
             place && place[0] ? place : "/tmp");
    cr_assert_not_null(mkdtemp(scratch));
}

static inline int scratch_remove_one(const char *path, const struct stat *status, int kind,
                                     struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline void scratch_remove(void)
{
    cr_assert_eq(nftw(scratch, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* The path of a file in it, good until the eighth call from now. */
static inline const char *scratch_path(const char *name)
{
    static char paths[8][1024];
    static size_t next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", scratch, name);
    return path;
}

static inline void scratch_write_bytes(const char *name, const void *data, size_t size)
{
    FILE *file = fopen(scratch_path(name), "wb");
    cr_assert_not_null(file, "%s", name);
    cr_assert_eq(fwrite(data, 1, size, file), size);
    cr_assert_eq(fclose(file), 0);
}

static inline void scratch_write(const char *name, const char *text)
{
    scratch_write_bytes(name, text, strlen(text));
}

/* Puts a link to the file of that name in another folder into it. */
static inline void scratch_link(const char *folder, const char *name)
{
    char from[4096];
    snprintf(from, sizeof(from), "%s/%s", folder, name);
    cr_assert_eq(symlink(from, scratch_path(name)), 0, "%s", from);
}

/* How many files it has whose names do not begin with a dot. */
static inline size_t scratch_count(void)
{
    size_t count = 0;
    DIR *listing = opendir(scratch);
    cr_assert_not_null(listing);
    for (const struct dirent *entry; (entry = readdir(listing));)
        count += entry->d_name[0] != '.';
    closedir(listing);
    return count;
}

#endif
