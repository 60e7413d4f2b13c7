/* Scratch: files that are not kept. */
#include "base/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

/* Makes a file and opens it. */
static mmn_status make(int *descriptor, char **path, mmn_error *error)
{
    const char *parent = getenv("TMPDIR");
    parent = parent && *parent ? parent : "/tmp";
    MMN_TRY(mmn_path_join(path, parent, "mmneuron-XXXXXX", error));
    *descriptor = mkstemp(*path);
    if (*descriptor >= 0)
        return MMN_OK;
    mmn_free(*path);
    *path = NULL;
    return mmn_fail(error, MMN_SYSTEM, parent, NULL,
                    "no temporary file can be made in this folder: %s", strerror(errno));
}

mmn_status mmn_scratch_file(char **path, mmn_error *error)
{
    int descriptor;
    MMN_TRY(make(&descriptor, path, error));
    close(descriptor);
    return MMN_OK;
}

/* Blocks are taken now, so that a full disk is an error here and not a signal later. */
static mmn_status map(void **data, int descriptor, size_t size, const char *path, mmn_error *error)
{
    const int problem = posix_fallocate(descriptor, 0, (off_t)size);
    if (problem != 0)
        return mmn_fail(error, MMN_SYSTEM, path, NULL, "a temporary file of %zu bytes: %s", size,
                        strerror(problem));
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (mapped == MAP_FAILED)
        return mmn_fail(error, MMN_SYSTEM, path, NULL, "cannot be mapped: %s", strerror(errno));
    *data = mapped;
    return MMN_OK;
}

mmn_status mmn_scratch_map(void **data, size_t size, mmn_error *error)
{
    int descriptor;
    char *path;
    *data = NULL;
    MMN_TRY(make(&descriptor, &path, error));
    unlink(path);
    const mmn_status status = map(data, descriptor, size, path, error);
    close(descriptor);
    mmn_free(path);
    return status;
}

void mmn_scratch_unmap(void *data, size_t size)
{
    if (data)
        munmap(data, size);
}
