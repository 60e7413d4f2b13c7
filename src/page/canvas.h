/* A picture that a result is about, in a panel, and where its boxes lie there. */
#ifndef MMN_PAGE_CANVAS_H
#define MMN_PAGE_CANVAS_H

#include "page/map.h"

typedef struct mmn_canvas {
    mmn_svg *svg;
    const mmn_result *result;
    double scale;         /* from the picture's pixels to the panel's */
    double width, height; /* in the panel, below MMN_MAP_TOP */
} mmn_canvas;

/* The most boxes that are drawn in one. */
enum { MMN_CANVAS_BOXES = 24 };

/* Begins an empty graphic with the picture that this row names in its column image, with its height
 * and width in pixels. Where it is not shown, a band lies in its place and `words` tell why.
 * MMN_INPUT, and nothing is drawn, unless the size is that of a picture that is not too high. */
mmn_status mmn_canvas_begin(mmn_canvas *canvas, mmn_svg *svg, const mmn_results *results,
                            mmn_result_kind kind, const char *table, size_t row, mmn_text *words,
                            mmn_error *error);

/* Where so many pixels from the picture's left and from its top lie, moved into the picture. */
double mmn_canvas_x(const mmn_canvas *canvas, double pixels);
double mmn_canvas_y(const mmn_canvas *canvas, double pixels);

/* A box in the panel, moved into the picture: the columns left, top, right and bottom of a row. */
typedef struct mmn_canvas_box {
    double left, top, right, bottom;
} mmn_canvas_box;
mmn_canvas_box mmn_canvas_place(const mmn_canvas *canvas, const char *table, size_t row);
/* Draws it in the colour of a series, with its number (0: none) and its column score at the upper
 * left corner. */
void mmn_canvas_draw_box(const mmn_canvas *canvas, const char *table, size_t row, size_t series,
                         size_t number);

#endif
