/* The place of an output: proved before there is anything to write, and locked while it is
 * awaited. */
#include "base/output.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

/* What a lock begins with; a file of its name that begins otherwise is somebody else's. */
#define LOCK_TITLE "mmneuron-lock: "

struct mmn_output {
    char *folder; /* that is written to */
    char *lock_path;
    int lock;  /* descriptor */
    bool made; /* whether the folder was made for this output */
};

/* Another user's file in a folder like /tmp cannot be replaced, which renaming would say too
 * late. */
static bool can_replace(const struct stat *file, const struct stat *folder)
{
    uid_t user = geteuid();
    return !(folder->st_mode & S_ISVTX) || user == 0 || user == file->st_uid ||
           user == folder->st_uid;
}

static mmn_status refuse_folder(const mmn_output *output, int errno_value, const char *path,
                                mmn_error *error)
{
    if (strcmp(output->folder, path) == 0)
        return mmn_fail_system(error, errno_value, path, "nothing can be written in this folder");
    return mmn_fail_system(error, errno_value, output->folder,
                           "nothing can be written in this folder, where \"%.300s\" was to be",
                           mmn_path_name(path));
}

static mmn_status check_file(mmn_output *output, const char *path, mmn_error *error)
{
    if (*mmn_path_name(path) == '\0')
        return mmn_fail(error, MMN_USAGE, path, NULL,
                        "cannot be written to: expected the name of a file");
    MMN_TRY(mmn_path_folder(&output->folder, path, error));
    struct stat folder, file;
    if (stat(output->folder, &folder) != 0)
        return refuse_folder(output, errno, path, error);
    if (!S_ISDIR(folder.st_mode))
        return refuse_folder(output, ENOTDIR, path, error);
    if (lstat(path, &file) == 0) {
        if (!can_replace(&file, &folder))
            return mmn_fail_system(error, EPERM, path, "cannot be replaced");
        if (stat(path, &file) != 0)
            return mmn_fail_system(error, errno, path, "is a link that cannot be followed");
        if (!S_ISREG(file.st_mode))
            return mmn_fail(error, MMN_USAGE, path, NULL,
                            "cannot be written to: it exists and is %s",
                            S_ISDIR(file.st_mode) ? "a folder" : "not a regular file");
        if (access(path, W_OK) != 0) /* renaming would not ask */
            return mmn_fail_system(error, errno, path, "cannot be written over");
    } else if (errno != ENOENT) {
        return mmn_fail_system(error, errno, path, "cannot be written to");
    }
    return MMN_OK;
}

/* Says which folder it is that has no room for the new one. */
static mmn_status refuse_new_folder(const char *path, int errno_value, mmn_error *error)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    char *name = mmn_copy_bytes(path, length, error), *parent = NULL;
    mmn_status status = name ? mmn_path_folder(&parent, name, error) : MMN_SYSTEM;
    if (status == MMN_OK)
        status = mmn_fail_system(error, errno_value, parent,
                                 "the folder \"%.300s\" cannot be made in this one",
                                 mmn_path_name(name));
    mmn_free(parent);
    mmn_free(name);
    return status;
}

static mmn_status make_folder(mmn_output *output, const char *path, mmn_error *error)
{
    MMN_NEED(output->folder = mmn_copy_text(path, error));
    output->made = mkdir(path, (mode_t)0777) == 0;
    if (output->made || (errno == EEXIST && mmn_is_folder(path)))
        return MMN_OK;
    if (errno == EEXIST)
        return mmn_fail(error, MMN_USAGE, path, NULL,
                        "cannot be written to: it exists and is not a folder");
    return refuse_new_folder(path, errno, error);
}

/* Says who holds the lock, as it says itself. */
static mmn_status refuse_taken(int lock, const char *path, mmn_error *error)
{
    char text[512] = "";
    ssize_t size = pread(lock, text, sizeof(text) - 1, 0);
    size_t title = strlen(LOCK_TITLE);
    const char *holder = "";
    if (size > (ssize_t)title && strncmp(text, LOCK_TITLE, title) == 0) {
        holder = text + title;
        text[title + strcspn(holder, "\n")] = '\0';
    }
    return mmn_fail(error, MMN_SYSTEM, path, NULL,
                    "another run is at work on this output%s%s; wait for it, or give another name",
                    *holder ? ": " : "", holder);
}

/* Whether the descriptor is still what the path leads to: a run that ends removes its lock. */
static bool is_current(int descriptor, const char *path)
{
    struct stat opened, found;
    return fstat(descriptor, &opened) == 0 && lstat(path, &found) == 0 &&
           opened.st_dev == found.st_dev && opened.st_ino == found.st_ino;
}

/* Whether a file that has the lock's name is one: what a killed run left, or empty. */
static bool is_lock(int descriptor)
{
    char text[sizeof(LOCK_TITLE)] = "";
    struct stat status;
    return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
           (status.st_size == 0 ||
            (pread(descriptor, text, strlen(LOCK_TITLE), 0) > 0 && strcmp(text, LOCK_TITLE) == 0));
}

/* Opens and locks the lock, whether or not a killed run left one. */
static mmn_status open_lock(mmn_output *output, const char *path, mmn_error *error)
{
    for (;;) {
        int lock = open(output->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                        (mode_t)0666);
        mmn_status status = MMN_OK;
        if (lock < 0)
            return refuse_folder(output, errno, path, error);
        if (!is_lock(lock))
            status = mmn_fail(error, MMN_USAGE, output->lock_path, NULL,
                              "this file is in the way: "
                              "its name is that of a lock, which it is not");
        else if (!mmn_lock_file(lock))
            status = refuse_taken(lock, path, error);
        else if (is_current(lock, output->lock_path))
            output->lock = lock;
        if (output->lock >= 0)
            return MMN_OK;
        close(lock); /* somebody else's: it stays */
        MMN_TRY(status);
    }
}

/* Writing is the proof that the folder can be written to, and that the disk is not full. */
static mmn_status sign_lock(mmn_output *output, const char *path, const char *purpose,
                            mmn_error *error)
{
    char host[65] = "", text[512];
    gethostname(host, sizeof(host) - 1);
    int size = snprintf(text, sizeof(text), LOCK_TITLE "%.200s%sprocess %ld on %s\n",
                        purpose ? purpose : "", purpose ? ", " : "", (long)getpid(), host);
    if (ftruncate(output->lock, 0) != 0 || pwrite(output->lock, text, (size_t)size, 0) != size ||
        fsync(output->lock) != 0)
        return refuse_folder(output, errno != 0 ? errno : ENOSPC, path, error);
    return MMN_OK;
}

/* Whether `name` is PREFIX.PROCESS-NUMBER.partial: what mmn_writer_open calls its files. */
static bool is_temporary(const char *name, const char *prefix, bool any_prefix)
{
    size_t length = strlen(name), end = strlen(".partial"), digits = 0;
    if (length <= end || strcmp(name + length - end, ".partial") != 0)
        return false;
    const char *at = name + length - end;
    for (; at > name && isdigit((unsigned char)at[-1]); at--)
        digits++;
    if (digits == 0 || at == name || *--at != '-')
        return false;
    for (digits = 0; at > name && isdigit((unsigned char)at[-1]); at--)
        digits++;
    if (digits == 0 || at == name || *--at != '.' || at == name)
        return false;
    return any_prefix || (strncmp(name, prefix, (size_t)(at - name)) == 0 &&
                          (strcmp(prefix + (at - name), "") == 0));
}

/* Removes a file that nobody writes any more. */
static void remove_abandoned(int folder, const char *name)
{
    int file = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return;
    if (mmn_lock_file(file))
        unlinkat(folder, name, 0);
    close(file);
}

/* Removes what killed runs left under temporary names: all of a folder (NULL), or those of files
 * that have this path. That it fails is no reason not to work. */
static mmn_status clean(const mmn_output *output, const char *path, mmn_error *error)
{
    char *beside = NULL;
    mmn_status status = path ? mmn_path_beside(&beside, path, "", error) : MMN_OK;
    DIR *folder = status == MMN_OK ? opendir(output->folder) : NULL;
    if (folder) {
        const char *prefix = path ? mmn_path_name(beside) : "";
        for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
            if (is_temporary(entry->d_name, prefix, path == NULL))
                remove_abandoned(dirfd(folder), entry->d_name);
        closedir(folder);
    }
    mmn_free(beside);
    return status;
}

static mmn_status take(mmn_output *output, const char *path, const mmn_output_options *options,
                       mmn_error *error)
{
    bool is_folder = options->folder != 0;
    MMN_TRY(is_folder ? make_folder(output, path, error) : check_file(output, path, error));
    MMN_TRY(is_folder ? mmn_path_join(&output->lock_path, path, ".mmneuron-lock", error)
                      : mmn_path_beside(&output->lock_path, path, ".mmneuron-lock", error));
    MMN_TRY(open_lock(output, path, error));
    MMN_TRY(sign_lock(output, path, options->purpose, error));
    MMN_TRY(clean(output, is_folder ? NULL : path, error));
    for (size_t i = 0; i < options->beside_count; i++)
        MMN_TRY(clean(output, options->beside[i], error));
    return MMN_OK;
}

mmn_status mmn_output_lock(mmn_output **output, const char *path, const mmn_output_options *options,
                           mmn_error *error)
{
    *output = NULL;
    mmn_output *made = mmn_allocate(1, sizeof(*made), error);
    MMN_NEED(made);
    made->lock = -1;
    mmn_status status = take(made, path, options, error);
    if (status == MMN_OK)
        *output = made;
    else
        mmn_output_release(made);
    return status;
}

const char *mmn_output_lock_file(const mmn_output *output)
{
    return output ? output->lock_path : NULL;
}

void mmn_output_release(mmn_output *output)
{
    if (!output)
        return;
    if (output->lock >= 0) {
        unlink(output->lock_path);
        close(output->lock);
    }
    if (output->made)
        rmdir(output->folder); /* which only does anything when nothing was written */
    mmn_free(output->folder);
    mmn_free(output->lock_path);
    mmn_free(output);
}

/* ---- A second place -------------------------------------------------------------------------- */

/* Writes to a file of this name in a new folder of `parent`. */
static mmn_status write_in(char **place, const char *parent, const char *name,
                           mmn_output_writer *write, const void *context)
{
    char *folder = NULL;
    mmn_status status = mmn_path_join(&folder, parent, "mmneuron-XXXXXX", NULL);
    if (status != MMN_OK)
        return status;
    if (mkdtemp(folder)) {
        status = mmn_path_join(place, folder, name, NULL);
        if (status == MMN_OK)
            status = write(context, *place, NULL);
        if (status != MMN_OK) {
            mmn_free(*place);
            *place = NULL;
            rmdir(folder);
        }
    } else {
        status = MMN_SYSTEM;
    }
    mmn_free(folder);
    return status;
}

/* *place: where it was written, or NULL. */
static void write_elsewhere(char **place, const char *path, mmn_output_writer *write,
                            const void *context)
{
    const char *const parents[] = {getenv("TMPDIR"), "/tmp", "/var/tmp", getenv("HOME"),
                                   "/dev/shm"};
    *place = NULL;
    for (size_t i = 0; i < MMN_LENGTH(parents); i++)
        if (parents[i] && parents[i][0] == '/' &&
            write_in(place, parents[i], mmn_path_name(path), write, context) == MMN_OK)
            return;
}

mmn_status mmn_output_write(const char *path, mmn_output_writer *write, const void *context,
                            mmn_error *error)
{
    mmn_error problem = {0};
    mmn_status status = write(context, path, &problem);
    char *place = NULL;
    /* Not where memory is short: there nothing is wrong with the place. */
    if (status == MMN_USAGE || (status == MMN_SYSTEM && problem.cause != 0))
        write_elsewhere(&place, path, write, context);
    if (place)
        status = problem.status = MMN_SYSTEM; /* whatever became of the place since it was proved */
    if (status != MMN_OK && error)
        *error = problem;
    if (place && error) {
        size_t used = strlen(error->message);
        snprintf(error->message + used, sizeof(error->message) - used,
                 "; the result is in %.500s instead", place);
    }
    mmn_free(place);
    return status;
}

static mmn_status write_text(const void *context, const char *path, mmn_error *error)
{
    return mmn_write_file(path, context, strlen(context), error);
}

mmn_status mmn_keep_elsewhere(char **place, const char *path, const char *text, mmn_error *error)
{
    MMN_CLEAR(place);
    MMN_GIVEN(error, place, path, text);
    write_elsewhere(place, path, write_text, text);
    return *place ? MMN_OK
                  : mmn_fail(error, MMN_SYSTEM, NULL, NULL,
                             "there is no other folder either that the result can be written to: "
                             "TMPDIR, /tmp, /var/tmp, HOME and /dev/shm refuse it");
}
