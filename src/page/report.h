/* A report: the results it is made of and their figures. */
#ifndef MMN_PAGE_REPORT_H
#define MMN_PAGE_REPORT_H

#include "page/figure.h"

struct mmn_report {
    mmn_result_sets results;
    mmn_figures figures;
    char *title;
};

/* A page with all figures, or one; a list of all with their tables. `only` is NULL or a figure. */
void mmn_report_page(mmn_text *text, const mmn_report *report, const mmn_figure *only);
void mmn_report_markdown(mmn_text *text, const mmn_report *report, const mmn_figure *only);

/* A figure as a graphic on its own: its panels below one another in two columns. */
void mmn_report_graphic(mmn_text *text, const mmn_figure *figure);

#endif
