/* Atomic output: a file that appears complete or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

struct mmn_writer {
    char *path, *temporary;
    int descriptor;
    int failure; /* errno of the first write that failed, or 0 */
};

static void free_writer(mmn_writer *writer)
{
    mmn_free(writer->path);
    mmn_free(writer->temporary);
    mmn_free(writer);
}

/* Creates a new file next to `path`, and locks it: one that is not locked was left by a run that was
 * killed. Names that are taken are passed over. The message says which folder it is that refuses. */
static mmn_status create_temporary(mmn_writer *writer, mmn_error *error)
{
    for (int attempt = 0; attempt < 1000; attempt++) {
        char suffix[48];
        snprintf(suffix, sizeof(suffix), ".%ld-%d.partial", (long)getpid(), attempt);
        mmn_free(writer->temporary);
        MMN_TRY(mmn_path_beside(&writer->temporary, writer->path, suffix, error));
        writer->descriptor =
            open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)0666);
        struct stat created;
        if (writer->descriptor >= 0 && mmn_lock_file(writer->descriptor) &&
            fstat(writer->descriptor, &created) == 0 && created.st_nlink > 0)
            return MMN_OK;
        if (writer->descriptor >= 0)
            close(writer->descriptor); /* taken for an abandoned one and removed before the lock */
        else if (errno != EEXIST)
            break;
    }
    return mmn_fail_system(error, errno, writer->path, "cannot be written in its folder");
}

mmn_status mmn_writer_open(mmn_writer **writer, const char *path, mmn_error *error)
{
    *writer = NULL;
    struct stat existing;
    if (stat(path, &existing) == 0 && !S_ISREG(existing.st_mode))
        return mmn_fail(error, MMN_USAGE, path, NULL,
                        "cannot be written to: it exists and is not a regular file");
    mmn_writer *opened = mmn_allocate(1, sizeof(*opened), error);
    MMN_NEED(opened);
    mmn_status status = MMN_SYSTEM;
    /* Where a link leads, a file is written there: the link stays. */
    char real[PATH_MAX];
    bool link = lstat(path, &existing) == 0 && S_ISLNK(existing.st_mode);
    if (link && !realpath(path, real))
        status = mmn_fail_system(error, errno, path, "is a link that cannot be followed");
    else
        opened->path = mmn_copy_text(link ? real : path, error);
    if (opened->path)
        status = create_temporary(opened, error);
    if (status != MMN_OK) {
        free_writer(opened);
        return status;
    }
    *writer = opened;
    return MMN_OK;
}

mmn_status mmn_writer_write(mmn_writer *writer, const void *data, size_t size, mmn_error *error)
{
    const char *from = data;
    while (size > 0 && writer->failure == 0) {
        ssize_t count = write(writer->descriptor, from, size);
        if (count < 0 && errno != EINTR)
            writer->failure = errno;
        if (count > 0) {
            from += count;
            size -= (size_t)count;
        }
    }
    if (writer->failure != 0)
        return mmn_fail_system(error, writer->failure, writer->path, "cannot write");
    return MMN_OK;
}

/* Makes the renaming itself durable. File systems that cannot sync a folder say EINVAL. */
static mmn_status sync_folder(const char *path, mmn_error *error)
{
    char *folder;
    mmn_status status = mmn_path_folder(&folder, path, error);
    if (status != MMN_OK)
        return status;
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0 || (fsync(descriptor) != 0 && errno != EINVAL))
        status = mmn_fail_system(error, errno, folder, "cannot sync the folder");
    if (descriptor >= 0)
        close(descriptor);
    mmn_free(folder);
    return status;
}

mmn_status mmn_writer_commit(mmn_writer *writer, mmn_error *error)
{
    int failure = writer->failure;
    if (failure == 0 && fsync(writer->descriptor) != 0)
        failure = errno;
    if (close(writer->descriptor) != 0 && failure == 0)
        failure = errno;
    if (failure == 0 && rename(writer->temporary, writer->path) != 0)
        failure = errno;
    mmn_status status;
    if (failure == 0) {
        status = sync_folder(writer->path, error);
    } else {
        status = mmn_fail_system(error, failure, writer->path, "cannot write");
        unlink(writer->temporary);
    }
    free_writer(writer);
    return status;
}

void mmn_writer_abandon(mmn_writer *writer)
{
    if (!writer)
        return;
    close(writer->descriptor);
    unlink(writer->temporary);
    free_writer(writer);
}

mmn_status mmn_write_file(const char *path, const void *data, size_t size, mmn_error *error)
{
    mmn_writer *writer;
    MMN_TRY(mmn_writer_open(&writer, path, error));
    mmn_status status = mmn_writer_write(writer, data, size, error);
    if (status != MMN_OK) {
        mmn_writer_abandon(writer);
        return status;
    }
    return mmn_writer_commit(writer, error);
}
