/* A second place for a result: where it goes when it cannot be written where it was wanted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/given.h"
#include "base/memory.h"
#include "base/output.h"

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
    for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++)
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
    if (place)
        *place = NULL;
    if (MMN_MISSING(error, place, path, text))
        return MMN_USAGE;
    write_elsewhere(place, path, write_text, text);
    return *place ? MMN_OK
                  : mmn_fail(error, MMN_SYSTEM, NULL, NULL,
                             "there is no other folder either that the result can be written to: "
                             "TMPDIR, /tmp, /var/tmp, HOME and /dev/shm refuse it");
}
