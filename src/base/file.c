/* Files: mapping and reading whole files, paths, and atomic output: a file that appears complete or
 * not at all. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/memory.h"

/* Says why `path` could not be opened. A link whose end is missing, which a half-fetched cache is
 * full of, is not what "No such file or directory" makes people look for. */
static mmn_status fail_to_open(const char *path, int errno_value, mmn_error *error)
{
    struct stat entry;
    if (errno_value == ENOENT && lstat(path, &entry) == 0 && S_ISLNK(entry.st_mode))
        return mmn_fail(error, MMN_SYSTEM, path, NULL,
                        "cannot open: it is a link, and the file that it points to is not there");
    return mmn_fail_system(error, errno_value, path, "cannot open");
}

static mmn_file_identity identify(const struct stat *status)
{
    return (mmn_file_identity){.device = (uint64_t)status->st_dev,
                               .inode = (uint64_t)status->st_ino,
                               .size = (uint64_t)status->st_size,
                               .modified = {status->st_mtim.tv_sec, status->st_mtim.tv_nsec},
                               .changed = {status->st_ctim.tv_sec, status->st_ctim.tv_nsec}};
}

static bool same_time(const int64_t a[2], const int64_t b[2])
{
    return a[0] == b[0] && a[1] == b[1];
}

mmn_status mmn_file_unchanged(const mmn_file_identity *identity, const char *path, mmn_error *error)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return mmn_fail(
            error, MMN_INPUT, path, NULL,
            "was removed, or cannot be looked at, after it was opened; what was computed "
            "is not given out");
    const mmn_file_identity now = identify(&status);
    const char *what = NULL;
    if (now.device != identity->device || now.inode != identity->inode)
        what = "was replaced by another file";
    else if (now.size != identity->size)
        what = "changed its size";
    else if (!same_time(now.modified, identity->modified))
        what = "was written to";
    else if (!same_time(now.changed, identity->changed))
        what = "was changed in its attributes";
    if (!what)
        return MMN_OK;
    return mmn_fail(
        error, MMN_INPUT, path, NULL,
        "%s after it was opened; what was computed may be of the old bytes or the new, and "
        "is not given out",
        what);
}

/* Opens a regular file and tells its size. O_NONBLOCK keeps a named pipe from blocking us before
 * we can see that it is one. */
static mmn_status open_regular(int *descriptor, size_t *size, mmn_file_identity *identity,
                               const char *path, mmn_error *error)
{
    *descriptor = -1;
    if (*path == '\0')
        return mmn_fail(error, MMN_INPUT, NULL, NULL, "a file's name is empty");
    *descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*descriptor < 0)
        return fail_to_open(path, errno, error);
    struct stat status;
    mmn_status result = MMN_OK;
    if (fstat(*descriptor, &status) != 0)
        result = mmn_fail_system(error, errno, path, "cannot look at");
    else if (!S_ISREG(status.st_mode))
        result = mmn_fail(error, MMN_INPUT, path, NULL, "is not a regular file");
    else if ((uintmax_t)status.st_size > (uintmax_t)PTRDIFF_MAX)
        result = mmn_fail(error, MMN_SYSTEM, path, NULL, "is too large for this machine: %jd bytes",
                          (intmax_t)status.st_size);
    if (result != MMN_OK) {
        close(*descriptor);
        return result;
    }
    *size = (size_t)status.st_size;
    *identity = identify(&status);
    return MMN_OK;
}

mmn_status mmn_map_file(mmn_mapping *mapping, const char *path, mmn_error *error)
{
    *mapping = (mmn_mapping){0};
    int descriptor;
    size_t size;
    mmn_file_identity identity;
    mmn_status result = open_regular(&descriptor, &size, &identity, path, error);
    if (result != MMN_OK)
        return result;
    mapping->identity = identity;
    if (size > 0) {
        void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (data == MAP_FAILED)
            result = mmn_fail_system(error, errno, path, "cannot map %zu bytes", size);
        else
            *mapping = (mmn_mapping){.data = data, .size = size, .identity = identity};
    }
    close(descriptor);
    return result;
}

void mmn_unmap(mmn_mapping *mapping)
{
    if (mapping->data)
        munmap((void *)(uintptr_t)mapping->data, mapping->size);
    *mapping = (mmn_mapping){0};
}

/* Reads up to `wanted` bytes, fewer only at the end of the file. */
static mmn_status read_fully(int descriptor, char *to, size_t wanted, size_t *got, const char *path,
                             mmn_error *error)
{
    *got = 0;
    while (*got < wanted) {
        ssize_t count = read(descriptor, to + *got, wanted - *got);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return mmn_fail_system(error, errno, path, "cannot read");
        if (count == 0)
            break;
        *got += (size_t)count;
    }
    return MMN_OK;
}

mmn_status mmn_read_identified(char **text, size_t *size, mmn_file_identity *identity,
                               const char *path, size_t limit, mmn_error *error)
{
    *text = NULL;
    int descriptor;
    size_t file_size, got = 0;
    mmn_status result = open_regular(&descriptor, &file_size, identity, path, error);
    if (result != MMN_OK)
        return result;
    if (file_size > limit)
        result = mmn_fail(error, MMN_INPUT, path, NULL, "has %zu bytes, more than the %zu allowed",
                          file_size, limit);
    else if (!(*text = mmn_allocate(file_size + 1, 1, error)))
        result = MMN_SYSTEM;
    else
        result = read_fully(descriptor, *text, file_size, &got, path, error);
    close(descriptor);
    if (result != MMN_OK) {
        mmn_free(*text);
        *text = NULL;
        return result;
    }
    if (size)
        *size = got;
    return MMN_OK;
}

mmn_status mmn_read_file(char **text, size_t *size, const char *path, size_t limit,
                         mmn_error *error)
{
    mmn_file_identity identity;
    return mmn_read_identified(text, size, &identity, path, limit, error);
}

mmn_status mmn_find_file(bool *found, const char *path, mmn_error *error)
{
    struct stat entry;
    mmn_file_identity identity;
    int descriptor;
    size_t size;
    *found = false;
    if (lstat(path, &entry) != 0 && errno == ENOENT)
        return MMN_OK;
    MMN_TRY(open_regular(&descriptor, &size, &identity, path, error));
    close(descriptor);
    *found = true;
    return MMN_OK;
}

bool mmn_is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

mmn_status mmn_path_join(char **path, const char *folder, const char *name, mmn_error *error)
{
    size_t folder_length = name[0] == '/' ? 0 : strlen(folder), name_length = strlen(name);
    bool separate = folder_length > 0 && folder[folder_length - 1] != '/';
    MMN_NEED(*path = mmn_allocate(folder_length + separate + name_length + 1, 1, error));
    memcpy(*path, folder, folder_length);
    if (separate)
        (*path)[folder_length] = '/';
    memcpy(*path + folder_length + separate, name, name_length);
    return MMN_OK;
}

bool mmn_path_is_inside(const char *path, const char *folder)
{
    char inner[PATH_MAX], outer[PATH_MAX];
    struct stat status;
    if (!realpath(path, inner) || !realpath(folder, outer) || stat(inner, &status) != 0 ||
        !S_ISREG(status.st_mode))
        return false;
    size_t length = strcmp(outer, "/") == 0 ? 0 : strlen(outer);
    return strncmp(inner, outer, length) == 0 && inner[length] == '/';
}

mmn_status mmn_find_in_folder(char **path, const char *folder, const char *name, mmn_error *error)
{
    bool found = false;
    mmn_status status = mmn_path_join(path, folder, name, error);
    if (status == MMN_OK)
        status = mmn_find_file(&found, *path, error);
    if (!found) {
        mmn_free(*path);
        *path = NULL;
    }
    return status;
}

mmn_status mmn_path_folder(char **folder, const char *path, mmn_error *error)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        *folder = mmn_copy_text(".", error);
    else
        *folder = mmn_copy_bytes(path, slash == path ? 1 : (size_t)(slash - path), error);
    return *folder ? MMN_OK : MMN_SYSTEM;
}

const char *mmn_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The longest name in a folder. */
static size_t longest_name(const char *folder)
{
    long longest = pathconf(folder, _PC_NAME_MAX);
    return longest > 0 ? (size_t)longest : NAME_MAX;
}

mmn_status mmn_path_beside(char **beside, const char *path, const char *suffix, mmn_error *error)
{
    enum { SUFFIX = 32, MARK = 16 }; /* bytes kept free for any suffix, and digits of the digest */
    const char *name = mmn_path_name(path);
    size_t length = strlen(name), before = (size_t)(name - path);
    char *folder, mark[MMN_DIGEST_SIZE + 1] = "";
    *beside = NULL;
    MMN_TRY(mmn_path_folder(&folder, path, error));
    size_t longest = longest_name(folder);
    mmn_free(folder);
    if (length + SUFFIX > longest) {
        mark[0] = '~';
        mmn_digest_of(name, length, mark + 1);
        mark[1 + MARK] = '\0';
        size_t kept = longest > SUFFIX + MARK + 1 ? longest - SUFFIX - MARK - 1 : 1;
        length = kept < length ? kept : length;
        while (length > 0 && ((unsigned char)name[length] & 0xc0) == 0x80)
            length--; /* no character is cut in two */
    }
    size_t size = before + length + strlen(mark) + strlen(suffix) + 1;
    MMN_NEED(*beside = mmn_allocate(size, 1, error));
    snprintf(*beside, size, "%.*s%s%s", (int)(before + length), path, mark, suffix);
    return MMN_OK;
}

bool mmn_is_same_file(const char *path, const char *other)
{
    struct stat one, two;
    return stat(path, &one) == 0 && stat(other, &two) == 0 && one.st_dev == two.st_dev &&
           one.st_ino == two.st_ino;
}

bool mmn_lock_file(int descriptor)
{
    int result;
    do
        result = flock(descriptor, LOCK_EX | LOCK_NB);
    while (result != 0 && errno == EINTR);
    return result == 0 || errno != EWOULDBLOCK;
}

/* ---- Atomic output --------------------------------------------------------------------------- */

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

/* Creates a new file next to `path`, and locks it: one that is not locked was left by a run that
 * was killed. Names that are taken are passed over. The message says which folder it is that
 * refuses. */
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
    mmn_writer_write(writer, data, size, NULL);
    return mmn_writer_commit(writer, error);
}
