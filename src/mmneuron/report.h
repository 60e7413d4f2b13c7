/* mmneuron/report.h: reports: figures of results, in a library of their own, libmmneuron_page.
 *
 * Ownership. A report is its caller's and needs its files or result no longer once it is made.
 *
 * Threads. A report does not change once it is made: any number of threads may use it. */
#ifndef MMNEURON_REPORT_H
#define MMNEURON_REPORT_H

#include <stddef.h>

#include "mmneuron/error.h"
#include "mmneuron/result.h"

#ifdef __cplusplus
extern "C" {
#endif

/* These functions are in libmmneuron_page (-lmmneuron_page; pkg-config calls it mmneuron-page), so
 * that whoever makes no pages carries none of what draws them. */

typedef enum mmn_report_format {
    MMN_REPORT_HTML,     /* one page that needs nothing but itself */
    MMN_REPORT_MARKDOWN, /* one text: the figures' tables */
    MMN_REPORT_SVG,      /* the figures, each a file */
    MMN_REPORT_CSV,      /* their tables, each a file */
    MMN_REPORT_PNG,      /* the figures as pictures of 300 pixels to the inch */
    MMN_REPORT_PDF       /* and as pages of their size */
} mmn_report_format;

typedef struct mmn_report_options {
    size_t size;        /* sizeof(mmn_report_options) */
    const char *images; /* folder of the samples' pictures; NULL: that of the list lens was given */
    const char *title;  /* NULL: "Domain neurons", of texts "Language neurons", and of results that
                           tell nothing of these by what they hold: "Predicted recordings" */
    const char *model;  /* what the page calls the model; NULL: by its digest alone */
    const char *date;   /* that the page bears; NULL: none, since no result has one */
} mmn_report_options;

typedef struct mmn_report mmn_report;

/* Reads results (counts, neurons.json, and what studies, detect and locate wrote, in any order,
 * also several of a kind) and makes the figures that they allow. MMN_INPUT when a file is no
 * result, or when there is nothing to show. */
MMN_API mmn_status mmn_report_read(mmn_report **report, const char *const *files, size_t file_count,
                                   const mmn_report_options *options, mmn_error *error);
/* The same of one result that is no file: pictures that it names are looked for in the current
 * folder, unless the options have one, and its file is called by its format. */
MMN_API mmn_status mmn_report_of(mmn_report **report, const mmn_result *result,
                                 const mmn_report_options *options, mmn_error *error);
MMN_API void mmn_report_free(mmn_report *report);
/* The figures' names, "neurons" or "words-1", of the second result of a kind "words-1_2", valid
 * until the report is freed. */
MMN_API size_t mmn_report_figure_count(const mmn_report *report);
MMN_API const char *mmn_report_figure_name(const mmn_report *report, size_t index);
/* Whether this library writes the format, before there is a report: MMN_USAGE for PNG and PDF in
 * one that was configured without librsvg. */
MMN_API mmn_status mmn_report_can_write(mmn_report_format format, mmn_error *error);
/* Writes the figure of this name to the file `output`, or all (NULL): HTML and Markdown to the file
 * `output`, the others to files NAME.svg, NAME.csv and so on of the folder `output`, which is made
 * if it is not there. MMN_USAGE when there is no such figure, and for a format that this library
 * does not write. */
MMN_API mmn_status mmn_report_write(const mmn_report *report, mmn_report_format format,
                                    const char *figure, const char *output, mmn_error *error);
/* What was found in sentences, and charts for a terminal ("" if there are none); with block
 * characters if `blocks`, else in ASCII but for names. */
MMN_API mmn_status mmn_report_charts(const mmn_report *report, int blocks, char **text,
                                     mmn_error *error);

#ifdef __cplusplus
}
#endif

#endif
