/* --picture: the figure of what was found in a picture as a graphic, beside the result. */
#include "cli/picture.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/destination.h"
#include "cli/output.h"
#include "cli/ranks.h"

/* Whether the file's name says in which format it is to be. */
static bool find_format(mmn_cli_picture *picture)
{
    static const struct {
        const char *ending;
        mmn_report_format format;
    } formats[] = {{".svg", MMN_REPORT_SVG}, {".png", MMN_REPORT_PNG}, {".pdf", MMN_REPORT_PDF}};
    const size_t length = strlen(picture->file);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (length > 4 && strcmp(picture->file + length - 4, formats[i].ending) == 0) {
            picture->format = formats[i].format;
            return true;
        }
    return false;
}

int mmn_cli_picture_open(mmn_cli_picture *picture, mmn_cli_call *call)
{
    mmn_error error;
    const char *output = call->destination.path;
    if (picture->file == NULL)
        return MMN_CLI_DONE;
    if (!find_format(picture))
        return mmn_cli_usage(call,
                             "--picture takes a file that ends in .svg, .png or .pdf, not"
                             " \"%s\"",
                             picture->file);
    if (output != NULL && strcmp(output, picture->file) == 0)
        return mmn_cli_usage(call, "-o and --picture are two files, and both are \"%s\"", output);
    if (mmn_report_can_write(picture->format, &error) != MMN_OK)
        return mmn_cli_fail(&error);
    return mmn_cli_destination_open_further(call, picture->file);
}

/* The folder that a picture is in, where links lead too; NULL where it has gone. */
static const char *find_folder(char folder[PATH_MAX], const char *image)
{
    if (realpath(image, folder) == NULL)
        return NULL;
    char *end = strrchr(folder, '/');
    end[end == folder] = '\0';
    return folder;
}

int mmn_cli_picture_give(const mmn_cli_picture *picture, const mmn_result *result)
{
    char folder[PATH_MAX];
    mmn_report_options options = {.size = sizeof options};
    mmn_report *report = NULL;
    mmn_error error;
    if (picture->file == NULL || mmn_cli_ranks_follow())
        return MMN_CLI_DONE;
    options.images = find_folder(folder, picture->image);
    mmn_status status = mmn_report_of(&report, result, &options, &error);
    if (status == MMN_OK)
        status = mmn_report_write(report, picture->format, picture->figure, picture->file, &error);
    mmn_report_free(report);
    return status == MMN_OK ? MMN_CLI_DONE : mmn_cli_fail(&error);
}
