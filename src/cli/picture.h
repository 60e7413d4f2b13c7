/* picture.h: --picture: the figure of what was found in a picture as a graphic, beside the result.
 */
#ifndef MMN_CLI_PICTURE_H
#define MMN_CLI_PICTURE_H

#include "cli/command.h"
#include "cli/options.h"

typedef struct mmn_cli_picture {
    const char *file;   /* the value of --picture; NULL: none is wanted */
    const char *figure; /* its name in a report */
    const char *image;  /* the picture that the figure is drawn over */
    mmn_report_format format;
} mmn_cli_picture;

/* clang-format off */
#define MMN_CLI_PICTURE(picture, what)                                                             \
    {.name = "picture", .value = "FILE", .kind = MMN_CLI_TEXT, .target = &(picture)->file,         \
     .help = "draw " what " over the picture, to FILE, which ends in .svg, .png or .pdf"}
/* clang-format on */

/* Takes the file, if one is wanted, before the work and after the result's destination. Returns the
 * exit code. */
int mmn_cli_picture_open(mmn_cli_picture *picture, mmn_cli_call *call);
/* Draws the result's figure. Returns the exit code. */
int mmn_cli_picture_give(const mmn_cli_picture *picture, const mmn_result *result);

#endif
