/* A report: the results it is made of and their figures. */
#ifndef MMN_PAGE_REPORT_H
#define MMN_PAGE_REPORT_H

#include "page/figure.h"
#include "page/finding.h"

struct mmn_report {
    mmn_result_sets results;
    mmn_figures figures;
    char *title, *model, *date; /* the last two may be NULL */
    mmn_finding finding;
};

/* A page with all figures, or one; a list of all with their tables. `only` is NULL or a figure. */
void mmn_report_page(mmn_text *text, const mmn_report *report, const mmn_figure *only);
void mmn_report_markdown(mmn_text *text, const mmn_report *report, const mmn_figure *only);

/* A panel as an element of a page or of a graphic, at (x, y) there. */
void mmn_report_panel(mmn_text *text, const mmn_figure *figure, size_t number, double x, double y);
/* A figure as a graphic on its own: its panels below one another in two columns. */
void mmn_report_graphic(mmn_text *text, const mmn_figure *figure);

/* Whether graphics can be made pictures and pages: MMN_USAGE without librsvg. */
mmn_status mmn_report_can_render(mmn_error *error);
/* The graphic as a picture or page, in a file. */
mmn_status mmn_report_render(const char *graphic, mmn_report_format format, const char *file,
                             mmn_error *error);

#endif
