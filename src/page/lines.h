/* Panels of lines over layers or other places: two for each domain, a solid and a dashed one. */
#ifndef MMN_PAGE_LINES_H
#define MMN_PAGE_LINES_H

#include "page/figure.h"

/* What a domain's line shows at a place; NaN: nothing. */
typedef double mmn_lines_value(const void *context, size_t domain, bool dashed, size_t place);

typedef struct mmn_lines {
    const char *title, *y_title, *x_title;
    double minimum, maximum; /* of y; 0 is between them */
    bool counted;            /* y is whole */
    size_t places;
    const double *numbers; /* what stands below each place; NULL: layers, from 0 on */
    const char *dashed;    /* what is said of the dashed lines */
    mmn_lines_value *value;
    const void *context;
} mmn_lines;

/* Adds the panel. A line that is nothing at every place is not drawn. */
mmn_status mmn_lines_draw(mmn_figure *figure, const mmn_results *results, const mmn_lines *lines);

/* Widens the scale for a value, unless that is not finite. */
void mmn_lines_widen(mmn_lines *lines, double value);

#endif
