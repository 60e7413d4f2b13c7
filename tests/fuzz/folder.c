/* The folder of files that a fuzz target's reader opens. */
#include "tests/fuzz/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 1024, NAME_SIZE = 256, PATHS = 32 };

static char folder[PATH_SIZE];
static pid_t owner; /* a forked process must not remove its parent's */

/* Calls `use` with the path of each file in a folder, and the file's name. */
static void for_each_file(const char *path, void (*use)(const char *path, const char *name))
{
    DIR *open = opendir(path);
    const struct dirent *entry;
    while (open && (entry = readdir(open))) {
        char file[PATH_SIZE + NAME_SIZE];
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            use(file, entry->d_name);
    }
    if (open)
        closedir(open);
}

static void remove_file(const char *path, const char *name)
{
    (void)name;
    unlink(path);
}

void mmn_fuzz_empty_folder(void)
{
    if (folder[0] != '\0' && getpid() == owner)
        for_each_file(folder, remove_file);
}

void mmn_fuzz_remove_folder(void)
{
    if (folder[0] == '\0' || getpid() != owner)
        return;
    mmn_fuzz_empty_folder();
    rmdir(folder);
    folder[0] = '\0';
}

const char *mmn_fuzz_path(const char *name)
{
    static struct {
        char name[NAME_SIZE], path[PATH_SIZE + NAME_SIZE];
    } known[PATHS];
    if (folder[0] == '\0') {
        const char *temporary = getenv("TMPDIR");
        snprintf(folder, sizeof(folder), "%s/mmneuron-fuzz-XXXXXX",
                 temporary && temporary[0] ? temporary : "/tmp");
        if (!mkdtemp(folder))
            abort();
        owner = getpid();
        atexit(mmn_fuzz_remove_folder);
    }
    for (int i = 0; i < PATHS; i++) {
        if (known[i].path[0] == '\0' || strncmp(known[i].path, folder, strlen(folder)) != 0) {
            snprintf(known[i].name, NAME_SIZE, "%s", name);
            snprintf(known[i].path, sizeof(known[i].path), "%s/%s", folder, name);
        }
        if (strcmp(known[i].name, name) == 0)
            return known[i].path;
    }
    abort();
}

void mmn_fuzz_take(const char *name)
{
    unlink(mmn_fuzz_path(name));
}

/* What stood there, which may be a link into the source, is removed and not written to. */
void mmn_fuzz_put(const char *name, const void *data, size_t size)
{
    const char *path = mmn_fuzz_path(name);
    unlink(path);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (file < 0 || write(file, data, size) != (ssize_t)size)
        abort();
    close(file);
}

static void link_file(const char *path, const char *name)
{
    const char *link = mmn_fuzz_path(name);
    unlink(link);
    if (symlink(path, link) != 0)
        abort();
}

void mmn_fuzz_link(const char *source)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), MMN_SOURCE_DIR "/%s", source);
    for_each_file(path, link_file);
}
