/* A panel of means with their intervals, a lying bar each, below its name. */
#ifndef MMN_PAGE_FIGURE_MEANS_H
#define MMN_PAGE_FIGURE_MEANS_H

#include "page/figure.h"

/* Which rows of a result are drawn: those of all domains together, or of the only one. The table
 * has the columns domain, mean, low and high. */
typedef struct mmn_figure_means {
    const char *table;
    const char *measure;         /* of the column of that name; NULL: there is none */
    const char *first, *neurons; /* the columns whose texts name a row; what "top" neurons do is
                                    coloured */
    const char *name_end;        /* behind these */
} mmn_figure_means;

/* Adds the panel; none where there are no rows, or too many. */
mmn_status mmn_figure_draw_means(mmn_figure *figure, const mmn_result *result,
                                 const mmn_figure_means *means, const char *title);

#endif
