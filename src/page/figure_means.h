/* A panel of means with their intervals, a lying bar each, below its name. */
#ifndef MMN_PAGE_FIGURE_MEANS_H
#define MMN_PAGE_FIGURE_MEANS_H

#include "page/figure.h"

/* A bar below its name, of these classes, and its interval; what is no number is not drawn. */
typedef struct mmn_mean {
    char name[96];
    const char *classes;
    double mean, low, high;
} mmn_mean;

/* Adds a panel of these; none of none, or of too many. */
enum { MMN_MEANS = 64 };
mmn_status mmn_figure_draw_bars(mmn_figure *figure, const mmn_mean *means, size_t count,
                                const char *title);

/* Whether a row of a table is of all domains together, or of the only one. */
bool mmn_figure_is_of_all(const mmn_result *result, const char *table, size_t row);

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
